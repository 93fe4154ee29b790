/**
 * Keepa's index of prices, ranks and counts, which is the order of its csv, its statistics and
 * every list in a deal row.
 *
 * Wrong versions of this table are in circulation (buy box at 7, rating at 10). This one was
 * checked against 129 recorded products. Lists had 34 entries in 2025 and have 36 since February
 * 2026.
 */

export const priceIndex = {
  amazon: 0,
  new: 1,
  used: 2,
  rank: 3,
  countNew: 11,
  countUsed: 12,
  /** How many offers were read; negative: there were more. */
  offersRead: 15,
} as const;

/**
 * What a deal query may ask about: exactly one of these. Keepa refuses any other since July 2026.
 * 3 is the sales rank, which is no price; from 18 on all but 33 are landed prices.
 */
export const dealPriceTypes: ReadonlySet<number> = new Set([
  0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 18, 19, 20, 21, 22, 32, 33,
]);

/** Whether a deal row's figures of this type are money. */
export function isMoney(priceType: number): boolean {
  return dealPriceTypes.has(priceType) && priceType !== priceIndex.rank;
}

/** Prices that Keepa only tells together with offers: elsewhere their -1 says nothing. */
const offerPriceTypes: ReadonlySet<number> = new Set([7, 9, 10, 18, 19, 20, 21, 22, 32, 33]);

/** Whether a product's price of this type is known only when its offers were bought as well. */
export function needsOffers(priceType: number): boolean {
  return offerPriceTypes.has(priceType);
}

/**
 * How many numbers make one point of a csv series: a time and a value, or for landed prices a
 * time, a price and its shipping. Only the csv has triplets; elsewhere a landed price is one sum.
 */
export function pointWidth(index: number): 2 | 3 {
  const isLanded = index === 7 || (index >= 18 && index <= 29) || index === 32;
  return isLanded ? 3 : 2;
}
