/**
 * What is asked of a product, and how its answer decides about a row: by its history alone, or by
 * its live offers as well. The same for a batch of the analyst and for one product that a person
 * asks about, because two ways of judging would come to two verdicts.
 */
import type { Verification } from '../store/judging-ports.ts';
import { incompleteness } from './completeness.ts';
import { judgeListed, judgeOffered, type Rules } from './judging.ts';
import { type Decided, keyOf, type ProductOrder } from './product-purchase.ts';
import { findOffer } from './verification.ts';

/** Statistics are free, and hold Amazon's price, which caps what a copy can fetch. */
export const historyWish = { history: true, statsDays: 365 } as const;
/** The least that can be asked for; Keepa reads them cheapest first. */
export const offersWish = { ...historyWish, offers: 20, onlyLiveOffers: true } as const;

/** Decides at the price that the row is listed at. */
export function decideByHistory(rules: Rules): ProductOrder['decide'] {
  return (row, product, known, atMs) => {
    const why = incompleteness(product, known);
    if (why !== undefined) return why;
    const because = row.state === 'candidate' ? 'new' : 'aged';
    return { judged: judgeListed({ row, product, because, nowMs: atMs, rules }) };
  };
}

/**
 * Decides at what the cheapest live offer of the row's kind costs. A list that was cut before any
 * of the kind decides nothing: the row keeps the verdict that it has.
 */
export function decideByOffers(rules: Rules): ProductOrder['decide'] {
  return (row, product, known, atMs): Decided | string => {
    const why = incompleteness(product, known);
    if (why !== undefined) return why;
    const { offers, offersFresh, offersCut: isCut = false } = product;
    if (offers === undefined || offersFresh !== true) return 'the offers are not fresh';
    const finding = findOffer(offers, { priceType: row.priceType, isCut });
    if (finding.kind === 'beyond') return { unsettled: 'the list of offers ends before its kind' };
    const input = { row, product, because: 'verified', nowMs: atMs, rules } as const;
    const judged = judgeOffered(input, finding);
    if (finding.kind !== 'found') return { judged };
    const verified: Verification = { ...keyOf(row), ...finding.offer };
    return { judged, verified };
  };
}
