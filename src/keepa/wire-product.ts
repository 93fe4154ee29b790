/**
 * Products: the record, its history, its offers.
 *
 * A product that cannot be read fails alone; the others of its batch were paid for as well. What
 * was asked for and is not in the answer is named, since Keepa leaves unknown ASINs out without a
 * word, and a product that was not delivered must never be judged.
 */
import { z } from 'zod';
import type { ProductCall } from './call.ts';
import { priceIndex } from './price-type.ts';
import type { Fees, Offer, Product, ProductBatch, ProductFault } from './product.ts';
import { decodeHistory } from './wire-csv.ts';
import { decodeOffers } from './wire-offer.ts';
import { decodeAmazonPrices, decodeListing, statsShape } from './wire-stats.ts';
import {
  decoration,
  elementAt,
  firstIssue,
  isRecord,
  readCount,
  readPositive,
  readTimeMs,
  ShapeError,
  unread,
  wireList,
  withoutAbsent,
} from './wire-values.ts';

const productShape = z.object({
  asin: z.string().min(1),
  domainId: z.number().int().nullish(),
  title: decoration(z.string()),
  productType: z.number().int().nullish(),
  lastUpdate: unread,
  csv: wireList.nullish(),
  stats: statsShape.nullish(),
  fbaFees: z.object({ pickAndPackFee: unread }).nullish(),
  referralFeePercentage: z.number().nullish(),
  referralFeePercent: z.number().nullish(),
  variableClosingFee: unread,
  offers: wireList.nullish(),
  liveOffersOrder: wireList.nullish(),
  offersSuccessful: z.boolean().nullish(),
});
type WireProduct = z.infer<typeof productShape>;

/** What the answer alone does not say about a product. */
export interface ProductContext {
  /** For a product that does not name its domain. */
  readonly domainId: number;
  /** Whether offers were asked for: `offersSuccessful` is false also when they were not. */
  readonly offersAsked: boolean;
  readonly onlyLiveOffers: boolean;
  /** How many live offers were asked for; absent: nobody knows. */
  readonly offersMax?: number;
}

/**
 * The products in an answer's body, in the order sent. A body without any list of products is an
 * answer in which all are missing: Keepa sends that when it knows none of them.
 *
 * @throws ShapeError when `products` is something else than a list.
 */
export function decodeProductBatch(body: unknown, call: ProductCall): ProductBatch {
  const list = (isRecord(body) ? body.products : undefined) ?? [];
  if (!Array.isArray(list)) throw new ShapeError('products: is not a list');
  const context = {
    domainId: call.domainId,
    offersAsked: call.offers !== undefined,
    onlyLiveOffers: call.onlyLiveOffers === true,
    ...(call.offers === undefined ? {} : { offersMax: call.offers }),
  };
  const asked = new Set(call.asins);
  const delivered = new Set<string | undefined>();
  const products: Product[] = [];
  const faults: ProductFault[] = [];
  for (const wireProduct of list) {
    const result = decodeProduct(wireProduct, context);
    if (delivered.has(result.asin) && result.asin !== undefined) continue;
    delivered.add(result.asin);
    if ('why' in result) faults.push(result);
    else if (asked.has(result.asin)) products.push(result);
    else faults.push({ asin: result.asin, why: 'not asked for' });
  }
  return { products, missing: [...asked].filter((asin) => !delivered.has(asin)), faults };
}

/** One product, or why it cannot be read. */
export function decodeProduct(wireProduct: unknown, context: ProductContext) {
  const { data, error } = productShape.safeParse(wireProduct);
  if (data === undefined) return faultOf(wireProduct, firstIssue(error));
  try {
    return decodeShaped(data, context);
  } catch (thrown) {
    if (thrown instanceof ShapeError) return faultOf(wireProduct, thrown.message);
    throw thrown;
  }
}

function faultOf(wireProduct: unknown, why: string): ProductFault {
  const asin = isRecord(wireProduct) ? wireProduct.asin : undefined;
  return { asin: typeof asin === 'string' ? asin.slice(0, 40) : undefined, why };
}

function decodeShaped(product: WireProduct, context: ProductContext): Product {
  return withoutAbsent({
    asin: product.asin,
    domainId: product.domainId ?? context.domainId,
    title: product.title ?? undefined,
    // Without one it is an ordinary product: the special ones are marked.
    productType: product.productType ?? 0,
    updatedAtMs: readTimeMs(product.lastUpdate, 'lastUpdate'),
    history: product.csv ? decodeHistory(product.csv) : undefined,
    amazon: product.stats ? decodeAmazonPrices(product.stats) : undefined,
    listing: product.stats ? decodeListing(product.stats) : undefined,
    fees: decodeFees(product),
    ...(context.offersAsked ? decodeOfferFields(product, context) : {}),
  });
}

function decodeOfferFields(product: WireProduct, context: ProductContext) {
  const isFresh = product.offersSuccessful === true;
  const offers = decodeOffers({
    offers: product.offers,
    liveOrder: product.liveOffersOrder,
    isFresh,
    onlyLive: context.onlyLiveOffers,
  });
  const isCut = isFresh && isListCut(product, offers, context);
  return { offers, offersFresh: isFresh, ...(isCut ? { offersCut: true as const } : {}) };
}

/**
 * Whether dearer live offers may lie beyond the list: Keepa says so, or the list is as long as it
 * may be. An offer that stands in the live order twice has taken two of the places.
 */
function isListCut(
  product: WireProduct,
  offers: readonly Offer[],
  { offersMax }: ProductContext,
): boolean {
  const live = offers.filter(({ isLive }) => isLive).length;
  const places = Math.max(live, product.liveOffersOrder?.length ?? 0);
  return saysThereAreMore(product) || (offersMax !== undefined && places >= offersMax);
}

/** Its csv counts the offers that were read, and negates the count when there were more. */
function saysThereAreMore({ csv }: WireProduct): boolean {
  const counts = elementAt(csv, priceIndex.offersRead);
  const last = Array.isArray(counts) ? counts.at(counts.length % 2 === 0 ? -1 : -2) : undefined;
  // -1 and -2 are how Keepa says "none" everywhere else.
  return typeof last === 'number' && last < -2;
}

/**
 * Neither handling nor referral is ever free, so 0 is unknown there. The closing fee is 0 for all
 * but media.
 */
function decodeFees(product: WireProduct): Fees {
  const referral = [product.referralFeePercentage, product.referralFeePercent];
  return withoutAbsent({
    fbaPickAndPackCents: readPositive(product.fbaFees?.pickAndPackFee, 'fbaFees.pickAndPackFee'),
    // The newer field is exact (15.01), the older one rounded.
    referralPercent:
      referral.find((percent) => typeof percent === 'number' && percent > 0) ?? undefined,
    variableClosingCents: readCount(product.variableClosingFee, 'variableClosingFee'),
  });
}
