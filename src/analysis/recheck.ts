/**
 * A re-checked product as a row of a listing, so that the one screen judges both.
 *
 * A row that the listings lack is looked at by itself before it may end. Whether it still is what
 * its feed looks for must be asked with the same rules as for any listed row: two sets of rules
 * would drift, and rows would end for a reason that no listing ever knew.
 *
 * Invariant: a row comes back only when the answer says everything that the screen asks about; "not
 * told" never becomes "no offer".
 */
import type { DealRow } from '../keepa/deal-row.ts';
import { isMoney, needsOffers, priceIndex } from '../keepa/price-type.ts';
import type { Product } from '../keepa/product.ts';

/** Kinds of products of which Keepa records nothing: inaccessible and invalid ones. */
const emptyTypes: ReadonlySet<number> = new Set([3, 4]);

/** Whether the product is of a kind that comes without figures however often it is asked for. */
export function recordsNothing({ productType }: Pick<Product, 'productType'>): boolean {
  return emptyTypes.has(productType);
}

/**
 * The row that a listing about `priceType` would show of the product. Undefined when the answer is
 * not complete enough for a screen to decide: no whole statistics, no word about this price, or a
 * price that only an answer with fresh offers tells.
 */
export function rowOfProduct(product: Product, priceType: number): DealRow | undefined {
  const { listing } = product;
  if (listing === undefined || recordsNothing(product)) return undefined;
  const price = listing.prices.get(priceType);
  if (isMoney(priceType) && price === undefined) return undefined;
  if (needsOffers(priceType) && product.offersFresh !== true) return undefined;
  const { rank, averageRank, rankDrops, newOffers, usedOffers, prices } = listing;
  const fields = {
    priceCents: price?.nowCents,
    rank,
    newOffers,
    usedOffers,
    amazonCents: prices.get(priceIndex.amazon)?.nowCents,
    newCents: prices.get(priceIndex.new)?.nowCents,
    usedCents: prices.get(priceIndex.used)?.nowCents,
    updatedAtMs: product.updatedAtMs,
  };
  return {
    asin: product.asin,
    title: product.title ?? '',
    priceType,
    averageCents: price?.averageCents ?? {},
    averageRank,
    rankDrops,
    ...known(fields),
  };
}

type Known<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are undefined: an absent key is how a row says "unknown". */
function known<T extends object>(fields: T): Known<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Known<T>;
}
