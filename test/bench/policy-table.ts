/** The table of policies, at most 120 columns wide. */
import type { PolicyFigures } from './policy-run.ts';
import { yieldOf } from './targets.ts';

const heads = [
  'policy',
  'useful',
  'expired',
  '429s',
  'low',
  'wait',
  'p95',
  'max',
  'gap',
  'sweeps',
  'judged',
  '/1k',
  'age p95',
  'wrong',
] as const;

/** What the heads of the columns mean, to be printed once. */
export const legend =
  'useful: % of the tokens that arrived which bought something new (above 100: debt);\n' +
  'wait: of head polls, from due to sent, p50 first; gap: longest time without one; judged:\n' +
  'rows, survivors once verified, also per 1,000 tokens; age: of last seen, rows truly listed;\n' +
  'wrong: rows ended that had never left the list\n';

/** One rate's rows under their heads. */
export function policyTable(title: string, runs: readonly PolicyFigures[]): string {
  const rows = [heads, ...runs.map(cellsOf)];
  const widths = heads.map((_, at) => Math.max(...rows.map((cells) => cells[at]?.length ?? 0)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  '),
  );
  return `${title}\n${lines.join('\n')}\n`;
}

function cellsOf(run: PolicyFigures): readonly string[] {
  return [
    run.policy,
    `${((100 * run.usefulTokens) / run.refilledTokens).toFixed(1)}`,
    count(run.expiredTokens),
    count(run.refusals),
    count(run.lowestBalance),
    span(run.pollWaitP50Ms),
    span(run.pollWaitP95Ms),
    span(run.pollWaitMaxMs),
    span(run.pollGapMaxMs),
    count(run.sweeps),
    count(run.judgedRows),
    yieldOf(run).toFixed(1),
    span(run.ageP95Ms),
    count(run.endedWrongly),
  ];
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function span(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  if (seconds < 120 * 60) return `${(seconds / 60).toFixed(1)} m`;
  if (seconds < 72 * 3_600) return `${(seconds / 3_600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} d`;
}
