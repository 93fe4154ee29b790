/**
 * The `stats` object of a product answer: current values, time-weighted means, extremes.
 *
 * Without offers the fields about them are there and hold -2 (numbers) or null (the rest), so that
 * "not asked" and "none" stay apart.
 */
import { minutesPerDay } from './keepa-minute.ts';
import { offerTypes, priceType, priceTypeCount, readTrack, seriesOf } from './price-types.ts';
import type { Product } from './product.ts';
import { Track } from './track.ts';

export interface StatsWish {
  /** Length of the interval of `avg`, `minInInterval` and the like. */
  readonly days: number;
  readonly withOffers: boolean;
  readonly withRating: boolean;
  readonly withBuyBox: boolean;
}

const fixedDays = [30, 90, 180, 365] as const;

/** The series that an answer with these wishes may show, the rank in full length. */
export function shownSeries(
  product: Product,
  minute: number,
  wish: Omit<StatsWish, 'days'>,
): Map<number, Track> {
  const shown = new Map<number, Track>();
  for (const [type, track] of seriesOf(product, minute)) {
    const isRating = type === priceType.rating || type === priceType.reviews;
    const isHidden = isRating
      ? !wish.withRating && !wish.withOffers
      : offerTypes.has(type) && !wish.withOffers && !(wish.withBuyBox && type === priceType.buyBox);
    if (!isHidden) shown.set(type, track);
  }
  const rank = product.rank?.between(product.plan.trackedFrom, minute);
  if (rank !== undefined) shown.set(priceType.rank, rank);
  if (wish.withOffers) shown.set(priceType.extra, extraInfo(product, minute));
  return shown;
}

/** The `stats` object over the series that the answer shows. */
export function statsOf(
  product: Product,
  series: ReadonlyMap<number, Track>,
  minute: number,
  wish: StatsWish,
): Record<string, unknown> {
  const order = [...new Set([...fixedDays, Math.max(1, wish.days)])].sort((a, b) => a - b);
  const windows = order.map((days) => days * minutesPerDay);
  const types = Array.from({ length: priceTypeCount }, (_, type) => {
    const track = series.get(type);
    return track === undefined ? undefined : { track, reading: readTrack(track, minute, windows) };
  });
  const means = (days: number): number[] => {
    const window = order.indexOf(days);
    return types.map((t) => Math.max(-1, t?.reading.means[window] ?? -1));
  };
  const each = <T>(of: (track: Track) => T): (T | null)[] =>
    types.map((t) => (t === undefined ? null : of(t.track)));
  const from = minute - wish.days * minutesPerDay;
  const drops = (days: number): number =>
    product.rank?.dropsIn(minute - days * minutesPerDay, minute) ?? -1;
  const current = types.map((t) => t?.reading.current ?? -1);
  return {
    atIntervalStart: types.map((t) => t?.track.at(from) ?? -1),
    avg: means(Math.max(1, wish.days)),
    ...Object.fromEntries(fixedDays.map((days) => [`avg${days}`, means(days)])),
    current,
    isLowest: types.map((t) => isLowestSince(t?.track, -1, minute)),
    isLowest90: types.map((t) => isLowestSince(t?.track, minute - 90 * minutesPerDay, minute)),
    lastOffersUpdate: minute,
    lightningDealInfo: null,
    max: each((track) => extremeOf(track, -1, minute, 1)),
    maxInInterval: each((track) => extremeOf(track, from, minute, 1) ?? [-1, -1]),
    min: each((track) => extremeOf(track, -1, minute, -1)),
    minInInterval: each((track) => extremeOf(track, from, minute, -1) ?? [-1, -1]),
    ...outOfStock(types, minute, wish.days),
    ...Object.fromEntries(fixedDays.map((days) => [`salesRankDrops${days}`, drops(days)])),
    totalOfferCount: Math.max(0, current[11] ?? 0) + Math.max(0, current[12] ?? 0),
    tradeInPrice: -2,
    ...buyBoxFields(product, current, wish),
  };
}

function buyBoxFields(product: Product, current: readonly number[], wish: StatsWish) {
  const fields = {
    buyBoxAvailabilityMessage: null,
    buyBoxCondition: null,
    buyBoxIsAmazon: null,
    buyBoxIsFBA: null,
    buyBoxPrice: -2,
    buyBoxSellerId: null,
    buyBoxShipping: -2,
    lastBuyBoxUpdate: null,
    offerCountFBA: -2,
    offerCountFBM: -2,
    retrievedOfferCount: -2,
    sellerIdsLowestFBA: null,
    sellerIdsLowestFBM: null,
  };
  if (!wish.withOffers && !wish.withBuyBox) return fields;
  const price = current[priceType.buyBox] ?? -1;
  const isFba = price < 0 ? null : product.plan.freshIsFba;
  const box = { buyBoxIsFBA: isFba, buyBoxPrice: price, buyBoxShipping: price < 0 ? -1 : 0 };
  if (!wish.withOffers) return { ...fields, ...box };
  const offers = Math.max(0, current[priceType.countNew] ?? 0);
  const offerCountFBA = product.plan.freshIsFba ? offers : 0;
  return { ...fields, ...box, offerCountFBA, offerCountFBM: offers - offerCountFBA };
}

/** Share of the time without an offer, in percent; -1 for series that hold no price. */
function outOfStock(
  types: readonly ({ readonly track: Track } | undefined)[],
  minute: number,
  days: number,
): Record<string, number[]> {
  const isPrice = (type: number): boolean => type <= 2 || type === 4;
  const percents = (span: number): number[] =>
    types.map((t, type) =>
      t === undefined || !isPrice(type) ? -1 : emptyShare(t.track, minute, span),
    );
  const fixed = fixedDays.map((span) => [`outOfStockPercentage${span}`, percents(span)] as const);
  return { ...Object.fromEntries(fixed), outOfStockPercentageInInterval: percents(days) };
}

function emptyShare(track: Track, minute: number, days: number): number {
  const from = Math.max(minute - days * minutesPerDay, track.nthMinute(0));
  let until = minute;
  let empty = 0;
  for (let i = track.indexAt(minute); i >= 0 && until > from; i -= 1) {
    const start = Math.max(track.nthMinute(i), from);
    if (track.nthValue(i) < 0) empty += until - start;
    until = start;
  }
  return minute <= from ? -1 : Math.round((100 * empty) / (minute - from));
}

/** [time, value] of the highest (`sign` 1) or lowest (-1) point after `from`; null without one. */
function extremeOf(
  track: Track,
  from: number,
  minute: number,
  sign: 1 | -1,
): readonly [number, number] | null {
  let best: readonly [number, number] | null = null;
  for (let i = 0; i <= track.indexAt(minute); i += 1) {
    const value = track.nthValue(i);
    if (track.nthMinute(i) < from || value < 0) continue;
    if (best === null || sign * value > sign * best[1]) best = [track.nthMinute(i), value];
  }
  return best;
}

function isLowestSince(track: Track | undefined, from: number, minute: number): boolean {
  if (track === undefined) return false;
  const current = track.at(minute);
  return current >= 0 && extremeOf(track, from, minute, -1)?.[1] === current;
}

/** How many offers were fetched, at each of the last changes of the used count. */
function extraInfo(product: Product, minute: number): Track {
  const counts = product.usedShelf.countsUpTo(minute);
  const track = new Track();
  const last = counts.indexAt(minute);
  for (let i = Math.max(0, last - 200); i <= last; i += 1) {
    track.push(counts.nthMinute(i), Math.max(0, counts.nthValue(i)));
  }
  return track;
}
