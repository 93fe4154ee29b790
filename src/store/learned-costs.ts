/**
 * What calls turned out to cost, kept over a restart.
 *
 * A start that knows nothing holds the documented worst case for every call, about twice the truth,
 * and a poor plan waits for that. So each answered request leaves what is known of its shape, in
 * the transaction that writes its line of the ledger: the two can never disagree.
 *
 * Invariant: one row per shape, of the answer that was written last.
 */
import { wholeMs } from './column-values.ts';
import type { LearnedShape } from './ports.ts';
import type { Trx } from './tables.ts';

/** Replaces what was known of the shape. */
export async function keepLearned(
  trx: Trx,
  { shape, atMs, learned }: { shape: string; atMs: number; learned: LearnedShape },
): Promise<void> {
  const kept = {
    batch_max: learned.batchMax,
    bands: JSON.stringify(learned.bands),
    learned_at_ms: wholeMs(atMs),
  };
  await trx
    .insertInto('learned_costs')
    .values({ shape, ...kept })
    .onConflict((conflict) => conflict.column('shape').doUpdateSet(kept))
    .execute();
}

/**
 * What is known of every shape that was answered at or after `sinceMs`, by its name. The bands are
 * as they were written; whoever reads them checks them.
 */
export async function learnedCosts(
  trx: Trx,
  sinceMs: number,
): Promise<Readonly<Record<string, unknown>>> {
  const rows = await trx
    .selectFrom('learned_costs')
    .select(['shape', 'batch_max as batchMax', 'bands'])
    .where('learned_at_ms', '>=', wholeMs(sinceMs))
    .orderBy('shape')
    .execute();
  const entries = rows.map(({ shape, batchMax, bands }) => {
    const read: unknown = JSON.parse(bands);
    return [shape, { batchMax, bands: read }] as const;
  });
  return Object.fromEntries(entries);
}
