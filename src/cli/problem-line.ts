/**
 * A problem of the configuration as one line, which a person reads before the first coffee: it
 * names the place and the mistake, and ends in something to do.
 */
import type { ConfigProblem } from '../config-problem.ts';
import { nearestName } from '../runtime/nearest-name.ts';

/** One line, whatever line breaks the parts hold. */
export function problemLine(problem: ConfigProblem): string {
  const { where, what } = problem;
  const todo = problem.todo ?? guess(problem.unknown);
  const line = todo === undefined ? `${where}: ${what}` : `${where}: ${what}; ${todo}`;
  return line.replace(/\s*[\r\n]+\s*/g, ' ');
}

function guess(unknown: ConfigProblem['unknown']): string | undefined {
  if (unknown === undefined) return undefined;
  const meant = nearestName(unknown.name, unknown.known);
  return meant === undefined ? `known: ${unknown.known.join(', ')}` : `did you mean ${meant}?`;
}
