/**
 * From a bought product to a verdict on a row: what is complete enough to be judged, and what the
 * store is told of the judgement.
 *
 * The predecessor read throttled and partial answers as "no data" and rejected more than half of
 * what it had paid for. So a payload is first asked whether it is whole. One that is not says
 * nothing: the row stays as it was and comes back later (promise P9).
 *
 * Invariants:
 * - a verdict comes from a whole payload, or from evidence that was one;
 * - the price that is judged is the row's own, or the live offer's, and never one of the history:
 *   a row without a price has none, whatever its history ends with.
 */
import { type Judgement, judge } from '../analysis/judge.ts';
import type { AcceptanceRules, CostModel } from '../config-judging.ts';
import type { History, Product, Series } from '../keepa/product.ts';
import type { JudgedBecause, JudgedDeal, WorkRow } from '../store/judging-ports.ts';
import type { BestOffer, OfferFinding } from './verification.ts';

/** What the verdict depends on besides the product. */
export interface Rules {
  readonly costs: CostModel;
  readonly acceptance: AcceptanceRules;
}

export interface JudgingInput {
  readonly row: WorkRow;
  readonly product: Product;
  readonly because: JudgedBecause;
  readonly nowMs: number;
  readonly rules: Rules;
}

/** Keepa records nothing of inaccessible and of invalid products: empty is all they can be. */
const emptyTypes: ReadonlySet<number> = new Set([3, 4]);
/** An ordinary product without a history is asked for so many times before it is believed. */
const triesUntilBelieved = 6;

/**
 * Why the product as bought is not whole, or undefined when it may be judged. `kept` is what was
 * bought of it before, if anything: a history does not go away, so an answer that lacks what an
 * earlier one had is the one that is missing something.
 */
export function incompleteness(
  row: Pick<WorkRow, 'attempts'>,
  product: Product,
  kept: Product | undefined,
): string | undefined {
  if (product.history !== undefined) return lostPart(product.history, kept?.history);
  if (kept?.history !== undefined) return 'the history is missing, which was there before';
  if (emptyTypes.has(product.productType)) return undefined;
  return row.attempts < triesUntilBelieved ? 'the history is missing' : undefined;
}

function lostPart(now: History, before: History | undefined): string | undefined {
  if (before === undefined) return undefined;
  if (hasPoints(before.rank) && !hasPoints(now.rank)) return 'the sales ranks are missing';
  if (hasPoints(before.priceUsed) && !hasPoints(now.priceUsed)) return 'the prices are missing';
  if (hasPoints(before.priceNew) && !hasPoints(now.priceNew)) return 'the prices are missing';
  const hadCounts = hasPoints(before.countUsed) || hasPoints(before.countNew);
  const hasCounts = hasPoints(now.countUsed) || hasPoints(now.countNew);
  return hadCounts && !hasCounts ? 'the offer counts are missing' : undefined;
}

function hasPoints(series: Series | undefined): boolean {
  return series !== undefined && series.minutes.length > 0;
}

/**
 * The verdict at the price that the row was listed at, or, while a live offer seen at this very
 * listing stands, at what that offer costs with its shipping.
 */
export function judgeListed(input: JudgingInput): JudgedDeal {
  const cents = input.row.verifiedCents ?? input.row.priceCents;
  return dealOf(input, judgeAt(input, cents), cents);
}

/** The verdict at what a copy really costs now, as the offers of the product tell. */
export function judgeOffered(input: JudgingInput, finding: OfferFinding): JudgedDeal {
  if (finding.kind === 'found') return judgeLanded(input, finding.offer);
  const deal = dealOf(input, judgeAt(input, undefined), undefined);
  return finding.kind === 'none'
    ? { ...deal, verdict: 'rejected', reason: 'no-live-offer' }
    : { ...deal, verdict: 'insufficient', reason: 'no-price-now' };
}

function judgeLanded(input: JudgingInput, { landedCents }: BestOffer): JudgedDeal {
  return dealOf(input, judgeAt(input, landedCents), landedCents);
}

function judgeAt(
  { row, product, nowMs, rules }: JudgingInput,
  priceCents: number | undefined,
): Judgement {
  const priceNowCents = priceCents ?? null;
  return judge({ product, priceType: row.priceType, nowMs, priceNowCents, ...rules });
}

function dealOf(
  { row, because }: JudgingInput,
  judgement: Judgement,
  priceCents: number | undefined,
): JudgedDeal {
  const { domainId, asin, priceType, createdAtMs } = row;
  const { verdict, reason, avg1yCents, percentDown, listAtCents, troughCents } = judgement;
  const { profitCents, trust, sales1y, salesCount, offerDrops, sane } = judgement;
  const figures = {
    reason,
    priceCents,
    createdAtMs,
    listedCents: row.priceCents === priceCents ? undefined : row.priceCents,
    avg1yCents,
    percentDown,
    listAtCents,
    troughCents,
    profitCents,
    trust,
  };
  return {
    domainId,
    asin,
    priceType,
    because,
    verdict,
    sales1y,
    salesCount,
    offerDrops,
    sane,
    marks: judgement.marks,
    ruleVersion: judgement.ruleVersion,
    ...known(figures),
  };
}

type Known<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the figures that are undefined: an absent key is how the store is told "unknown". */
function known<T extends object>(figures: T): Known<T> {
  const entries = Object.entries(figures).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Known<T>;
}
