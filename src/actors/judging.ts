/**
 * From a bought product to a verdict on a row, as the store is told of it. Whether the product is
 * whole enough to be judged is asked before (completeness.ts).
 *
 * Invariants:
 * - without Amazon's prices nothing is accepted, and there is neither a list-at price nor a profit:
 *   Amazon's own offer caps what a copy can fetch, and a cap that is not known is not "none";
 * - the price that is judged is the row's own, or the live offer's, and never one of the history:
 *   a row without a price has none, whatever its history ends with;
 * - what a look at the offers said of a listing holds for as long as the listing is the same: a
 *   price at which nothing was for sale is not judged as if something were.
 */
import { type Judgement, judge } from '../analysis/judge.ts';
import type { AcceptanceRules, CostModel } from '../config-judging.ts';
import type { Product } from '../keepa/product.ts';
import type { JudgedBecause, JudgedDeal, OfferLack, WorkRow } from '../store/judging-ports.ts';
import { isWhole } from './completeness.ts';
import type { BestOffer, OfferFinding } from './verification.ts';

/** What the verdict depends on besides the product. */
export interface Rules {
  readonly costs: CostModel;
  readonly acceptance: AcceptanceRules;
}

interface PresentRow {
  readonly row: Pick<WorkRow, 'priceType' | 'priceCents' | 'verifiedCents' | 'lacksOffer'>;
  readonly product: Product;
  readonly nowMs: number;
  readonly rules: Rules;
}

export interface JudgingInput extends PresentRow {
  readonly row: WorkRow;
  readonly because: JudgedBecause;
}

/** A judgement that may rest on more than the rules: on the offers, or on an unknown cap. */
export type PresentJudgement = Omit<Judgement, 'reason'> & { readonly reason: string | undefined };

/** Nobody knows what Amazon asked, so nobody knows below which price a copy must be listed. */
const unknownCap = 'unknown-cap';

const lackVerdicts = {
  none: { verdict: 'rejected', reason: 'no-live-offer' },
  unpriced: { verdict: 'insufficient', reason: 'no-price-now' },
} as const;

/**
 * The judgement at the price that the row was listed at, or, while a live offer seen at this very
 * listing stands, at what that offer costs with its shipping; without a price while a look at this
 * very listing found no offer, or none with a price.
 */
export function judgePresent(input: PresentRow): PresentJudgement {
  const { lacksOffer, verifiedCents, priceCents } = input.row;
  if (lacksOffer !== undefined) return judgeLacking(input, lacksOffer);
  return judgeAt(input, verifiedCents ?? priceCents);
}

/** The verdict of `judgePresent`. */
export function judgeListed(input: JudgingInput): JudgedDeal {
  const { lacksOffer, verifiedCents, priceCents } = input.row;
  const cents = lacksOffer === undefined ? (verifiedCents ?? priceCents) : undefined;
  return dealOf(input, judgePresent(input), cents);
}

/** The verdict at what a copy really costs now, as the offers of the product tell. */
export function judgeOffered(
  input: JudgingInput,
  finding: Exclude<OfferFinding, { readonly kind: 'beyond' }>,
): JudgedDeal {
  if (finding.kind === 'found') return judgeLanded(input, finding.offer);
  const { kind: lacksOffer } = finding;
  return { ...dealOf(input, judgeLacking(input, lacksOffer), undefined), lacksOffer };
}

function judgeLacking(input: PresentRow, lack: OfferLack): PresentJudgement {
  return { ...judgeAt(input, undefined), ...lackVerdicts[lack] };
}

function judgeLanded(input: JudgingInput, { landedCents }: BestOffer): JudgedDeal {
  return dealOf(input, judgeAt(input, landedCents), landedCents);
}

function judgeAt(
  { row, product, nowMs, rules }: PresentRow,
  priceCents: number | undefined,
): PresentJudgement {
  const priceNowCents = priceCents ?? null;
  const judgement = judge({ product, priceType: row.priceType, nowMs, priceNowCents, ...rules });
  return asFarAsKnown(judgement, product);
}

/** The judgement without what only the cap makes true, where the cap is not known. */
function asFarAsKnown(judgement: Judgement, { amazon }: Product): PresentJudgement {
  if (isWhole(amazon)) return judgement;
  const figures = { ...judgement, listAtCents: undefined, profitCents: undefined };
  // Whatever was held against it holds for a lower list-at price all the more.
  if (judgement.verdict !== 'accepted') return figures;
  return { ...figures, verdict: 'insufficient', reason: unknownCap };
}

function dealOf(
  { row, because }: JudgingInput,
  judgement: PresentJudgement,
  priceCents: number | undefined,
): JudgedDeal {
  const { domainId, asin, priceType, createdAtMs } = row;
  const { verdict, reason, avg1yCents, percentDown, listAtCents, troughCents } = judgement;
  const { profitCents, trust, sales1y, salesCount, offerDrops, sane } = judgement;
  const figures = {
    reason,
    priceCents,
    createdAtMs,
    listedCents: row.priceCents === priceCents ? undefined : (row.priceCents ?? null),
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
