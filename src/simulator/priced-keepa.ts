/**
 * A Keepa of the token arithmetic only, for plans: a true bucket, the usual processing times, and
 * prices as they were measured. It lists nothing; what a page would say does not matter here.
 *
 * A price of 6.6 is charged as 7, 6, 7, 6, 7 ...: what is left over is carried to the next call, so
 * that the average is exact and the same plan is always answered alike.
 */
import { itemsIn, type KeepaCall, type KeepaClient } from '../keepa/call.ts';
import { decodeResponse } from '../keepa/wire-answer.ts';
import type { Clock } from '../runtime/clock.ts';
import { Bucket, tickMs } from './bucket.ts';
import { jsonAnswer } from './envelope.ts';
import { processingMsOf } from './latency.ts';

/** Tokens for one item of each kind of call. */
export interface UnitPrices {
  readonly page: number;
  readonly history: number;
  readonly offers: number;
  readonly seller: number;
}

export interface PricedKeepaOptions {
  readonly clock: Clock;
  readonly ratePerMinute: number;
  readonly prices: UnitPrices;
}

/** Begins with one lump: a full bucket would flatter the first hour. */
export function createPricedKeepa({
  clock,
  ratePerMinute,
  prices,
}: PricedKeepaOptions): KeepaClient {
  const bucket = new Bucket({
    ratePerMinute,
    balance: ratePerMinute,
    nextTickMs: clock.now() + tickMs,
  });
  const carried = new Map<number, number>();
  const costOf = (call: KeepaCall): number => {
    const price = priceOf(call, prices);
    const exact = itemsIn(call) * price + (carried.get(price) ?? 0);
    const costTokens = Math.round(exact);
    carried.set(price, exact - costTokens);
    return costTokens;
  };
  return {
    async call(call, signal) {
      const timestamp = clock.now();
      const isRefused = call.endpoint !== 'token' && bucket.balanceAt(timestamp) <= 0;
      const processingTimeInMs = isRefused ? 0 : workMs(call, timestamp);
      await clock.sleep(processingTimeInMs, signal);
      const tokensConsumed = isRefused ? 0 : costOf(call);
      const reading = bucket.settle(tokensConsumed, clock.now());
      const figures = { ...reading, timestamp, processingTimeInMs, tokensConsumed };
      return decodeResponse(call, jsonAnswer(isRefused ? 429 : 200, emptyPayload, figures));
    },
    close: async () => {},
  };
}

/** Of every kind of call at once: each reads its own part. */
const emptyPayload = { deals: { dr: [] }, products: [], sellers: {} };

function priceOf(call: KeepaCall, prices: UnitPrices): number {
  switch (call.endpoint) {
    case 'token':
      return 0;
    case 'deal':
      return prices.page;
    case 'product':
      return call.offers === undefined ? prices.history : prices.offers;
    case 'seller':
      return prices.seller;
  }
}

function workMs(call: KeepaCall, nowMs: number): number {
  const withOffers = call.endpoint === 'product' && call.offers !== undefined;
  return processingMsOf({ endpoint: call.endpoint, items: itemsIn(call), withOffers }, 1, nowMs);
}
