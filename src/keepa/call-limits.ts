/**
 * What Keepa accepts as a call, checked before anything is sent.
 *
 * A bad call costs nothing at Keepa but a place in the queue and a riddle: fewer than 20 offers
 * come back as a 200 without a payload, a malformed ASIN as an answer without products. Both look
 * like "no data", which must never be read as a verdict.
 */
import type { DealCall, KeepaCall, ProductCall, SellerCall } from './call.ts';
import { dealPageLast } from './deal-row.ts';
import { dealDomainsText, domainsText, hasDeals, hasSellers, isDomainId } from './domain.ts';

/** Upper-case letters and digits, ten of them; books carry their ISBN-10. */
const asinPattern = /^[A-Z0-9]{10}$/;
/** Amazon's merchant ids; known ones have 12 to 14 characters. */
const sellerPattern = /^[A-Z0-9]{5,21}$/;
const itemsMax = 100;
const offersMin = 20;
const offersMax = 100;
/** Keepa's history begins in 2011: a longer interval asks for nothing more. */
const statsDaysMax = 36_500;

export function isAsin(text: string): boolean {
  return asinPattern.test(text);
}

export function isSellerId(text: string): boolean {
  return sellerPattern.test(text);
}

/** Why Keepa would not answer the call as meant, in one line; undefined: it may be sent. */
export function checkCall(call: KeepaCall): string | undefined {
  switch (call.endpoint) {
    case 'token':
      return undefined;
    case 'deal':
      return checkDeal(call);
    case 'product':
      return checkProduct(call);
    case 'seller':
      return checkSeller(call);
  }
}

function checkDeal({ page, query }: DealCall): string | undefined {
  if (!isWhole(page, 0, dealPageLast)) {
    return `page ${page} does not exist; allowed: 0 to ${dealPageLast}`;
  }
  if (!hasDeals(query.domainId)) {
    return `domain ${query.domainId} has no deals; allowed: ${dealDomainsText}`;
  }
  const { sortType } = query;
  return isWhole(sortType, -4, 4) && sortType !== 0 && sortType !== -1
    ? undefined
    : `sort type ${sortType} does not exist; allowed: 1, 2, 3, 4, -2, -3, -4`;
}

function checkProduct(call: ProductCall): string | undefined {
  if (!isDomainId(call.domainId)) return `domain ${call.domainId}; allowed: ${domainsText}`;
  const { offers, statsDays } = call;
  if (offers !== undefined && !isWhole(offers, offersMin, offersMax)) {
    return `${offers} offers cannot be asked for; allowed: ${offersMin} to ${offersMax}, or none`;
  }
  if (call.onlyLiveOffers === true && offers === undefined) {
    return 'only live offers were asked for, but no offers';
  }
  if (statsDays !== undefined && !isWhole(statsDays, 1, statsDaysMax)) {
    return `statistics over ${statsDays} days; allowed: 1 to ${statsDaysMax}`;
  }
  return checkItems(call.asins, 'ASIN', asinPattern);
}

function checkSeller(call: SellerCall): string | undefined {
  if (!hasSellers(call.domainId)) {
    return `domain ${call.domainId} has no sellers; allowed: ${dealDomainsText}`;
  }
  return checkItems(call.sellerIds, 'seller id', sellerPattern);
}

function checkItems(items: readonly string[], what: string, pattern: RegExp): string | undefined {
  if (!isWhole(items.length, 1, itemsMax)) {
    return `${items.length} ${what}s in one call; allowed: 1 to ${itemsMax}`;
  }
  const bad = items.find((item) => !pattern.test(item));
  return bad === undefined ? undefined : `${JSON.stringify(bad.slice(0, 40))} is no ${what}`;
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
