/**
 * Coverage gaps: times in which a feed was not looked at for longer than Keepa remembers, so that
 * deals may have come and gone unseen.
 *
 * Invariant: a feed has at most one open gap, which began when the first look was missed.
 */
import { wholeMs, withoutNulls } from './columns.ts';
import { feedOf } from './feeds.ts';
import type { CoverageGap } from './judging-ports.ts';
import type { Trx } from './tables.ts';

/** In order of their beginning, closed ones included. */
export async function gaps(trx: Trx): Promise<readonly CoverageGap[]> {
  const rows = await trx
    .selectFrom('coverage_gaps')
    .innerJoin('feeds', 'feeds.id', 'coverage_gaps.feed_id')
    .select([
      'feeds.name as feed',
      'coverage_gaps.from_ms as fromMs',
      'coverage_gaps.closed_at_ms as closedAtMs',
    ])
    .orderBy('coverage_gaps.from_ms')
    .orderBy('feeds.name')
    .execute();
  return rows.map(withoutNulls);
}

/** Nothing new when the feed has an open gap, or had one that began then. */
export async function openGap(
  trx: Trx,
  { feed, fromMs }: { feed: string; fromMs: number },
): Promise<void> {
  const { id } = await feedOf(trx, { name: feed });
  await trx
    .insertInto('coverage_gaps')
    .values({ feed_id: id, from_ms: wholeMs(fromMs) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** A gap that is closed already keeps its date. */
export async function closeGaps(
  trx: Trx,
  { feed, atMs }: { feed: string; atMs: number },
): Promise<void> {
  const { id } = await feedOf(trx, { name: feed });
  await trx
    .updateTable('coverage_gaps')
    .set({ closed_at_ms: wholeMs(atMs) })
    .where('feed_id', '=', id)
    .where('closed_at_ms', 'is', null)
    .execute();
}
