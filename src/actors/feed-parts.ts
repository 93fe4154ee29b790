/**
 * What a feed is swept as: the whole of it, or bands of its prices, one after the other.
 *
 * Keepa shows at most 10,000 rows of a query. A feed that lists more is split by price until every
 * part fits. Its parts are swept at different times, so what one of them lacks may have moved into
 * another: nothing in such a feed ends by absence, and `status` shows it as partial.
 */
import {
  type DealQuery,
  type PriceRange,
  priceRangeOf,
  withPriceRange,
} from '../keepa/deal-query.ts';
import type { DealReader, DealWriter, FeedIdentity } from '../store/ports.ts';
import { type Feed, identityOf } from './feed.ts';

export interface FeedPart {
  readonly feed: Feed;
  /** The feed's query, narrowed to the part. */
  readonly query: DealQuery;
  /** Under the part's own query hash. */
  readonly identity: FeedIdentity;
  readonly band: PriceRange;
}

/** The parts of the feed as they stand now, at least one. */
export async function partsOf(reader: DealReader, feed: Feed): Promise<readonly FeedPart[]> {
  const bands = await reader.priceBands(identityOf(feed));
  if (bands.length === 0) return [partOf(feed, feed.query, priceRangeOf(feed.query))];
  return bands.map((band) => partOf(feed, withPriceRange(feed.query, band), band));
}

function partOf(feed: Feed, query: DealQuery, band: PriceRange): FeedPart {
  return { feed, query, identity: identityOf(feed, query), band };
}

/** Cuts a part whose sweep was truncated; the next look at the parts finds its halves. */
export async function splitPart(writer: DealWriter, { feed, band }: FeedPart): Promise<boolean> {
  return await writer.splitPriceBand(identityOf(feed), band);
}
