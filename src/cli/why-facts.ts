/**
 * Everything that is known about one product, gathered for `why`.
 *
 * The sales come from the kept evidence, judged anew by the same pure rules as in the daemon, with
 * the costs and limits of the configuration: so what is shown can be checked and is not merely
 * repeated. What the daemon decided, and when, is in the row and in its past.
 */
import { judgePresent, type PresentJudgement } from '../actors/judging.ts';
import { unpackEvidence } from '../analysis/evidence.ts';
import type { Config } from '../config.ts';
import type { Product } from '../keepa/product.ts';
import type { Seller } from '../keepa/seller.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { PastEvent } from '../store/judging-ports.ts';
import type { Deal, DealReader } from '../store/ports.ts';

type JudgingConfig = Pick<Config, 'costs' | 'acceptance'>;

export interface RowFacts {
  readonly deal: Deal;
  /** Undefined: only when it is listed anew. */
  readonly nextLook: { readonly atMs: number; readonly why: string } | undefined;
  /** The kept evidence under today's rules; undefined without evidence that can be read. */
  readonly judgement: PresentJudgement | undefined;
}

interface EvidenceFacts {
  readonly boughtAtMs: number;
  readonly product: Product | undefined;
  /** Why the evidence cannot be read; undefined when it can. */
  readonly fault: string | undefined;
}

export interface ProductFacts {
  readonly asin: string;
  readonly domainId: number;
  readonly nowMs: number;
  /** One per price type; at least one. */
  readonly rows: readonly RowFacts[];
  /** Undefined: no history was bought yet. */
  readonly evidence: EvidenceFacts | undefined;
  /** Oldest first. */
  readonly past: readonly PastEvent[];
  /** Those who had the live offers, as far as they were looked up. */
  readonly sellers: readonly (Seller & { readonly seenAtMs: number })[];
}

/** Reads them. `deals` are all rows of the product on one marketplace. */
export async function gatherFacts(
  reader: DealReader,
  key: { readonly asin: string; readonly domainId: number; readonly deals: readonly Deal[] },
  { nowMs, config }: { readonly nowMs: number; readonly config: JudgingConfig },
): Promise<ProductFacts> {
  const { asin, domainId, deals } = key;
  const evidence = await readEvidence(reader, { asin, domainId });
  const rows: RowFacts[] = [];
  for (const deal of deals) {
    const { priceType } = deal;
    const nextLook = await reader.nextLook({ asin, domainId, priceType }, nowMs);
    const judgement = evidence?.product && judgedAnew(evidence.product, deal, { nowMs, config });
    rows.push({ deal, nextLook, judgement });
  }
  return {
    asin,
    domainId,
    nowMs,
    rows,
    evidence,
    past: await reader.past({ asin, domainId }),
    sellers: await sellersOf(reader, deals),
  };
}

async function readEvidence(
  reader: DealReader,
  key: { readonly asin: string; readonly domainId: number },
): Promise<EvidenceFacts | undefined> {
  const kept = await reader.evidence(key);
  if (kept === undefined) return undefined;
  const { boughtAtMs } = kept;
  try {
    return { boughtAtMs, product: unpackEvidence(kept.packed), fault: undefined };
  } catch (error) {
    return { boughtAtMs, product: undefined, fault: describeError(error) };
  }
}

/**
 * As the daemon judges kept evidence: at the live offer's price while it stands, else the listed
 * one, and not as if something were for sale where a look at this very listing found nothing.
 */
function judgedAnew(
  product: Product,
  { priceType, priceNowCents, verifiedCents, lacksOffer }: Deal,
  { nowMs, config }: { readonly nowMs: number; readonly config: JudgingConfig },
): PresentJudgement {
  const { costs, acceptance } = config;
  const row = {
    priceType,
    ...(priceNowCents === undefined ? {} : { priceCents: priceNowCents }),
    ...(verifiedCents === undefined ? {} : { verifiedCents }),
    ...(lacksOffer === undefined ? {} : { lacksOffer }),
  };
  return judgePresent({ row, product, nowMs, rules: { costs, acceptance } });
}

async function sellersOf(
  reader: DealReader,
  deals: readonly Deal[],
): Promise<ProductFacts['sellers']> {
  const sellers: (Seller & { readonly seenAtMs: number })[] = [];
  for (const { domainId, sellerId } of deals) {
    if (sellerId === undefined || sellers.some((seller) => seller.sellerId === sellerId)) continue;
    const seller = await reader.seller(domainId, sellerId);
    if (seller !== undefined) sellers.push(seller);
  }
  return sellers;
}
