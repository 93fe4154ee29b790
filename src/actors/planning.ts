/**
 * How often the listings are looked at, as functions of the measured refill rate.
 *
 * A schedule that nobody budgets is a rate limiter in disguise: polls every minute once ate a whole
 * plan of 5 tokens a minute. So each interval is the time in which the class earns what it is about
 * to spend, and stretches or shrinks by itself when the rate changes. No interval is a literal
 * except the floors below, which only keep a rich plan from asking for what cannot have changed.
 */
import { tickMs } from '../broker/token-bucket.ts';
import { dealPageLast, dealPageRows } from '../keepa/deal-row.ts';

/** Keepa's price of one listing page, also of an empty one (the same in 115 recorded calls). */
export const pagePriceTokens = 5;
/** Newest-first listings move within minutes at best; a faster poll buys the same page twice. */
const headIntervalMsMin = 120_000;
/** Planned spending stays below the share, so that a queue of head polls always drains. */
const headShareUsed = 0.9;
/** The shortest plan for a sweep: room for some waits and retries. */
const sweepMsMin = 10 * tickMs;

export interface Income {
  /** Tokens per tick that we can count on; undefined before Keepa first told. */
  readonly netRate: number | undefined;
  /** The class's part of it, whole per cents. */
  readonly sharePercent: number;
}

function tokensPerTick({ netRate, sharePercent }: Income): number | undefined {
  return netRate === undefined || netRate <= 0 ? undefined : (netRate * sharePercent) / 100;
}

/** Time from one round of head polls over all feeds to the next. */
export function headIntervalMs(feeds: number, income: Income): number {
  const perTick = tokensPerTick(income);
  if (perTick === undefined) return headIntervalMsMin;
  const ticks = (pagePriceTokens * feeds) / (headShareUsed * perTick);
  return Math.max(headIntervalMsMin, Math.ceil(ticks * tickMs));
}

/**
 * How long a sweep may be expected to take on the class's share alone, others spending theirs.
 *
 * `rowsExpected` undefined (nothing known about the feed) plans for the API's limit of 10,000 rows:
 * too long a plan only delays the verdict "slow", too short a one would restart a sweep for ever.
 */
export function plannedSweepMs(rowsExpected: number | undefined, income: Income): number {
  const perTick = tokensPerTick(income);
  const pagesMax = dealPageLast + 1;
  const pages =
    rowsExpected === undefined
      ? pagesMax
      : Math.min(pagesMax, Math.floor(rowsExpected / dealPageRows) + 2);
  if (perTick === undefined) return pagesMax * sweepMsMin;
  return Math.max(sweepMsMin, Math.ceil(((pages * pagePriceTokens) / perTick) * tickMs));
}

/**
 * The plan by which a sweep that is done is called in time or late, and so proves that somebody was
 * looking. As above while there is an income to count on. Without one no plan is right, and one
 * that is long enough for all would make hours without an answer pass for looking: it is the
 * shortest.
 */
export function provingPlanMs(rowsExpected: number | undefined, income: Income): number {
  return tokensPerTick(income) === undefined ? sweepMsMin : plannedSweepMs(rowsExpected, income);
}
