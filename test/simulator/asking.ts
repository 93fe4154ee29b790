/**
 * Asking a simulated Keepa directly: what the tests here share.
 */
import assert from 'node:assert/strict';
import {
  createSimulatedKeepa,
  type SimulatedKeepa,
  type SimulatedKeepaOptions,
} from '../../src/simulator/simulated-keepa.ts';

export const startMs = Date.parse('2026-11-20T12:00:00Z');
export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** Every listed row with a used price, largest drop first. */
export const everyRow = { domainId: 1, priceTypes: [2], dateRange: 3, sortType: 4 } as const;

/** The recorded query for used books. */
export const bookQuery = {
  ...everyRow,
  includeCategories: [283155],
  isRangeEnabled: true,
  isFilterEnabled: true,
  currentRange: [2_000, 30_100],
  deltaRange: [1_950, 9_900],
  deltaPercentRange: [50, 2_147_483_647],
  salesRankRange: [50_000, 1_500_000],
  minRating: 10,
} as const;

/** A simulated Keepa with so many tokens that no test runs out by accident. */
export function richKeepa(options: Partial<SimulatedKeepaOptions> = {}): SimulatedKeepa {
  return createSimulatedKeepa({ seed: 1, rows: 750, ratePerMinute: 4_000, startMs, ...options });
}

/** Any JSON object; reading a field that is not there gives undefined. */
export type Json = Readonly<Record<string, unknown>>;

export interface Deal {
  readonly asin: string;
  readonly avg: readonly (readonly number[])[];
  readonly creationDate: number;
  readonly current: readonly number[];
  readonly currentSince: readonly number[];
  readonly delta: readonly (readonly number[])[];
  readonly deltaLast: readonly number[];
  readonly deltaPercent: readonly (readonly number[])[];
  readonly lastUpdate: number;
  readonly rootCat: number;
  readonly salesRankDrops90: number;
  readonly title: string;
}

export interface DealBody {
  readonly deals: {
    readonly dr: readonly Deal[];
    readonly drDateIndex: readonly unknown[];
    readonly categoryIds: readonly number[];
    readonly categoryCount: readonly number[];
    readonly categoryNames: readonly string[];
  };
  readonly dealsCached: boolean;
}

/** Status, text and parsed body of one request. */
export function ask(
  keepa: SimulatedKeepa,
  request: { path: string; query?: Record<string, string>; body?: string; key?: string },
  nowMs = startMs,
) {
  const { path, query = {}, key = 'any-key', body } = request;
  const asked =
    body === undefined
      ? ({ method: 'GET', path, query, key } as const)
      : ({ method: 'POST', path, query, key, body } as const);
  const { response, processingMs } = keepa.handle(asked, nowMs);
  const isJson = response.contentType.startsWith('application/json');
  const json: Json = isJson ? JSON.parse(response.body) : {};
  return { ...response, processingMs, json };
}

/** One page of a query, which must be answered. */
export function askPage(keepa: SimulatedKeepa, query: Json, page: number, nowMs = startMs) {
  const answer = ask(keepa, { path: '/deal', body: JSON.stringify({ ...query, page }) }, nowMs);
  assert.equal(answer.status, 200);
  const body: DealBody = JSON.parse(answer.body);
  return { ...answer, deals: body.deals, dealsCached: body.dealsCached };
}

/** Every page in turn, `pauseMs` apart, up to the first short one. */
export function askAllPages(
  keepa: SimulatedKeepa,
  query: Json,
  nowMs: number,
  pauseMs: number,
): Deal[] {
  const rows: Deal[] = [];
  for (let page = 0; ; page += 1) {
    const { deals } = askPage(keepa, query, page, nowMs + page * pauseMs);
    rows.push(...deals.dr);
    if (deals.dr.length < 150) return rows;
  }
}

/** Where recorded traffic lies when it is there: beside the checkout. */
export const recordings = new URL('../../../shared/samples/', import.meta.url);

export interface ProductBody {
  readonly asin: string;
  readonly productType: number;
  readonly csv: readonly (readonly number[] | null)[] | null;
  readonly lastUpdate: number;
  readonly lastPriceChange: number;
  readonly stats: {
    readonly current: readonly number[];
    readonly avg30: readonly number[];
    readonly avg90: readonly number[];
    readonly avg365: readonly number[];
    readonly min: readonly (readonly number[] | null)[];
    readonly max: readonly (readonly number[] | null)[];
    readonly salesRankDrops90: number;
    readonly buyBoxPrice: number;
  };
  readonly liveOffersOrder: readonly number[] | null;
  readonly offersSuccessful: boolean;
  readonly offers:
    | readonly {
        readonly condition: number;
        readonly lastSeen: number;
        readonly offerCSV: readonly number[];
      }[]
    | null;
}

export function askProducts(
  keepa: SimulatedKeepa,
  asins: readonly string[],
  nowMs: number,
  query: Record<string, string> = {},
): ProductBody[] {
  const all: ProductBody[] = [];
  for (let i = 0; i < asins.length; i += 100) {
    const asin = asins.slice(i, i + 100).join(',');
    const answer = ask(
      keepa,
      { path: '/product', query: { domain: '1', stats: '90', ...query, asin } },
      nowMs,
    );
    const { products }: { products: ProductBody[] } = JSON.parse(answer.body);
    all.push(...products);
  }
  return all;
}

/** The points of a series of pairs. */
export function points(series: readonly number[] | null | undefined): [number, number][] {
  const numbers = series ?? [];
  return Array.from({ length: numbers.length / 2 }, (_, i) => [
    numbers[2 * i] ?? 0,
    numbers[2 * i + 1] ?? 0,
  ]);
}
