/**
 * The feeds: which are configured, under which revision of their query, and how far they got.
 *
 * A feed that is taken out of the configuration keeps its rows. A feed whose query changed lists
 * something else from then on: its watermark and its running sweep belong to the old revision and
 * are dropped, which repeats work and skips none.
 */
import type { Selectable } from 'kysely';
import type { Ask } from './ask.ts';
import { wholeMs, withoutNulls } from './column-values.ts';
import type { FeedIdentity, FeedStatus } from './ports.ts';
import { priceBands } from './price-bands.ts';
import { endOpenSweeps, lastEnded, unfinishedSweep } from './sweeps.ts';
import type { FeedsTable, Trx } from './tables.ts';

/** Makes exactly these feeds the configured ones. */
export async function syncFeeds(
  trx: Trx,
  feeds: readonly FeedIdentity[],
  atMs: number,
): Promise<void> {
  await trx.updateTable('feeds').set({ is_configured: 0 }).execute();
  for (const feed of feeds) await syncFeed(trx, feed, wholeMs(atMs));
}

async function syncFeed(trx: Trx, feed: FeedIdentity, atMs: number): Promise<void> {
  const revision = {
    domain_id: feed.domainId,
    price_type: feed.priceType,
    query_hash: feed.queryHash,
  };
  const known = await trx
    .selectFrom('feeds')
    .selectAll()
    .where('name', '=', feed.name)
    .executeTakeFirst();
  if (known === undefined) {
    const fresh = { name: feed.name, ...revision, is_configured: 1, configured_at_ms: atMs };
    await trx.insertInto('feeds').values(fresh).execute();
    return;
  }
  const isSameRevision =
    known.domain_id === feed.domainId &&
    known.price_type === feed.priceType &&
    known.query_hash === feed.queryHash;
  const change = isSameRevision
    ? { is_configured: 1 }
    : {
        ...revision,
        is_configured: 1,
        configured_at_ms: atMs,
        last_head_at_ms: null,
        watermark_ms: null,
      };
  await trx.updateTable('feeds').set(change).where('id', '=', known.id).execute();
  if (!isSameRevision) await endOpenSweeps(trx, known.id, atMs);
}

export interface KnownFeed {
  readonly id: number;
  readonly watermarkMs: number | null;
  readonly lastHeadAtMs: number | null;
}

/** @throws when `syncFeeds` never made the feed known: there is nothing to hang its rows on. */
export async function feedOf(trx: Trx, feed: { name: string }): Promise<KnownFeed> {
  const known = await findFeed(trx, feed.name);
  if (known === undefined) throw new Error(`feed "${feed.name}" is not known to the store`);
  return known;
}

export async function findFeed(trx: Trx, name: string): Promise<KnownFeed | undefined> {
  return await trx
    .selectFrom('feeds')
    .select(['id', 'watermark_ms as watermarkMs', 'last_head_at_ms as lastHeadAtMs'])
    .where('name', '=', name)
    .executeTakeFirst();
}

/**
 * Every feed that was ever configured, in the order in which they came. Its sweeps count from when
 * the present revision of its query was configured.
 */
export async function feedStatuses(ask: Ask): Promise<readonly FeedStatus[]> {
  const feeds = await ask<Selectable<FeedsTable>>('select * from feeds order by id');
  const liveRows = await liveRowsByFeed(ask);
  const statuses: FeedStatus[] = [];
  for (const feed of feeds) {
    const complete = await lastEnded(ask, feed.id, {
      outcomes: ['complete'],
      sinceMs: feed.configured_at_ms,
    });
    statuses.push({
      name: feed.name,
      isConfigured: feed.is_configured === 1,
      rows: liveRows.get(feed.id) ?? 0,
      isPartial: await isPartial(ask, feed),
      ...withoutNulls({
        lastSweepAtMs: complete?.endedAtMs ?? null,
        lastSweepRows: complete?.rows ?? null,
        lastHeadAtMs: feed.last_head_at_ms,
        watermarkMs: feed.watermark_ms,
        sweep: (await unfinishedSweep(ask, feed.id)) ?? null,
      }),
    });
  }
  return statuses;
}

/** Whether the feed lists more than Keepa shows of one query, so that absence proves nothing. */
export async function isPartial(
  ask: Ask,
  feed: Pick<Selectable<FeedsTable>, 'id' | 'query_hash' | 'configured_at_ms'>,
): Promise<boolean> {
  const decided = await lastEnded(ask, feed.id, {
    outcomes: ['complete', 'truncated'],
    sinceMs: feed.configured_at_ms,
  });
  if (decided?.outcome === 'truncated') return true;
  return (await priceBands(ask, feed.id, feed.query_hash)).length > 0;
}

async function liveRowsByFeed(ask: Ask): Promise<ReadonlyMap<number, number>> {
  const counts = await ask<{ feedId: number; rows: number }>(
    `select listings.feed_id as feedId, count(*) as rows
     from listings join deals on deals.id = listings.deal_id
     where deals.state <> 'ended' group by listings.feed_id`,
  );
  return new Map(counts.map(({ feedId, rows }) => [feedId, rows]));
}
