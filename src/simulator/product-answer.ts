/**
 * `/product`: which products an answer holds, what they look like, and what they cost.
 *
 * One token per product found, or six per page of ten offers found instead (at least five when
 * there are none, one when the refresh failed). Unknown ASINs are simply missing and cost nothing.
 * A few products are of a type for which nearly everything is empty.
 */
import { chanceOf } from './draw.ts';
import { unknownCategoryId, unknownCategoryMark } from './envelope.ts';
import { minutesPerHour } from './keepa-minute.ts';
import { priceType, priceTypeCount, tripletTypes } from './price-types.ts';
import type { Product } from './product.ts';
import { offersOf } from './product-offers.ts';
import { lastRecheckAt } from './product-plan.ts';
import { shownSeries, statsOf } from './product-stats.ts';
import type { SellerBook } from './sellers.ts';
import type { Track } from './track.ts';

export interface ProductWish {
  readonly domainId: number;
  readonly withHistory: boolean;
  /** Length of the interval of `stats`; undefined: none asked. */
  readonly statsDays: number | undefined;
  /** Live offers asked for; 0: none. */
  readonly offers: number;
  readonly onlyLive: boolean;
  readonly withRating: boolean;
  readonly withBuyBox: boolean;
  readonly withStock: boolean;
}

export interface ProductAnswer {
  readonly record: Record<string, unknown>;
  readonly costTokens: number;
}

const tokensPerOfferPage = 6;
const tokensWithoutOffers = 5;
const tokensFailedRefresh = 1;
/** Of 298 recorded calls 8 failed to refresh the offers, 42 were billed for fresh stock figures. */
const failedRefreshShare = 0.027;
const freshStockShare = 0.14;
/** What a product is, rarely: 3 inaccessible, 4 invalid, 5 the parent of variations. */
const oddTypes = [
  { type: 3, below: 0.003 },
  { type: 4, below: 0.004 },
  { type: 5, below: 0.006 },
] as const;

/** One product as asked for at `minute`. */
export function productAnswer(
  product: Product,
  minute: number,
  wish: ProductWish,
  sellers: SellerBook,
): ProductAnswer {
  const unit = chanceOf(product.plan.seed, 0x7f9e);
  const type = oddTypes.find((odd) => unit < odd.below)?.type ?? 0;
  const head = headOf(product, minute, wish.domainId, type);
  if (type === 3 || type === 4) {
    return { record: { ...emptyProduct, ...head, title: null }, costTokens: 1 };
  }
  const rating = wish.withRating && wish.offers === 0 ? 1 : 0;
  const record = { ...head, ...detailsOf(product, minute), ...historyOf(product, minute, wish) };
  if (wish.offers === 0) {
    const costTokens = 1 + rating + (wish.withBuyBox ? 2 : 0);
    return { record: { ...record, ...noOffers }, costTokens };
  }
  const hour = Math.floor(minute / minutesPerHour);
  if (chanceOf(product.plan.seed, hour, 0xfa11) < failedRefreshShare) {
    const found = offersOf(product, minute, { limit: wish.offers, onlyLive: false }, sellers);
    const offers = found.offers.filter((_, index) => !found.liveOrder.includes(index));
    const stale = { liveOffersOrder: null, offers, offersSuccessful: false };
    return { record: { ...record, ...stale }, costTokens: wish.onlyLive ? 0 : tokensFailedRefresh };
  }
  const found = offersOf(product, minute, { limit: wish.offers, onlyLive: wish.onlyLive }, sellers);
  const isStockFresh = chanceOf(product.plan.seed, hour, 0x57c) < freshStockShare;
  const pages = found.pages === 0 ? tokensWithoutOffers : found.pages * tokensPerOfferPage;
  return {
    record: {
      ...record,
      liveOffersOrder: found.liveOrder.length === 0 ? null : found.liveOrder,
      offers: found.offers,
      offersSuccessful: true,
    },
    costTokens: pages + (wish.withStock && isStockFresh ? 2 : 0),
  };
}

