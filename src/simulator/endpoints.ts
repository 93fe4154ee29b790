/**
 * What Keepa does with a request it has admitted: payload, cost, and how much work it was.
 *
 * Knows nothing of tokens in the bucket, of time spent, or of faults.
 */
import type { WireRequest } from '../keepa/transport.ts';
import { dealPayload } from './deal-answer.ts';
import { type DealList, dealList, rowsOfPage } from './deal-feed.ts';
import { type DealSelection, isComplaint, readSelection } from './deal-selection.ts';
import { invalidParameter, type WireError } from './envelope.ts';
import type { Work } from './latency.ts';
import type { Market } from './market.ts';
import { type ProductWish, productAnswer } from './product-answer.ts';
import type { SellerBook } from './sellers.ts';

export type Endpoint = 'token' | 'deal' | 'product' | 'seller';

/** What a call costs more or less than observed, by shape; 1 where absent. */
export type CostFactors = Partial<Record<'deal' | 'product' | 'product+offers' | 'seller', number>>;

export interface Answer {
  readonly status: number;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly costTokens: number;
  readonly work: Work;
}

export interface Stock {
  readonly marketOf: (domainId: number) => Market;
  readonly sellers: SellerBook;
  readonly costFactors: () => CostFactors;
}

/** Items of one call. */
const itemsMax = 100;
const offersMin = 20;
const tokensPerPage = 5;
const domains = new Set([1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12]);

/** The endpoint of a path; undefined for a path that Keepa does not know. */
export function endpointOf(path: string): Endpoint | undefined {
  const name = path.slice(1);
  return name === 'token' || name === 'deal' || name === 'product' || name === 'seller'
    ? name
    : undefined;
}

/** Answers requests from a stock of products and sellers. */
export class Endpoints {
  readonly #stock: Stock;
  /** The lists of the last few queries: the pages of one minute come from one list. */
  readonly #lists = new Map<string, DealList>();

  constructor(stock: Stock) {
    this.#stock = stock;
  }

  answer(endpoint: Endpoint, request: WireRequest, minute: number): Answer {
    switch (endpoint) {
      case 'token':
        return { status: 200, payload: {}, costTokens: 0, work: workOf('token', 0) };
      case 'deal':
        return this.#deal(request, minute);
      case 'product':
        return this.#product(request, minute);
      case 'seller':
        return this.#seller(request, minute);
    }
  }

  /** The whole list that a query sees at `minute`. */
  listOf(selection: DealSelection, minute: number): DealList {
    const key = JSON.stringify([minute, { ...selection, page: 0 }, [...selection.flags]]);
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const list = dealList(this.#stock.marketOf(selection.domainId), selection, minute);
    if (this.#lists.size >= 4) this.#lists.clear();
    this.#lists.set(key, list);
    return list;
  }

  #deal(request: WireRequest, minute: number): Answer {
    const selection = readSelection(
      request.method === 'POST' ? request.body : request.query.selection,
    );
    if (isComplaint(selection)) return refusal(400, selection);
    const list = this.listOf(selection, minute);
    const rows = rowsOfPage(list, selection.page);
    return {
      status: 200,
      payload: dealPayload(list, rows, selection, minute),
      costTokens: this.#cost('deal', tokensPerPage),
      work: workOf('deal', rows.length),
    };
  }

  #product(request: WireRequest, minute: number): Answer {
    const { query } = request;
    const wish = productWish(query);
    const asins = (query.asin ?? '').split(',').filter((asin) => asin !== '');
    if (wish === undefined || asins.length === 0 || asins.length > itemsMax) {
      return refusal(400, invalidParameter(badCall, asins.length > itemsMax ? 'asin' : ''));
    }
    if (query.offers !== undefined && wish.offers < offersMin) {
      return refusal(200, invalidParameter(badOffers, null));
    }
    const market = this.#stock.marketOf(wish.domainId);
    const products: Record<string, unknown>[] = [];
    let costTokens = 0;
    for (const asin of asins) {
      const product = market.productAt(asin, minute);
      if (product === undefined) continue;
      const answer = productAnswer(product, minute, wish, this.#stock.sellers);
      products.push(answer.record);
      costTokens += answer.costTokens;
    }
    const shape = wish.offers > 0 ? 'product+offers' : 'product';
    return {
      status: 200,
      payload: { products },
      costTokens: this.#cost(shape, costTokens),
      work: { endpoint: 'product', items: products.length, withOffers: wish.offers > 0 },
    };
  }

  #seller(request: WireRequest, minute: number): Answer {
    const domainId = Number(request.query.domain);
    const ids = (request.query.seller ?? '').split(',').filter((id) => id !== '');
    if (!domains.has(domainId) || ids.length === 0 || ids.length > itemsMax) {
      return refusal(400, invalidParameter(badCall, ids.length > itemsMax ? 'seller' : ''));
    }
    const sellers: Record<string, unknown> = {};
    for (const id of new Set(ids)) {
      const record = this.#stock.sellers.recordOf(id, domainId, minute);
      if (record !== undefined) sellers[id] = record;
    }
    const found = Object.keys(sellers).length;
    return {
      status: 200,
      payload: { sellers },
      costTokens: this.#cost('seller', found),
      work: workOf('seller', found),
    };
  }

  #cost(shape: keyof CostFactors, tokens: number): number {
    return Math.ceil(tokens * (this.#stock.costFactors()[shape] ?? 1));
  }
}

const badCall = 'You used an invalid parameter for this API call.';
const badOffers = 'Either no or a minimum of 20 offers must be requested.';

/**
 * Undefined when the marketplace is missing or impossible. Unknown names are ignored, as by Keepa.
 */
function productWish(query: Readonly<Record<string, string>>): ProductWish | undefined {
  const domainId = Number(query.domain);
  if (!domains.has(domainId)) return undefined;
  const isOn = (name: string): boolean => query[name] === '1' || query[name] === 'true';
  const stats = query.stats;
  return {
    domainId,
    withHistory: query.history !== '0' && query.history !== 'false',
    statsDays: stats === undefined ? undefined : Number.parseInt(stats, 10) || 0,
    offers: Math.min(100, Number(query.offers ?? 0) || 0),
    onlyLive: isOn('only-live-offers'),
    withRating: isOn('rating'),
    withBuyBox: isOn('buybox'),
    withStock: isOn('stock'),
  };
}

/** All complaints cost nothing. */
function refusal(status: number, error: WireError): Answer {
  return { status, payload: { error }, costTokens: 0, work: workOf('error', 0) };
}

function workOf(endpoint: Work['endpoint'], items: number): Work {
  return { endpoint, items, withOffers: false };
}
