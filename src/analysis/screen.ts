/**
 * Screens rows of a deal listing, so that no token is spent on a row that cannot be a deal.
 *
 * A page of 150 rows costs 5 tokens whether its rows are read or not, so what a row tells by itself
 * is free. The percentage sort of a listing floats rows whose average is polluted by a price
 * glitch; the spike rule is for them: where an average over 90 days is many times the one over 30,
 * the "usual price" never was one.
 *
 * Invariants:
 * - rules are tried in the order below and the first that fails names the reason, so that a row
 *   always fails for the same one and the counts of reasons add up to the rows rejected;
 * - a figure that a rule needs and the row lacks rejects with a reason of its own: an unknown rank
 *   is neither a good nor a bad one;
 * - a rule that is not set asks for nothing, except that a row without a price is never a deal.
 */
import type { ScreenRules } from '../config.ts';
import type { DealRow } from '../keepa/deal-row.ts';

/** Why a row is not worth a token; the order of the list is the order in which they are tried. */
export type ScreenReason =
  | 'no-price'
  | 'below-min-price'
  | 'above-max-price'
  | 'no-average'
  | 'not-below-average'
  | 'average-spike'
  | 'no-rank'
  | 'rank-too-high'
  | 'no-rank-drops'
  | 'too-few-rank-drops'
  | 'no-offer-count'
  | 'too-few-used-offers'
  | 'too-few-new-offers';

/**
 * The reason why `row` does not pass `rules`, or undefined when it passes. All bounds are
 * inclusive: a price equal to `maxPriceCents` passes.
 */
export function screenRow(row: DealRow, rules: ScreenRules): ScreenReason | undefined {
  return (
    screenPrice(row, rules) ??
    screenAverage(row, rules) ??
    screenRank(row, rules) ??
    screenRankDrops(row, rules) ??
    screenOffers(row, rules)
  );
}

function screenPrice(row: DealRow, rules: ScreenRules): ScreenReason | undefined {
  if (row.priceCents === undefined) return 'no-price';
  if (rules.minPriceCents !== undefined && row.priceCents < rules.minPriceCents) {
    return 'below-min-price';
  }
  if (rules.maxPriceCents !== undefined && row.priceCents > rules.maxPriceCents) {
    return 'above-max-price';
  }
  return undefined;
}

/** Against the 90-day average; a spike is that average above so many times the 30-day one. */
function screenAverage(row: DealRow, rules: ScreenRules): ScreenReason | undefined {
  const { quarter, month } = row.averageCents;
  if (rules.minPercentBelowAverage !== undefined && row.priceCents !== undefined) {
    if (quarter === undefined || quarter <= 0) return 'no-average';
    // Multiplied out: a quotient of two integers would put a row just at the limit on either side.
    if (100 * (quarter - row.priceCents) < rules.minPercentBelowAverage * quarter) {
      return 'not-below-average';
    }
  }
  if (rules.maxAverageSpike !== undefined) {
    if (quarter === undefined || month === undefined) return 'no-average';
    if (quarter > rules.maxAverageSpike * month) return 'average-spike';
  }
  return undefined;
}

function screenRank(row: DealRow, rules: ScreenRules): ScreenReason | undefined {
  if (rules.maxRank === undefined) return undefined;
  if (row.rank === undefined) return 'no-rank';
  return row.rank > rules.maxRank ? 'rank-too-high' : undefined;
}

function screenRankDrops(row: DealRow, rules: ScreenRules): ScreenReason | undefined {
  const { days30, days90, days365 } = row.rankDrops;
  return (
    atLeast(days30, rules.minRankDrops30, 'no-rank-drops', 'too-few-rank-drops') ??
    atLeast(days90, rules.minRankDrops90, 'no-rank-drops', 'too-few-rank-drops') ??
    atLeast(days365, rules.minRankDrops365, 'no-rank-drops', 'too-few-rank-drops')
  );
}

function screenOffers(row: DealRow, rules: ScreenRules): ScreenReason | undefined {
  return (
    atLeast(row.usedOffers, rules.minUsedOffers, 'no-offer-count', 'too-few-used-offers') ??
    atLeast(row.newOffers, rules.minNewOffers, 'no-offer-count', 'too-few-new-offers')
  );
}

function atLeast(
  value: number | undefined,
  least: number | undefined,
  unknown: ScreenReason,
  tooFew: ScreenReason,
): ScreenReason | undefined {
  if (least === undefined) return undefined;
  if (value === undefined) return unknown;
  return value < least ? tooFew : undefined;
}
