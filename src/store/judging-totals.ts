/**
 * How much was judged so far and with what result, over all time.
 *
 * What was processed is counted apart from what came of it, and the two are compared in every
 * transaction that counts: processed = accepted + Σ rejected + Σ insufficient + retries. A verdict
 * that is lost or counted twice takes its transaction with it instead of thinning the table out
 * unnoticed.
 */
import assert from 'node:assert/strict';
import type { JudgingTotals } from './judging-ports.ts';
import type { Trx } from './tables.ts';

/** What came of looking at one row. */
export interface Outcome {
  readonly verdict: 'accepted' | 'rejected' | 'insufficient' | 'retry';
  /** Of `rejected` and `insufficient`. */
  readonly reason?: string | undefined;
}

/** Adds the outcomes to the totals. @throws AssertionError when the totals do not add up. */
export async function countOutcomes(trx: Trx, outcomes: readonly Outcome[]): Promise<void> {
  if (outcomes.length === 0) return;
  const alike = new Map<string, Outcome & { readonly rows: number }>();
  for (const { verdict, reason } of outcomes) {
    const key = `${verdict} ${reason}`;
    alike.set(key, { verdict, reason, rows: (alike.get(key)?.rows ?? 0) + 1 });
  }
  for (const { verdict, reason, rows } of alike.values()) {
    await trx
      .insertInto('judging_counts')
      .values({ verdict, reason: reason ?? '', row_count: rows })
      .onConflict((conflict) =>
        conflict.columns(['verdict', 'reason']).doUpdateSet(({ eb, ref }) => ({
          row_count: eb(ref('judging_counts.row_count'), '+', rows),
        })),
      )
      .execute();
  }
  await trx
    .updateTable('judging_processed')
    .set(({ eb, ref }) => ({ row_count: eb(ref('row_count'), '+', outcomes.length) }))
    .execute();
  await judgingTotals(trx);
}

/** @throws AssertionError when they do not add up. */
export async function judgingTotals(trx: Trx): Promise<JudgingTotals> {
  const counts = await trx
    .selectFrom('judging_counts')
    .selectAll()
    .orderBy('row_count', 'desc')
    .orderBy('reason')
    .execute();
  const { row_count: processed } = await trx
    .selectFrom('judging_processed')
    .select('row_count')
    .executeTakeFirstOrThrow();
  const of = (verdict: Outcome['verdict']) => counts.filter((count) => count.verdict === verdict);
  const sum = counts.reduce((rows, { row_count }) => rows + row_count, 0);
  assert.equal(processed, sum, 'what was processed is what came of it, retries included');
  const byReason = (verdict: Outcome['verdict']) =>
    Object.fromEntries(of(verdict).map(({ reason, row_count }) => [reason, row_count]));
  return {
    processed,
    accepted: of('accepted')[0]?.row_count ?? 0,
    rejected: byReason('rejected'),
    insufficient: byReason('insufficient'),
    retries: of('retry')[0]?.row_count ?? 0,
  };
}
