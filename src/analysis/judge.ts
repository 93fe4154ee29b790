/**
 * Judges a product: from its history to a verdict with the evidence it rests on (rule version 1).
 *
 * Pure: a product, an instant and the rules come in, a judgement comes out, and the same ones give
 * the same for ever; so kept evidence can be judged again for nothing. It never throws: a history
 * that says nothing is a reason, not an error.
 *
 * Invariants:
 * - what is absent in the input is absent in the figures, never a zero and never a guess; counts
 *   count what was found, so without a history they are 0 and the reason says why;
 * - points after `nowMs` have no influence, and windows include both ends;
 * - figures are exact until one rounding half up to whole cents, each from exact figures.
 */
import type { AcceptanceRules, CostModel } from '../config-judging.ts';
import { priceIndex } from '../keepa/price-type.ts';
import type { AmazonPrices, History, Product, Series } from '../keepa/product.ts';
import { acceptanceOf, type RejectedReason, type UnknownFigure } from './acceptance.ts';
import { rankTrail } from './confirmation.ts';
import { roundHalfUp } from './exact.ts';
import { offerDrops } from './offer-drops.ts';
import { saneSales } from './outliers.ts';
import { isPriceBasisMixed } from './price-basis.ts';
import { type SeasonPrices, seasonPrices, type Total, totalSince } from './prices.ts';
import { profitOf } from './profit.ts';
import { confirmedSales, mergedByTime, type Sale } from './sales.ts';
import { timeline } from './series.ts';

/** Changes with every change of a figure or reason that the same input can show. */
const ruleVersion = 1;

type EvidenceReason =
  | 'no-history'
  | 'no-offer-counts'
  | 'no-rank-history'
  | 'implausible-price'
  | 'no-sales';
type JudgementReason = EvidenceReason | RejectedReason | UnknownFigure;

/** Something a reader must know about the figures. */
type Mark = 'mixed-price-basis';

export interface Judgement {
  readonly ruleVersion: typeof ruleVersion;
  readonly verdict: 'accepted' | 'rejected' | 'insufficient';
  /** Undefined when accepted. */
  readonly reason: JudgementReason | undefined;
  readonly marks: readonly Mark[];
  /** The confirmed offer drops of three years, in order of time, used before new in a minute. */
  readonly sales: readonly Sale[];
  /** All offer drops of three years, confirmed or not. */
  readonly offerDrops: number;
  readonly confirmed: number;
  /** Priced sales of three years without the outliers. */
  readonly sane: number;
  /** The sane sales of the last year: those that the 1-year average rests on. */
  readonly salesCount: number;
  /** Confirmed drops of the last year, priced or not, sane or not. */
  readonly sales1y: number;
  readonly priceNowCents: number | undefined;
  readonly avg1yCents: number | undefined;
  readonly listAtCents: number | undefined;
  readonly troughCents: number | undefined;
  /** A fraction, 0 to 1: confirmed of all offer drops; undefined without a drop. */
  readonly trust: number | undefined;
  /** A fraction, 0 to 1, of the 1-year average before rounding. */
  readonly percentDown: number | undefined;
  /** May be negative; undefined while a fee is unknown. */
  readonly profitCents: number | undefined;
}

export interface JudgeInput {
  readonly product: Product;
  /** Keepa's index of the price that the deal is about, for example 2 for used. */
  readonly priceType: number;
  readonly nowMs: number;
  /**
   * A newer price than the history's last, for example from a listed row; null: there is none now,
   * whatever the history says.
   */
  readonly priceNowCents?: number | null;
  readonly costs?: CostModel;
  readonly acceptance?: AcceptanceRules;
}

const minuteMs = 60_000;
const yearMinutes = 365 * 1440;
/** No used copy of anything that we deal in fetches more: above it the history is broken. */
const listAtCentsMax = 150_000;

/** Judges one product. `nowMs` counts as its whole minute. */
export function judge(input: JudgeInput): Judgement {
  const now = Math.floor(input.nowMs / minuteMs);
  const series = seriesUpTo(input.product.history, now);
  const evidence = gatherEvidence(series, now);
  const figures = priceEvidence(evidence.sales, now, input.product.amazon);
  const priceNowCents = priceNow(input, now);
  const listAtTenths = figures.season?.listAtTenths;
  const known = {
    priceNowCents,
    avg1yCents: meanCents(figures.year),
    listAtCents: roundedTenths(listAtTenths),
    troughCents: roundedTenths(figures.season?.troughTenths),
    trust: evidence.drops === 0 ? undefined : evidence.sales.length / evidence.drops,
    percentDown: percentDownOf(figures.year, priceNowCents),
    profitCents: profitOf({
      listAtTenths,
      priceCents: priceNowCents,
      fees: input.product.fees,
      costs: input.costs ?? {},
    }),
  };
  const sales1y = countFrom(evidence.sales, now - yearMinutes);
  const lacking = lackOfEvidence(input.product.history, series, figures);
  const { verdict, reason } =
    lacking === undefined
      ? acceptanceOf({ ...known, sales1y }, input.acceptance ?? {})
      : { verdict: 'insufficient' as const, reason: lacking };
  return {
    ruleVersion,
    verdict,
    reason,
    marks: isPriceBasisMixed([series.priceUsed, series.priceNew]) ? ['mixed-price-basis'] : [],
    sales: evidence.sales,
    offerDrops: evidence.drops,
    confirmed: evidence.sales.length,
    sane: figures.saneCount,
    salesCount: figures.year.count,
    sales1y,
    ...known,
  };
}

