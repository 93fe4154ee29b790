/**
 * A recorded product response from a file, for judging without Keepa.
 *
 * People keep such files in three forms: the whole answer with its envelope, its list of products
 * without the envelope, or one bare product. Each product is decoded exactly as at the door, so
 * what is judged offline is what the daemon would have judged.
 */
import type { Product, ProductFault } from './product.ts';
import { decodeErrorText } from './wire-envelope.ts';
import { decodeProduct } from './wire-product.ts';
import { isRecord } from './wire-values.ts';

/** A file does not say what was asked for; a product that names no domain is amazon.com's. */
const defaultDomainId = 1;

export interface ProductDocument {
  readonly products: readonly Product[];
  readonly faults: readonly ProductFault[];
}

/** The products in a file's text. One that holds none has exactly one fault, which says why. */
export function decodeProductDocument(text: string): ProductDocument {
  let document: unknown;
  try {
    // Editors on Windows put a byte order mark first, which JSON does not know.
    document = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return without(`not JSON (${error instanceof Error ? error.message : 'unreadable'})`);
  }
  if (!isRecord(document)) return without('not a JSON object');
  const { products: list, asin } = document;
  if (list === undefined && typeof asin === 'string') return decodeList([document]);
  if (Array.isArray(list) && list.length > 0) return decodeList(list);
  return without(decodeErrorText(document) ?? 'it holds no product');
}

function without(why: string): ProductDocument {
  return { products: [], faults: [{ asin: undefined, why }] };
}

function decodeList(list: readonly unknown[]): ProductDocument {
  const products: Product[] = [];
  const faults: ProductFault[] = [];
  for (const wireProduct of list) {
    const result = decodeProduct(wireProduct, {
      domainId: defaultDomainId,
      // Keepa sends the list when it was asked for one.
      offersAsked: isRecord(wireProduct) && Array.isArray(wireProduct.offers),
      onlyLiveOffers: false,
    });
    if ('why' in result) faults.push(result);
    else products.push(result);
  }
  return { products, faults };
}
