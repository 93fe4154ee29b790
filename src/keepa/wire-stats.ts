/**
 * A product's statistics: what a re-check reads of them, and Amazon's prices.
 *
 * The lists are indexed by price type like those of a deal row, so a product can be held against
 * the same rules as a row. Here a list that is too short or not there matters: an answer whose
 * statistics are not whole must not look like a product that nobody offers any more.
 *
 * Invariants:
 * - figures for a listing are given only when all that they rest on is there, and a price only for
 *   a type that each list has a number for, be it the -1 of "none";
 * - -1 and -2 are absent, never zero;
 * - Amazon's prices are marked as partial unless each of them was told, be it as "none".
 */
import { z } from 'zod';
import type { IntervalAverages } from './deal-row.ts';
import { dealPriceTypes, isMoney, priceIndex } from './price-type.ts';
import type { AmazonPrices, ListingFigures, ListingPrice } from './product.ts';
import {
  elementAt,
  readCount,
  readPositive,
  unread,
  type WireList,
  wireList,
  withoutAbsent,
} from './wire-values.ts';

export const statsShape = z.object({
  current: wireList.nullish(),
  avg30: wireList.nullish(),
  avg90: wireList.nullish(),
  avg180: wireList.nullish(),
  avg365: wireList.nullish(),
  salesRankDrops30: unread,
  salesRankDrops90: unread,
  salesRankDrops180: unread,
  salesRankDrops365: unread,
});
type WireStats = z.infer<typeof statsShape>;
const dropDays = [30, 90, 180, 365] as const;

/** @throws ShapeError for what is neither a figure nor a way of saying "none". */
export function decodeAmazonPrices(stats: WireStats): AmazonPrices {
  const { amazon } = priceIndex;
  const current = elementAt(stats.current, amazon);
  const average180 = elementAt(stats.avg180, amazon);
  const average365 = elementAt(stats.avg365, amazon);
  const isWhole = [current, average180, average365].every(isTold);
  return {
    ...withoutAbsent({
      currentCents: readPositive(current, 'stats.current[0]'),
      average180Cents: readPositive(average180, 'stats.avg180[0]'),
      average365Cents: readPositive(average365, 'stats.avg365[0]'),
    }),
    ...(isWhole ? {} : { isPartial: true as const }),
  };
}

/**
 * What a listing would show of the product, or undefined when the statistics are not whole.
 *
 * @throws ShapeError for what is neither a figure nor a way of saying "none".
 */
export function decodeListing(stats: WireStats): ListingFigures | undefined {
  const { current, avg30, avg90 } = stats;
  const drops = dropDays.map((days) => stats[`salesRankDrops${days}`]);
  if (!current || !avg30 || !avg90 || !drops.every(isTold)) return undefined;
  const { rank, countNew, countUsed } = priceIndex;
  const averages = (index: number): IntervalAverages =>
    withoutAbsent({
      month: readPositive(elementAt(avg30, index), `stats.avg30[${index}]`),
      quarter: readPositive(elementAt(avg90, index), `stats.avg90[${index}]`),
    });
  return withoutAbsent({
    prices: decodePrices([current, avg30, avg90], averages),
    rank: readPositive(elementAt(current, rank), `stats.current[${rank}]`),
    averageRank: averages(rank),
    rankDrops: withoutAbsent({
      days30: readCount(stats.salesRankDrops30, 'stats.salesRankDrops30'),
      days90: readCount(stats.salesRankDrops90, 'stats.salesRankDrops90'),
      days180: readCount(stats.salesRankDrops180, 'stats.salesRankDrops180'),
      days365: readCount(stats.salesRankDrops365, 'stats.salesRankDrops365'),
    }),
    newOffers: readCount(elementAt(current, countNew), `stats.current[${countNew}]`),
    usedOffers: readCount(elementAt(current, countUsed), `stats.current[${countUsed}]`),
  });
}

function decodePrices(
  lists: readonly [current: WireList, avg30: WireList, avg90: WireList],
  averages: (index: number) => IntervalAverages,
): ReadonlyMap<number, ListingPrice> {
  const prices = new Map<number, ListingPrice>();
  for (const index of dealPriceTypes) {
    if (!isMoney(index) || !lists.every((list) => isTold(elementAt(list, index)))) continue;
    const nowCents = readPositive(elementAt(lists[0], index), `stats.current[${index}]`);
    prices.set(index, withoutAbsent({ nowCents, averageCents: averages(index) }));
  }
  return prices;
}

/** Without a figure in its place nothing was said about it, not even that there is none. */
function isTold(element: unknown): boolean {
  return element !== undefined && element !== null;
}