const noOffers = { liveOffersOrder: null, offers: null, offersSuccessful: false };
const emptyProduct = { categories: null, csv: null, fbaFees: null, rootCategory: 0, ...noOffers };

/** Older than an hour it is refreshed before the answer, so it is never older than that. */
function headOf(product: Product, minute: number, domainId: number, productType: number) {
  const round = lastRecheckAt(product.plan, minute);
  const lastUpdate = minute - round > minutesPerHour ? minute : round;
  const used = product.used.upTo(minute);
  return {
    asin: product.identity.asin,
    domainId,
    lastPriceChange: used.nthMinute(used.indexAt(minute)),
    lastUpdate,
    productType,
    title: product.identity.title,
    trackingSince: product.plan.trackedFrom,
  };
}

function detailsOf(product: Product, minute: number): Record<string, unknown> {
  const { identity, plan } = product;
  const fees = { lastUpdate: minute - 1_440, pickAndPackFee: identity.pickAndPackCents };
  const category = identity.categories[0];
  return {
    author: identity.isBook ? identity.author : null,
    availabilityAmazon: product.amazon.upTo(minute).at(minute) < 0 ? -1 : 0,
    binding: identity.isBook ? 'Paperback' : null,
    brand: identity.brand,
    categories: identity.categories,
    categoryTree: category === undefined ? null : [{ catId: category, name: 'Subjects' }],
    coupon: null,
    fbaFees: identity.hasFees ? fees : null,
    images: identity.imageName === undefined ? null : [{ m: identity.imageName, mH: 500, mW: 380 }],
    isAdultProduct: false,
    listedSince: 0,
    newPriceIsMAP: false,
    numberOfPages: identity.isBook ? identity.pages : -1,
    packageWeight: 300 + identity.pages,
    ...(identity.parentAsin === undefined ? {} : { parentAsin: identity.parentAsin }),
    productGroup: identity.isBook ? 'Book' : null,
    promotions: null,
    publicationDate: identity.isBook ? 2003 : 0,
    ...(identity.hasFees ? { referralFeePercent: 15, referralFeePercentage: 15.01 } : {}),
    rootCategory: identity.rootCategory,
    salesRankReference: plan.rank === undefined ? -1 : identity.rootCategory,
    type: identity.isBook ? 'ABIS_BOOK' : 'HOME',
    ...(identity.isBook ? { variableClosingFee: 180 } : {}),
    variations: null,
  };
}

function historyOf(product: Product, minute: number, wish: ProductWish): Record<string, unknown> {
  const shows = {
    withBuyBox: wish.withBuyBox,
    withOffers: wish.offers > 0,
    withRating: wish.withRating,
  };
  if (!wish.withHistory && wish.statsDays === undefined) return { csv: null };
  const series = shownSeries(product, minute, shows);
  const days = wish.statsDays;
  const stats =
    days === undefined ? {} : { stats: statsOf(product, series, minute, { ...shows, days }) };
  if (!wish.withHistory) return { csv: null, ...stats };
  const csv = Array.from({ length: priceTypeCount }, (_, type) => {
    const track = series.get(type);
    return track === undefined ? null : numbersOf(track, minute, tripletTypes.has(type));
  });
  const rank = series.get(priceType.rank);
  const root = product.identity.rootCategory;
  const rootKey = root === unknownCategoryMark ? unknownCategoryId : String(root);
  const salesRanks = rank === undefined ? null : { [rootKey]: csv[priceType.rank] };
  return { csv, salesRanks, ...stats };
}

/**
 * Pairs, or triplets with the shipping: prices here are landed, so it is 0, and -1 with no offer.
 */
function numbersOf(track: Track, minute: number, isTriplet: boolean): number[] {
  const numbers: number[] = [];
  const last = track.indexAt(minute);
  for (let i = 0; i <= last; i += 1) {
    const value = track.nthValue(i);
    numbers.push(track.nthMinute(i), value);
    if (isTriplet) numbers.push(value < 0 ? -1 : 0);
  }
  return numbers;
}
