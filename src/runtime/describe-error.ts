/**
 * An error as one line of text, for logs and for people: what happened, and what caused it.
 *
 * No stack: the reader of a log wants the reason, and a stack makes every line long. Anything can
 * be thrown, so nothing is assumed of what arrives, and describing it never throws.
 */

/** Causes beyond this depth say nothing new, and a cycle of causes must end somewhere. */
const depthMax = 6;
/** An AggregateError of a hundred refused connections is told by its first few. */
const membersMax = 3;

/** The message, its system code if it does not name it, and the chain of causes. */
export function describeError(error: unknown): string {
  try {
    return describe(error, depthMax);
  } catch {
    return 'an error that cannot be described';
  }
}

function describe(error: unknown, depthLeft: number): string {
  if (!(error instanceof Error)) return describeThrown(error);
  const causes = [describeMembers(error, depthLeft), describeCause(error, depthLeft)];
  return [headline(error), ...causes.filter((cause) => cause !== '')].join(': ');
}

function headline(error: Error): string {
  const message = error.message === '' ? error.name : error.message;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return code === '' || message.includes(code) ? message : `${message} (${code})`;
}

function describeMembers(error: Error, depthLeft: number): string {
  if (!(error instanceof AggregateError) || depthLeft === 0) return '';
  const shown = error.errors.slice(0, membersMax).map((member) => describe(member, depthLeft - 1));
  const hidden = error.errors.length - shown.length;
  return [...shown, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join('; ');
}

function describeCause(error: Error, depthLeft: number): string {
  if (error.cause === undefined || error.cause === null || depthLeft === 0) return '';
  return describe(error.cause, depthLeft - 1);
}

function describeThrown(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  return typeof thrown === 'object' ? JSON.stringify(thrown) : String(thrown);
}
