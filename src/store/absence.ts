/**
 * Absence: which rows the listings lack, and how surely.
 *
 * A complete sweep sees nearly every row, and "nearly" is why absence from one proves little: a row
 * that moves up a page between two requests is not seen. A row is missing when the last complete
 * sweep of every feed that lists it lacks it, which is reason to look at it; when the last two of
 * every feed lack it, it is gone as far as listings can tell.
 *
 * Only sweeps of the whole feed under its present query count, and none of a feed that is no longer
 * configured, or that lists more than Keepa shows: what these lack may just be elsewhere.
 *
 * A sweep lacks a row that it did not list and that nobody saw since it began: a head poll during
 * the sweep sees for it.
 */
import { sql } from 'kysely';
import { complete, ended, screenPrefix, yes } from './columns.ts';
import { askingIn } from './database.ts';
import { isPartial } from './feeds.ts';
import type { DealKey } from './judging-ports.ts';
import type { Trx } from './tables.ts';
import type { DealsQuery } from './work-lists.ts';

interface CompleteSweep {
  readonly number: number;
  readonly startedAtMs: number;
}

/** A feed, as far as absence from it proves anything. */
interface FeedLooks {
  readonly id: number;
  readonly name: string;
  readonly isConfigured: boolean;
  /** Its last two complete sweeps as a whole, newest first; none where they prove nothing. */
  readonly proofs: readonly CompleteSweep[];
  /** Number of the last complete sweep of the feed, or of a part of it; 0: there is none. */
  readonly lastComplete: number;
}

/** By the id of the feed. */
export type Looks = ReadonlyMap<number, FeedLooks>;

export async function looksOf(trx: Trx): Promise<Looks> {
  const feeds = await trx
    .selectFrom('feeds')
    .select(['id', 'name', 'query_hash', 'is_configured', 'configured_at_ms'])
    .orderBy('id')
    .execute();
  const looks = new Map<number, FeedLooks>();
  for (const feed of feeds) {
    const isConfigured = feed.is_configured === 1;
    const provesAbsence = isConfigured && !(await isPartial(askingIn(trx), feed));
    const last = await completeSweeps(trx, feed.id).limit(1).executeTakeFirst();
    const whole = completeSweeps(trx, feed.id)
      .where('is_whole', '=', yes)
      .where('query_hash', '=', feed.query_hash)
      .limit(2);
    looks.set(feed.id, {
      id: feed.id,
      name: feed.name,
      isConfigured,
      proofs: provesAbsence ? await whole.execute() : [],
      lastComplete: last?.number ?? 0,
    });
  }
  return looks;
}

function completeSweeps(trx: Trx, feedId: number) {
  return trx
    .selectFrom('sweeps')
    .select(['number', 'started_at_ms as startedAtMs'])
    .where('feed_id', '=', feedId)
    .where('outcome', '=', complete)
    .orderBy('number', 'desc');
}

interface Listing {
  readonly feedId: number;
  readonly lastSeenAtMs: number;
  readonly lastSweep: number;
}

/** A row with all that speaks for or against its end. */
export interface ListedRow extends DealKey {
  readonly id: number;
  /** Of the feed that listed it last. */
  readonly feedId: number;
  readonly lastSeenAtMs: number;
  readonly seenHealthyMs: number;
  /** Null: it was not re-checked since it was last seen, or held. */
  readonly recheckPasses: number | null;
  readonly heldAtMs: number | null;
  /** 1: no screen let it pass when it was last listed, and nobody has judged it. */
  readonly isScreenedOut: 0 | 1;
  readonly isHoldConfirmed: number;
  readonly listings: readonly Listing[];
}

/** How many of the last two complete sweeps of every feed that lists the row lack it: 0 to 2. */
export function sweepsLacking({ listings }: Pick<ListedRow, 'listings'>, looks: Looks): number {
  if (listings.length === 0) return 0;
  const lacking = listings.map(({ feedId, lastSweep, lastSeenAtMs }) => {
    const proofs = looks.get(feedId)?.proofs ?? [];
    return proofs.filter(
      ({ number, startedAtMs }) => number > lastSweep && startedAtMs > lastSeenAtMs,
    ).length;
  });
  return Math.min(...lacking);
}

/**
 * The rows of each feed that were not seen since the last sweep, or the last but one, began: every
 * row that as many sweeps lack is among them, for the feed that listed a row last saw it last.
 */
export function unseenQueries(
  trx: Trx,
  { looks, sweeps }: { looks: Looks; sweeps: 1 | 2 },
): readonly DealsQuery[] {
  return [...looks.values()].flatMap(({ id, proofs }) => {
    const proof = proofs[sweeps - 1];
    if (proof === undefined) return [];
    return liveRows(trx)
      .where('deals.feed_id', '=', id)
      .where('deals.last_seen_at_ms', '<', proof.startedAtMs);
  });
}

/** In a query over deals: the feeds' screens turned the row down when it was last listed. */
export const isScreenedOut = sql<0 | 1>`(deals.state = 'rejected'
  and substr(deals.reason, 1, ${sql.lit(screenPrefix.length)}) = ${sql.lit(screenPrefix)})`;

export function liveRows(trx: Trx): DealsQuery {
  return trx.selectFrom('deals').where('deals.state', '!=', ended);
}

/** Held rows; one that has ended is not (a CHECK of its column). */
export function heldOnes(trx: Trx): DealsQuery {
  return trx.selectFrom('deals').where('deals.held_at_ms', 'is not', null);
}

/** The rows of the query with their listings, in the query's order. */
export async function listedRows(trx: Trx, query: DealsQuery): Promise<readonly ListedRow[]> {
  const rows = await query
    .select([
      'deals.id',
      'deals.asin',
      'deals.domain_id as domainId',
      'deals.price_type as priceType',
      'deals.feed_id as feedId',
      'deals.last_seen_at_ms as lastSeenAtMs',
      'deals.seen_healthy_ms as seenHealthyMs',
      'deals.recheck_passes as recheckPasses',
      'deals.held_at_ms as heldAtMs',
      'deals.is_hold_confirmed as isHoldConfirmed',
      isScreenedOut.as('isScreenedOut'),
    ])
    .execute();
  const listings = await trx
    .selectFrom('listings')
    .select([
      'deal_id as dealId',
      'feed_id as feedId',
      'last_seen_at_ms as lastSeenAtMs',
      'last_sweep as lastSweep',
    ])
    .where('deal_id', 'in', query.select('deals.id'))
    .execute();
  const byDeal = Map.groupBy(listings, ({ dealId }) => dealId);
  return rows.map((row) => ({ ...row, listings: byDeal.get(row.id) ?? [] }));
}
