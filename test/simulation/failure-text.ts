/** A failure as whoever has to mend it wants it: what, when, where, and how to see it again. */
import { execFileSync } from 'node:child_process';
import type { Failure } from './checkers/checker.ts';

const hourMs = 3_600_000;

/** What is running; `+dirty` with changes that are in no commit. */
export function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', cwd: import.meta.dirname }).trim();
  try {
    const dirty = git('status', '--porcelain') === '' ? '' : '+dirty';
    return `${git('rev-parse', '--short', 'HEAD')}${dirty}`;
  } catch {
    return 'unknown';
  }
}

/** Three lines; the last is the one command that replays it. */
export function failureText(
  { code, sentence, atMs }: Failure,
  run: { readonly seed: number; readonly hours: number; readonly canary?: string | undefined },
): string {
  const { seed, hours, canary } = run;
  const more = canary === undefined ? '' : ` --canary ${canary}`;
  return [
    `${code}: ${sentence}`,
    `  at ${(atMs / hourMs).toFixed(3)} h, seed ${seed}, commit ${commit()}`,
    `  replay: npm run -s sim -- --seed ${seed} --hours ${hours}${more}`,
    '',
  ].join('\n');
}
