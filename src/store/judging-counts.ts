/**
 * Counts what came of judging.
 *
 * What was processed is counted apart from what came of it, and the two are compared in every
 * transaction that counts (judging-totals.ts). A verdict that is lost or counted twice takes its
 * transaction with it instead of thinning the table out unnoticed.
 */
import { askingIn } from './database.ts';
import { judgingTotals, type Verdict } from './judging-totals.ts';
import type { Trx } from './tables.ts';

/** What came of looking at one row. */
export interface Outcome {
  readonly verdict: Verdict;
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
  await judgingTotals(askingIn(trx));
}
