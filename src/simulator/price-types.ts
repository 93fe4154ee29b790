/**
 * Keepa's numbering of what it records about a product, and which simulated series lies behind
 * each.
 *
 * Several numbers show one series: the lowest used price is also the used buy box and the price of
 * the condition that the cheapest copy is in; the lowest new price is also the buy box and the
 * price of the channel that sells it.
 */
import { chanceOf } from './draw.ts';
import { minutesPerDay } from './keepa-minute.ts';
import type { Product } from './product.ts';
import { meansOf, Track } from './track.ts';

/** Entries of every per-type array since early 2026. */
export const priceTypeCount = 36;

export const priceType = {
  amazon: 0,
  fresh: 1,
  used: 2,
  rank: 3,
  list: 4,
  freshFbm: 7,
  freshFba: 10,
  countNew: 11,
  countUsed: 12,
  extra: 15,
  rating: 16,
  reviews: 17,
  buyBox: 18,
  usedLikeNew: 19,
  buyBoxUsed: 32,
  countFba: 34,
  countFbm: 35,
} as const;

/** Types whose csv carries [time, price, shipping]; all others carry pairs. */
export const tripletTypes: ReadonlySet<number> = new Set([
  7, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 32,
]);
/** Types that Keepa fills only for who pays for offers. */
export const offerTypes: ReadonlySet<number> = new Set([7, 10, 15, 18, 19, 20, 21, 22, 32]);

/** The condition of the cheapest used copy: 2 like new to 5 acceptable. */
export function cheapestCondition(product: Product): number {
  return 2 + Math.floor(chanceOf(product.plan.seed, 0xc0d) * 4);
}

/** What one series says at a minute. */
export interface Reading {
  readonly current: number;
  /** Time of the last change; -1 when there never was a value. */
  readonly since: number;
  /** The value before the last change; -1 without one. */
  readonly previous: number;
  /** Means over the windows asked for; -1 no offer in it, -2 never any. */
  readonly means: readonly number[];
}

/** Windows of a listing in minutes: 48 h (not 24), 7, 31 and 90 days. */
export const dealWindows = [2, 7, 31, 90].map((days) => days * minutesPerDay);

/** Every type's series up to `minute`, by number; types that never had a value are absent. */
export function seriesOf(product: Product, minute: number): Map<number, Track> {
  const { plan, identity } = product;
  const series = new Map<number, Track>();
  const used = product.used.upTo(minute);
  const fresh = product.fresh.upTo(minute);
  series.set(priceType.used, used);
  series.set(priceType.usedLikeNew + cheapestCondition(product) - 2, used);
  series.set(priceType.buyBoxUsed, used);
  series.set(priceType.countUsed, product.usedShelf.countsUpTo(minute));
  series.set(priceType.list, flat(plan.trackedFrom, plan.listCents));
  if (plan.amazon !== 'never') series.set(priceType.amazon, product.amazon.upTo(minute));
  const shelf = product.freshShelf;
  if (shelf === undefined) {
    series.set(priceType.fresh, flat(plan.trackedFrom, -1));
  } else {
    const counts = shelf.countsUpTo(minute);
    series.set(priceType.fresh, fresh);
    series.set(priceType.buyBox, fresh);
    series.set(plan.freshIsFba ? priceType.freshFba : priceType.freshFbm, fresh);
    series.set(priceType.countNew, counts);
    series.set(plan.freshIsFba ? priceType.countFba : priceType.countFbm, counts);
    const without = plan.freshIsFba ? priceType.countFbm : priceType.countFba;
    series.set(without, flat(plan.trackedFrom, 0));
  }
  if (identity.rating >= 0) {
    series.set(priceType.rating, flat(plan.trackedFrom, identity.rating));
    series.set(priceType.reviews, flat(plan.trackedFrom, identity.reviews));
  }
  return series;
}

/** Readings by type at `minute`; the rank with them where the product has one. */
export function readingsOf(
  product: Product,
  minute: number,
  windows: readonly number[],
): Map<number, Reading> {
  const readings = new Map<number, Reading>();
  const seen = new Map<Track, Reading>();
  for (const [type, track] of seriesOf(product, minute)) {
    const known = seen.get(track) ?? readTrack(track, minute, windows);
    seen.set(track, known);
    readings.set(type, known);
  }
  const longest = Math.max(...windows);
  const rank = product.rank?.between(minute - longest, minute);
  if (rank !== undefined) readings.set(priceType.rank, readTrack(rank, minute, windows));
  return readings;
}

/** One series at a minute. */
export function readTrack(track: Track, minute: number, windows: readonly number[]): Reading {
  const index = track.indexAt(minute);
  const since = index < 0 ? -1 : track.nthMinute(index);
  const isEmpty = track.length === 1 && track.nthValue(0) < 0;
  return {
    current: index < 0 ? -1 : track.nthValue(index),
    since: isEmpty ? -1 : since,
    previous: index < 1 ? -1 : track.nthValue(index - 1),
    means: isEmpty ? windows.map(() => -2) : meansOf(track, minute, windows),
  };
}

function flat(minute: number, value: number): Track {
  const track = new Track();
  track.push(minute, value);
  return track;
}
