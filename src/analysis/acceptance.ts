/**
 * Acceptance: which judged products are worth a place in the table.
 *
 * The rules of judging say what is known; these say what is wanted, and everybody wants something
 * else. So none is set by default, and whatever has enough evidence is accepted.
 *
 * Invariants: a product that fails a rule is rejected; one that lacks the figure which a rule needs
 * is insufficient, because nobody knows whether it would have passed. The first rule that fails, in
 * the order below, names the reason.
 */
import type { AcceptanceRules } from '../config-judging.ts';

/** The judged figures that the rules look at; absent: unknown. */
export interface AcceptanceFigures {
  readonly priceNowCents: number | undefined;
  readonly profitCents: number | undefined;
  /** A fraction, 0 to 1. */
  readonly percentDown: number | undefined;
  readonly sales1y: number;
  /** A fraction, 0 to 1. */
  readonly trust: number | undefined;
}

export type RejectedReason = 'too-few-sales' | 'low-trust' | 'not-far-enough-down' | 'below-margin';
export type UnknownFigure = 'no-price-now' | 'unknown-profit';

export type Acceptance =
  | { readonly verdict: 'accepted'; readonly reason: undefined }
  | { readonly verdict: 'rejected'; readonly reason: RejectedReason }
  | { readonly verdict: 'insufficient'; readonly reason: UnknownFigure };

/** Holds the figures of a product with enough evidence against the rules. */
export function acceptanceOf(figures: AcceptanceFigures, rules: AcceptanceRules): Acceptance {
  const { minSales1y, minTrust, minPercentDown, minProfitCents } = rules;
  if (minSales1y !== undefined && figures.sales1y < minSales1y) return rejected('too-few-sales');
  // Trust is there: enough evidence means at least one sale, hence at least one drop.
  if (minTrust !== undefined && (figures.trust ?? 0) < minTrust) return rejected('low-trust');
  const needsPrice = minPercentDown !== undefined || minProfitCents !== undefined;
  if (needsPrice && figures.priceNowCents === undefined) return insufficient('no-price-now');
  if (minPercentDown !== undefined && (figures.percentDown ?? 0) < minPercentDown / 100) {
    return rejected('not-far-enough-down');
  }
  if (minProfitCents !== undefined) {
    if (figures.profitCents === undefined) return insufficient('unknown-profit');
    if (figures.profitCents < minProfitCents) return rejected('below-margin');
  }
  return { verdict: 'accepted', reason: undefined };
}

function rejected(reason: RejectedReason): Acceptance {
  return { verdict: 'rejected', reason };
}

function insufficient(reason: UnknownFigure): Acceptance {
  return { verdict: 'insufficient', reason };
}
