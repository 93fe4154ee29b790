/**
 * Bodies as Keepa writes them, by hand, for tests to bend: shapes as recorded, values our own.
 */
import type { DealCall, ProductCall, SellerCall, TokenCall } from '../../src/keepa/call.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import type { WireResponse } from '../../src/keepa/transport.ts';

/** 2025-01-01T00:00:00Z in Keepa minutes, in Unix minutes and in Unix milliseconds. */
export const newYear = { keepa: 7_364_160, minutes: 28_928_160, ms: 1_735_689_600_000 };

export const tokenCall: TokenCall = { endpoint: 'token' };
export const dealCall: DealCall = {
  endpoint: 'deal',
  query: parseDealQuery({ domainId: 1, priceTypes: [2] }),
  page: 0,
};
export const productCall: ProductCall = {
  endpoint: 'product',
  domainId: 1,
  asins: ['B000000001'],
  history: true,
};
export const sellerCall: SellerCall = {
  endpoint: 'seller',
  domainId: 1,
  sellerIds: ['A1SELLERONE'],
};

/** The figures of an answer that cost 5 of 300 tokens and took 661 ms. */
export function envelope(changes: object = {}) {
  return {
    processingTimeInMs: 661,
    refillIn: 36_524,
    refillRate: 5,
    timestamp: 1_757_873_538_842,
    tokenFlowReduction: 0,
    tokensConsumed: 5,
    tokensLeft: 295,
    ...changes,
  };
}

/** What a body of ours decodes to in `envelope`'s case. */
export const decodedEnvelope = {
  asOfMs: 1_757_873_539_503,
  processingMs: 661,
  balance: 295,
  refillRate: 5,
  flowReduction: 0,
  nextRefillAtMs: 1_757_873_576_027,
  costTokens: 5,
};

export function json(body: unknown, status = 200): WireResponse {
  return { status, contentType: 'application/json;charset=utf-8', body: JSON.stringify(body) };
}

/** A list of `length` figures, -1 but for those given by index. */
export function figures(given: Record<number, unknown>, length = 36): unknown[] {
  return Array.from({ length }, (_, index) => (index in given ? given[index] : -1));
}

export function dealRow(changes: object = {}) {
  return {
    asin: '1598162152',
    title: 'Samurai Champloo Volume 2',
    image: [53, 49, 46, 106, 112, 103],
    rootCat: 283_155,
    categories: [4367],
    current: figures({ 0: 149_148, 2: 2050, 3: 742_673, 11: 2, 12: 13, 15: -12 }),
    currentSince: figures({ 2: newYear.keepa }),
    avg: [
      figures({ 2: 2051, 3: 524_347 }),
      figures({ 2: 2070, 3: 853_003 }),
      figures({ 2: 2248, 3: 954_263 }),
      figures({ 2: 10_857, 3: 1_061_602 }),
    ],
    creationDate: newYear.keepa,
    lastUpdate: newYear.keepa + 10,
    salesRankDrops30: 15,
    salesRankDrops90: 28,
    salesRankDrops180: 52,
    salesRankDrops365: 97,
    warehouseCondition: 0,
    ...changes,
  };
}

export function dealBody(rows: readonly unknown[]) {
  return { deals: { dr: rows, drDateIndex: [] }, dealsCached: false, ...envelope() };
}

export function wireProduct(changes: object = {}) {
  return {
    asin: 'B000000001',
    domainId: 1,
    title: 'A book',
    productType: 0,
    lastUpdate: newYear.keepa,
    csv: figures({}).map(() => null),
    stats: null,
    fbaFees: { lastUpdate: newYear.keepa, pickAndPackFee: 577 },
    referralFeePercentage: 15.01,
    referralFeePercent: 15,
    variableClosingFee: 180,
    offersSuccessful: false,
    ...changes,
  };
}
