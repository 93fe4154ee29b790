/**
 * Coverage gaps: times in which a feed was not looked at for longer than Keepa remembers, so that
 * deals may have come and gone unseen.
 *
 * Invariant: a feed has at most one open gap, which began when the first look was missed.
 */
import type { Ask } from './ask.ts';
import { wholeMs, withoutNulls } from './column-values.ts';
import { feedOf } from './feeds.ts';
import type { CoverageGap } from './judging-ports.ts';
import type { Trx } from './tables.ts';

/** In order of their beginning, closed ones included. */
export async function gaps(ask: Ask): Promise<readonly CoverageGap[]> {
  const rows = await ask<{ feed: string; fromMs: number; closedAtMs: number | null }>(
    `select feeds.name as feed, from_ms as fromMs, closed_at_ms as closedAtMs
     from coverage_gaps join feeds on feeds.id = coverage_gaps.feed_id
     order by from_ms, feeds.name`,
  );
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
