/**
 * What `doctor` finds: one statement about one thing, and for what is not well why it matters and
 * what to do.
 *
 * Whether something is wrong is not enough for somebody who did not build it; so a finding that is
 * worse than a note cannot be made without the other two.
 */
import { type ExitCode, exitCodes } from './cli-error.ts';

/**
 * - error: something is broken, and deals are not kept fresh, or soon will not be;
 * - warning: it works, and not as it should;
 * - note: worth knowing, and nothing has to be done;
 * - ok: looked at and well;
 * - skipped: not looked at, and why.
 *
 * The worst first, as they are printed.
 */
export const levels = ['error', 'warning', 'note', 'ok', 'skipped'] as const;
export type Level = (typeof levels)[number];

export interface Finding {
  /** Stable: programs pick findings by it. One check may have several. */
  readonly id: string;
  readonly level: Level;
  readonly what: string;
  readonly why?: string;
  readonly todo?: string;
}

/** What a finding that is no good news says. */
export interface Trouble {
  readonly what: string;
  readonly why: string;
  readonly todo: string;
}

export function fine(id: string, what: string): Finding {
  return { id, level: 'ok', what };
}

export function skipped(id: string, what: string): Finding {
  return { id, level: 'skipped', what };
}

export function note(id: string, trouble: Trouble): Finding {
  return { id, level: 'note', ...trouble };
}

export function warning(id: string, trouble: Trouble): Finding {
  return { id, level: 'warning', ...trouble };
}

export function broken(id: string, trouble: Trouble): Finding {
  return { id, level: 'error', ...trouble };
}

/** `ok` when nothing was found. */
export function orFine(found: readonly Finding[], ok: Finding): readonly Finding[] {
  return found.length > 0 ? found : [ok];
}

/** 1 for an error, 3 for a warning, else 0. */
export function exitCodeFor(findings: readonly Finding[]): ExitCode {
  if (findings.some(({ level }) => level === 'error')) return exitCodes.failed;
  return findings.some(({ level }) => level === 'warning') ? exitCodes.unwell : exitCodes.fine;
}
