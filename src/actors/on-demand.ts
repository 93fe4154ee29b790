/**
 * Buys one product because a person asks for it, in the class that is kept for that.
 *
 * It is the analyst's own work at another time: the same call, the same judging, the same place in
 * the store. Rows that no verdict is due on are not bought for: one that has ended comes back by
 * being listed, and one that its feed's screen turned down would be a deal by verdict that nobody
 * wants listed.
 */
import { isDomainId } from '../keepa/domain.ts';
import type { WorkRow } from '../store/judging-ports.ts';
import type { Deal } from '../store/ports.ts';
import { decideByHistory, decideByOffers, historyWish, offersWish } from './deciding.ts';
import type { Rules } from './judging.ts';
import { buyProducts, type Purchased, type PurchaseParts } from './product-purchase.ts';

export interface Demand {
  readonly domainId: number;
  readonly asin: string;
  /** With its live offers. */
  readonly isVerifying: boolean;
  readonly rules: Rules;
  readonly signal: AbortSignal;
  /** Called when the request is queued. */
  onQueued(): void;
}

/** What came of it, or why nothing was bought. */
export async function buyOnDemand(
  parts: PurchaseParts,
  demand: Demand,
): Promise<Purchased | { readonly refused: string }> {
  const { domainId, asin, isVerifying, rules, signal, onQueued } = demand;
  const rows = await rowsOf(parts, demand);
  if (typeof rows === 'string') return { refused: rows };
  if (!isDomainId(domainId)) return { refused: 'no such marketplace' };
  const purchase = buyProducts(parts, {
    spendClass: 'interactive',
    purpose: isVerifying ? 'verify' : 'history',
    batch: { domainId, asins: [asin], rows },
    wish: isVerifying ? offersWish : historyWish,
    decide: isVerifying ? decideByOffers(rules) : decideByHistory(rules),
    signal,
  });
  onQueued();
  return await purchase;
}

/** The product's rows that a verdict may change, or why there are none. */
async function rowsOf(
  { reader }: PurchaseParts,
  { asin, domainId }: Demand,
): Promise<readonly WorkRow[] | string> {
  const deals = await reader.deal(asin, domainId);
  const evidence = await reader.evidence({ asin, domainId });
  const rows = deals.flatMap((deal) => rowOf(deal, evidence?.boughtAtMs) ?? []);
  if (rows.length > 0) return rows;
  const [deal] = deals;
  if (deal === undefined) return 'it was never seen';
  if (deal.state === 'ended') return 'its row has ended; it comes back when a feed lists it again';
  return `its feed turns the row down (${deal.reason}), so it is not judged`;
}

/** Undefined for a row on which no verdict is due. Tries before this one do not count. */
function rowOf(deal: Deal, evidenceAtMs: number | undefined): WorkRow | undefined {
  const { asin, domainId, priceType, feed, state, reason } = deal;
  const { priceNowCents: priceCents, verifiedCents, lacksOffer, createdAtMs, judgedAtMs } = deal;
  if (state === 'ended' || reason?.startsWith('screen:') === true) return undefined;
  return {
    asin,
    domainId,
    priceType,
    feed,
    state,
    attempts: 0,
    ...(priceCents === undefined ? {} : { priceCents }),
    ...(verifiedCents === undefined ? {} : { verifiedCents }),
    ...(lacksOffer === undefined ? {} : { lacksOffer }),
    ...(createdAtMs === undefined ? {} : { createdAtMs }),
    ...(evidenceAtMs === undefined ? {} : { evidenceAtMs }),
    ...(judgedAtMs === undefined ? {} : { judgedAtMs }),
  };
}
