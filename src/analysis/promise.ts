/**
 * Promise: what a listed row may earn per token, told from the row alone.
 *
 * Judging costs a token and verifying seven, so the order in which candidates are bought decides
 * how soon the table holds what is worth holding. Everything here is a guess from free figures; it
 * only ever orders rows and is never shown as a profit.
 *
 * - What it fetches: the average of 90 days, but no more than one and a half times that of 30 (an
 *   average that far above a recent one is the echo of a price spike), and no more than 90 % of
 *   Amazon's own price, above which nobody buys from anybody else.
 * - What it earns: that, less fees and costs, less the price. A fee that is not configured is
 *   assumed, since all rows share the error.
 * - How likely it sells: rank drops stand for sales. With d drops in 90 days the chance is
 *   d / (d + 3), so it rises fast at first and is never certain.
 * - How likely it survives judging: the chance that it sells, times the part that the earning has
 *   in the price and the earning together; cheap copies of what sells are what the rules accept.
 * - What it costs: 1 token for its history and, if it survives, 7 for its offers.
 *
 *   promise = survival × earning / (1 + 7 × survival)
 *
 * Invariants: never negative, never NaN; it never rises with the price or with a fee, and never
 * falls with the average, with Amazon's price or with the number of rank drops.
 */
import type { CostModel } from '../config-judging.ts';
import type { DealRow } from '../keepa/deal-row.ts';
import { priceIndex } from '../keepa/price-type.ts';

const historyTokens = 1;
/** Measured: 6.0 to 7.7 tokens per product with offers. */
const verificationTokens = 7;
/** A 90-day average above so many times the 30-day one is polluted by a spike. */
const spikeMax = 1.5;
/** The rules cap the list-at price at the same share of Amazon's. */
const amazonShare = 0.9;
/** Drops in 90 days at which selling is as likely as not. */
const evenDrops = 3;
/** What is assumed of a row whose rank drops are unknown: little, but not nothing. */
const unknownDrops = 1;
/** Amazon's usual fees for a book, where none are configured. */
const referralPercentUsual = 15;
const fbaFeeCentsUsual = 400;

/** Expected profit in cents per token spent; 0 for a row that promises nothing. */
export function promiseOf(row: DealRow, costs: CostModel): number {
  const earning = earningCents(row, costs);
  if (earning <= 0 || row.priceCents === undefined) return 0;
  const survival = (sellingChance(row) * earning) / (earning + row.priceCents);
  return (survival * earning) / (historyTokens + verificationTokens * survival);
}

/** What a copy leaves when it sells; 0 or less when it earns nothing or nobody can say. */
function earningCents(row: DealRow, costs: CostModel): number {
  const fetched = fetchedCents(row);
  if (fetched === undefined || row.priceCents === undefined) return 0;
  const fixed =
    (costs.inboundShippingCents ?? 0) +
    (costs.prepCents ?? 0) +
    (costs.fbaFeeCents ?? fbaFeeCentsUsual) +
    (costs.closingFeeCents ?? 0);
  const received = fetched * (1 - (costs.referralPercent ?? referralPercentUsual) / 100);
  return received - row.priceCents * (1 + (costs.taxPercent ?? 0) / 100) - fixed;
}

function fetchedCents({ averageCents, amazonCents, priceType }: DealRow): number | undefined {
  const { quarter, month } = averageCents;
  if (quarter === undefined) return undefined;
  const sane = month === undefined ? quarter : Math.min(quarter, spikeMax * month);
  // In a listing of Amazon's own price that price is the bargain, and no cap on its resale.
  const isCap = amazonCents !== undefined && priceType !== priceIndex.amazon;
  return isCap ? Math.min(sane, amazonShare * amazonCents) : sane;
}

/** The drops of 90 days, else what the longer or shorter counts come to in 90. */
function sellingChance({ rankDrops }: DealRow): number {
  const { days30, days90, days180, days365 } = rankDrops;
  const drops =
    days90 ??
    scaled(days180, 0.5) ??
    scaled(days365, 90 / 365) ??
    scaled(days30, 3) ??
    unknownDrops;
  return drops / (drops + evenDrops);
}

function scaled(drops: number | undefined, factor: number): number | undefined {
  return drops === undefined ? undefined : drops * factor;
}
