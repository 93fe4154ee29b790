/**
 * How much the feeds list: the sizes of their complete sweeps.
 *
 * An edited query can list a tenth of what it did, and then every other row would seem to be gone.
 * So the size of a sweep is compared with what the feed listed in the week before, whatever its
 * query was then. The size is counted on the wire: a row that could not be read is listed all the
 * same. Sweeps of a part of a feed have a size of their own and say nothing about the whole.
 */
import { wholeMs } from './column-values.ts';
import { complete, yes } from './columns.ts';
import { findFeed } from './feeds.ts';
import type { JudgingReader, Supply } from './judging-ports.ts';
import type { Trx } from './tables.ts';

const weekMs = 7 * 86_400_000;

/** Sweeps of the feed, its parts and its former revisions that completed since; newest first. */
export async function completeSweeps(
  trx: Trx,
  { feed, sinceMs }: { feed: string; sinceMs: number },
): ReturnType<JudgingReader['completeSweeps']> {
  const known = await findFeed(trx, feed);
  if (known === undefined) return [];
  const rows = await completed(trx, known.id)
    .select(['query_hash as queryHash', 'planned_ms as plannedMs'])
    .where('ended_at_ms', '>=', wholeMs(sinceMs))
    .execute();
  return rows;
}

/**
 * The size of the last complete sweep up to `nowMs`, and the median of those that completed in the
 * seven days before it began, if any did. Undefined before the first.
 */
export async function supplyOf(
  trx: Trx,
  { feed, nowMs }: { feed: string; nowMs: number },
): Promise<Supply | undefined> {
  const known = await findFeed(trx, feed);
  if (known === undefined) return undefined;
  const whole = completed(trx, known.id).where('is_whole', '=', yes);
  const last = await whole.where('ended_at_ms', '<=', wholeMs(nowMs)).limit(1).executeTakeFirst();
  if (last === undefined) return undefined;
  const before = await whole
    .where('ended_at_ms', '<=', last.startedAtMs)
    .where('ended_at_ms', '>=', last.startedAtMs - weekMs)
    .execute();
  const medianRows = median(before.map(({ rows }) => rows));
  return { lastRows: last.rows, ...(medianRows === undefined ? {} : { medianRows }) };
}

/** Newest first, by number: a wall clock may jump. */
function completed(trx: Trx, feedId: number) {
  return trx
    .selectFrom('sweeps')
    .select(['started_at_ms as startedAtMs', 'ended_at_ms as endedAtMs', 'wire_row_count as rows'])
    .$narrowType<{ endedAtMs: number }>()
    .where('feed_id', '=', feedId)
    .where('outcome', '=', complete)
    .orderBy('number', 'desc');
}

/** The lower of the two in the middle of an even count; undefined of nothing. */
function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
