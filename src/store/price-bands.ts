/**
 * The price bands of a feed: parts of its price range that are swept one after the other, because
 * the whole lists more rows than Keepa shows of one query.
 *
 * Bands belong to a revision of the feed's query. They start as none (the feed is swept whole) and
 * are only ever split, at the median of the prices already stored, so that both halves list about
 * as many rows.
 *
 * Invariant: the bands of a revision cover its price range without gap or overlap.
 */
import type { PriceRange } from '../keepa/deal-query.ts';
import type { Ask } from './ask.ts';
import type { Trx } from './tables.ts';

/** In order of price; empty while the feed is swept whole. */
export async function priceBands(
  ask: Ask,
  feedId: number,
  queryHash: string,
): Promise<readonly PriceRange[]> {
  return await ask<PriceRange>(
    `select low_cents as lowCents, high_cents as highCents from price_bands
     where feed_id = ? and query_hash = ? order by low_cents`,
    feedId,
    queryHash,
  );
}

/** Replaces the band by its two halves; false when its rows all have one price. */
export async function splitPriceBand(
  trx: Trx,
  feed: { readonly id: number; readonly queryHash: string },
  band: PriceRange,
): Promise<boolean> {
  const middleCents = await medianPrice(trx, feed.id, band);
  if (middleCents === undefined || middleCents >= band.highCents) return false;
  const key = { feed_id: feed.id, query_hash: feed.queryHash };
  await trx
    .deleteFrom('price_bands')
    .where('feed_id', '=', feed.id)
    .where('query_hash', '=', feed.queryHash)
    .where('low_cents', '=', band.lowCents)
    .execute();
  await trx
    .insertInto('price_bands')
    .values([
      { ...key, low_cents: band.lowCents, high_cents: middleCents },
      { ...key, low_cents: middleCents + 1, high_cents: band.highCents },
    ])
    .execute();
  return true;
}

/** The lower median of what the feed lists in the band. */
async function medianPrice(
  trx: Trx,
  feedId: number,
  { lowCents, highCents }: PriceRange,
): Promise<number | undefined> {
  const listed = trx
    .selectFrom('listings')
    .innerJoin('deals', 'deals.id', 'listings.deal_id')
    .where('listings.feed_id', '=', feedId)
    .where('deals.state', '!=', 'ended')
    .where('deals.price_cents', '>=', lowCents)
    .where('deals.price_cents', '<=', highCents);
  const { rows } = await listed
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow();
  if (rows < 2) return undefined;
  const middle = await listed
    .select('deals.price_cents as priceCents')
    .orderBy('deals.price_cents')
    .offset(Math.floor((rows - 1) / 2))
    .limit(1)
    .executeTakeFirst();
  return middle?.priceCents ?? undefined;
}
