/**
 * A call as Keepa spells it.
 *
 * Keepa ignores a parameter whose name it does not know: `only_live_offers` is no error, it only
 * returns, and bills, three hundred offers instead of nine. So each name stands here once.
 */
import type { DealCall, KeepaCall, ProductCall, SellerCall } from './call.ts';
import type { WireRequest } from './transport.ts';

/** The request for a call that call-limits.ts has no objection to; it carries no key. */
export function requestFor(call: KeepaCall): WireRequest {
  switch (call.endpoint) {
    case 'token':
      return { method: 'GET', path: '/token', query: {} };
    case 'deal':
      return dealRequest(call);
    case 'product':
      return productRequest(call);
    case 'seller':
      return sellerRequest(call);
  }
}

/** By POST: nobody knows how long a URL may be, and a query may name a thousand categories. */
function dealRequest({ query, page }: DealCall): WireRequest {
  const body = JSON.stringify({ ...query.selection, sortType: query.sortType, page });
  return { method: 'POST', path: '/deal', query: {}, body };
}

/** Without `update`: Keepa refreshes what is older than an hour anyway, at no extra cost. */
function productRequest(call: ProductCall): WireRequest {
  return {
    method: 'GET',
    path: '/product',
    query: {
      domain: String(call.domainId),
      asin: [...new Set(call.asins)].join(','),
      ...(call.statsDays === undefined ? {} : { stats: String(call.statsDays) }),
      ...(call.history ? {} : { history: '0' }),
      ...(call.offers === undefined ? {} : { offers: String(call.offers) }),
      ...(call.onlyLiveOffers === true ? { 'only-live-offers': '1' } : {}),
    },
  };
}

function sellerRequest(call: SellerCall): WireRequest {
  return {
    method: 'GET',
    path: '/seller',
    query: {
      domain: String(call.domainId),
      seller: [...new Set(call.sellerIds)].join(','),
    },
  };
}
