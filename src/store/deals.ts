/**
 * Reading deals: the list, and one product.
 */
import assert from 'node:assert/strict';
import { sellerTrust } from '../analysis/seller-trust.ts';
import { withoutNulls } from './column-values.ts';
import { yes } from './columns.ts';
import type { Deal, DealFilter } from './ports.ts';
import type { Trx } from './tables.ts';

/**
 * What a filter lets through; a feed's deals are all it ever listed. Deals that are alike in the
 * order asked for come by asin, domain and price type.
 */
export async function listDeals(trx: Trx, filter: DealFilter): Promise<readonly Deal[]> {
  const { feed, minProfitCents, minPercentDown, seenSinceMs, limit } = filter;
  let query = dealsAsSeen(trx);
  if (filter.states !== 'all') query = query.where('deals.state', 'in', filter.states);
  if (feed !== undefined) {
    query = query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('listings')
          .innerJoin('feeds as listing_feeds', 'listing_feeds.id', 'listings.feed_id')
          .select('listings.deal_id')
          .whereRef('listings.deal_id', '=', 'deals.id')
          .where('listing_feeds.name', '=', feed),
      ),
    );
  }
  if (minProfitCents !== undefined) query = query.where('profit_cents', '>=', minProfitCents);
  if (minPercentDown !== undefined) query = query.where('percent_down', '>=', minPercentDown);
  if (seenSinceMs !== undefined) query = query.where('last_seen_at_ms', '>=', seenSinceMs);
  if (filter.withHeld !== true) query = query.where('deals.held_at_ms', 'is', null);
  if (filter.onlyVerified === true) query = query.where('deals.is_verified', '=', yes);
  if (limit !== undefined) query = query.limit(limit);
  const { column, direction } = orders[filter.sort ?? 'newest'];
  const rows = await query
    .orderBy(column, (order) => order[direction]().nullsLast())
    .orderBy('deals.asin')
    .orderBy('deals.domain_id')
    .orderBy('deals.price_type')
    .execute();
  return rows.map(asDeal);
}

/** The best of its kind first: the cheapest, otherwise the highest and the newest. */
const orders = {
  newest: { column: 'deals.created_at_ms', direction: 'desc' },
  profit: { column: 'deals.profit_cents', direction: 'desc' },
  'percent-down': { column: 'deals.percent_down', direction: 'desc' },
  price: { column: 'deals.price_cents', direction: 'asc' },
  sales: { column: 'deals.sales1y', direction: 'desc' },
  seen: { column: 'deals.last_seen_at_ms', direction: 'desc' },
} as const satisfies Record<NonNullable<DealFilter['sort']>, object>;

/** Every deal of the product, held ones too: one per domain and price type. */
export async function dealsOf(
  trx: Trx,
  { asin, domainId }: { asin: string; domainId: number | undefined },
): Promise<readonly Deal[]> {
  let query = dealsAsSeen(trx).where('deals.asin', '=', asin);
  if (domainId !== undefined) query = query.where('deals.domain_id', '=', domainId);
  const rows = await query.orderBy('deals.domain_id').orderBy('deals.price_type').execute();
  return rows.map(asDeal);
}

function dealsAsSeen(trx: Trx) {
  return trx
    .selectFrom('deals')
    .innerJoin('feeds', 'feeds.id', 'deals.feed_id')
    .leftJoin('sellers', (join) =>
      join
        .onRef('sellers.domain_id', '=', 'deals.domain_id')
        .onRef('sellers.seller_id', '=', 'deals.seller_id'),
    )
    .select([
      'deals.asin',
      'deals.domain_id as domainId',
      'deals.price_type as priceType',
      'feeds.name as feed',
      'deals.title',
      'deals.state',
      'deals.reason',
      'deals.price_cents as priceNowCents',
      'deals.price_since_ms as priceSinceMs',
      'deals.average_quarter_cents as average90Cents',
      'deals.rank',
      'deals.created_at_ms as createdAtMs',
      'deals.first_seen_at_ms as firstSeenAtMs',
      'deals.last_seen_at_ms as lastSeenAtMs',
      'deals.judged_at_ms as judgedAtMs',
      'deals.avg1y_cents as avg1yCents',
      'deals.percent_down as percentDown',
      'deals.list_at_cents as listAtCents',
      'deals.profit_cents as profitCents',
      'deals.sales1y',
      'deals.trust',
      'deals.rule_version as ruleVersion',
      'deals.trough_cents as troughCents',
      'deals.sales_count as salesCount',
      'deals.offer_drops as offerDrops',
      'deals.sane',
      'deals.marks',
      'deals.verified_at_ms as verifiedAtMs',
      'deals.landed_cents as verifiedCents',
      'deals.seller_id as sellerId',
      'deals.lacks_offer as lacksOffer',
      'sellers.name as sellerName',
      'sellers.rating_percent as ratingPercent',
      'sellers.rating_count as ratingCount',
      'deals.held_at_ms as heldAtMs',
      'deals.is_verified as isVerified',
    ]);
}

type SeenDeal = Awaited<ReturnType<ReturnType<typeof dealsAsSeen>['execute']>>[number];

/** An offer that was seen at another price than the present one is no offer of this deal. */
function asDeal(row: SeenDeal): Deal {
  const { marks, verifiedAtMs, verifiedCents, sellerId, sellerName, ...others } = row;
  const { ratingPercent, ratingCount, heldAtMs, isVerified, ...figures } = others;
  const offer = { verifiedAtMs, verifiedCents, sellerId, sellerName };
  return {
    ...withoutNulls({
      ...figures,
      marks: marks === null ? null : wordsOf(marks),
      isHeld: heldAtMs === null ? null : true,
    }),
    ...(isVerified === 1
      ? withoutNulls({
          ...offer,
          sellerTrust: sellerTrust(withoutNulls({ ratingPercent, ratingCount })) ?? null,
        })
      : {}),
  };
}

/** Written by us as a list of words; anything else in the column is a bug. */
function wordsOf(json: string): readonly string[] {
  const words: unknown = JSON.parse(json);
  assert(Array.isArray(words), 'marks are a list');
  return words.map(String);
}
