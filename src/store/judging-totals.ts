/**
 * How much was judged so far and with what result, over all time.
 *
 * Invariant: processed = accepted + Σ rejected + Σ insufficient + retries, each counted on its own.
 */
import assert from 'node:assert/strict';
import type { Ask } from './ask.ts';
import type { JudgingTotals } from './judging-ports.ts';

/** What came of looking at one row. */
export type Verdict = 'accepted' | 'rejected' | 'insufficient' | 'retry';

/** @throws AssertionError when they do not add up. */
export async function judgingTotals(ask: Ask): Promise<JudgingTotals> {
  const counts = await ask<{ verdict: Verdict; reason: string; rows: number }>(
    `select verdict, reason, row_count as rows from judging_counts
     order by row_count desc, reason`,
  );
  const [total] = await ask<{ processed: number }>(
    'select row_count as processed from judging_processed',
  );
  assert(total !== undefined, 'what was processed is one row, from the first schema on');
  const { processed } = total;
  const of = (verdict: Verdict) => counts.filter((count) => count.verdict === verdict);
  const sum = counts.reduce((added, { rows }) => added + rows, 0);
  assert.equal(processed, sum, 'what was processed is what came of it, retries included');
  const byReason = (verdict: Verdict) =>
    Object.fromEntries(of(verdict).map(({ reason, rows }) => [reason, rows]));
  return {
    processed,
    accepted: of('accepted')[0]?.rows ?? 0,
    rejected: byReason('rejected'),
    insufficient: byReason('insufficient'),
    retries: of('retry')[0]?.rows ?? 0,
  };
}
