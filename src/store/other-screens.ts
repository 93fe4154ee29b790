/**
 * What the other feeds that list a row think of it.
 *
 * A row may be listed by several feeds with different screens. It is rejected by them only when
 * every configured feed that lists it rejects it: otherwise the feed that was read last would undo
 * the choice of the one that wants the row, page after page.
 */
import { yes } from './columns.ts';
import type { Trx } from './tables.ts';

/** Keepa lists what it looked at within a day: a listing older than that speaks of the past. */
const listingMsMax = 24 * 3_600_000;

/** Of these deals, those that another configured feed lists and lets pass, with that feed. */
export async function passedElsewhere(
  trx: Trx,
  dealIds: readonly number[],
  { feedId, seenAtMs }: { feedId: number; seenAtMs: number },
): Promise<ReadonlyMap<number, number>> {
  if (dealIds.length === 0) return new Map();
  const listings = await trx
    .selectFrom('listings')
    .innerJoin('feeds', 'feeds.id', 'listings.feed_id')
    .select(['listings.deal_id as dealId', 'listings.feed_id as feedId'])
    .where('listings.deal_id', 'in', dealIds)
    .where('listings.feed_id', '!=', feedId)
    .where('listings.passes', '=', yes)
    .where('listings.last_seen_at_ms', '>=', seenAtMs - listingMsMax)
    .where('feeds.is_configured', '=', yes)
    .execute();
  return new Map(listings.map((listing) => [listing.dealId, listing.feedId]));
}