/** The five series that the rules read, in order of time and up to now; empty where absent. */
interface KnownSeries {
  readonly countUsed: Series;
  readonly countNew: Series;
  readonly priceUsed: Series;
  readonly priceNew: Series;
  readonly rank: Series;
}

function seriesUpTo(history: History | undefined, now: number): KnownSeries {
  return {
    countUsed: timeline(history?.countUsed, now),
    countNew: timeline(history?.countNew, now),
    priceUsed: timeline(history?.priceUsed, now),
    priceNew: timeline(history?.priceNew, now),
    rank: timeline(history?.rank, now),
  };
}

function gatherEvidence(series: KnownSeries, now: number): { sales: Sale[]; drops: number } {
  const from = now - 3 * yearMinutes;
  const ranks = rankTrail(series.rank, from);
  const dropsUsed = offerDrops(series.countUsed, from);
  const dropsNew = offerDrops(series.countNew, from);
  const sales = mergedByTime(
    confirmedSales({ condition: 'used', drops: dropsUsed, ranks, prices: series.priceUsed }),
    confirmedSales({ condition: 'new', drops: dropsNew, ranks, prices: series.priceNew }),
  );
  return { sales, drops: dropsUsed.length + dropsNew.length };
}

/** What the sane sales say, before any rounding. */
interface SaneFigures {
  readonly saneCount: number;
  /** Of the last year. */
  readonly year: Total;
  readonly season: SeasonPrices | undefined;
}

function priceEvidence(
  sales: readonly Sale[],
  now: number,
  amazon: AmazonPrices | undefined,
): SaneFigures {
  const sane = saneSales(sales);
  return {
    saneCount: sane.length,
    year: totalSince(sane, (now - yearMinutes) * minuteMs),
    season: seasonPrices(sane, amazon),
  };
}

/** How many of the sales (in order of time) were at or after `fromMinute`. */
function countFrom(sales: readonly Sale[], fromMinute: number): number {
  const fromMs = fromMinute * minuteMs;
  let count = 0;
  while (count < sales.length && (sales.at(-1 - count)?.atMs ?? 0) >= fromMs) count += 1;
  return count;
}

/** The reasons for which no verdict can be reached, in their order of precedence. */
function lackOfEvidence(
  history: History | undefined,
  series: KnownSeries,
  figures: SaneFigures,
): EvidenceReason | undefined {
  if (history === undefined) return 'no-history';
  if (series.countUsed.minutes.length + series.countNew.minutes.length === 0) {
    return 'no-offer-counts';
  }
  if (!series.rank.values.some((rank) => rank > 0)) return 'no-rank-history';
  if ((figures.season?.listAtTenths ?? 0) > 10 * listAtCentsMax) return 'implausible-price';
  return figures.year.count === 0 ? 'no-sales' : undefined;
}

function priceNow(input: JudgeInput, now: number): number | undefined {
  if (input.priceNowCents === null) return undefined;
  return input.priceNowCents ?? priceInForce(input, now);
}

/** The last price of the deal's type up to now; undefined when it is none (or not above 0). */
function priceInForce(input: JudgeInput, now: number): number | undefined {
  const history = input.product.history;
  const cents = timeline(priceSeries(history, input.priceType), now).values.at(-1);
  return cents !== undefined && cents > 0 ? cents : undefined;
}

/** The series of a price type; undefined: Keepa sent none. */
export function priceSeries(history: History | undefined, priceType: number): Series | undefined {
  switch (priceType) {
    case priceIndex.amazon:
      return history?.amazon;
    case priceIndex.new:
      return history?.priceNew;
    case priceIndex.used:
      return history?.priceUsed;
    default:
      return history?.other.get(priceType);
  }
}

function meanCents({ sumCents, count }: Total): number | undefined {
  return count === 0 ? undefined : roundHalfUp(sumCents, count);
}

/** (average - price) / average on the exact average: both multiplied by its count. */
function percentDownOf(year: Total, priceCents: number | undefined): number | undefined {
  if (year.count === 0 || priceCents === undefined) return undefined;
  return Math.max(0, (year.sumCents - priceCents * year.count) / year.sumCents);
}

function roundedTenths(tenths: number | undefined): number | undefined {
  return tenths === undefined ? undefined : roundHalfUp(tenths, 10);
}
