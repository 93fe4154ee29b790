/**
 * What can be asked of Keepa, and what can come back: the vocabulary between the broker and the
 * client. Keepa's own words stay in wire.ts.
 */

import type { DealQuery } from './deal-query.ts';
import type { DealPage } from './deal-row.ts';
import type { ProductBatch } from './product.ts';
import type { SellerBatch } from './seller.ts';

/** Keepa's number of an Amazon marketplace (keepa-facts: 1 com, 2 co.uk, 3 de, ...). */
export type DomainId = 1 | 2 | 3 | 4 | 5 | 6 | 8 | 9 | 10 | 11 | 12;

/** Reads the balance; costs nothing. */
export interface TokenCall {
  readonly endpoint: 'token';
}

/** One page of up to 150 rows of a deal query; 5 tokens, also when empty. */
export interface DealCall {
  readonly endpoint: 'deal';
  readonly query: DealQuery;
  /** From 0. */
  readonly page: number;
}

/** Up to 100 products by ASIN. Costs 1 each, or about 7 each with offers. */
export interface ProductCall {
  readonly endpoint: 'product';
  readonly domainId: DomainId;
  readonly asins: readonly string[];
  /** Length in days of the interval for the interval figures of `stats`; absent: no stats. */
  readonly statsDays?: number;
  readonly history: boolean;
  /** 20 to 100 live offers per product; absent: none, and no offer is paid for. */
  readonly offers?: number;
  readonly onlyLiveOffers?: boolean;
}

/** Up to 100 sellers; 1 token per seller found. */
export interface SellerCall {
  readonly endpoint: 'seller';
  readonly domainId: DomainId;
  readonly sellerIds: readonly string[];
}

export type KeepaCall = TokenCall | DealCall | ProductCall | SellerCall;

/** The answer's payload for each kind of call. */
export type AnswerTo<C extends KeepaCall> = C extends DealCall
  ? DealPage
  : C extends ProductCall
    ? ProductBatch
    : C extends SellerCall
      ? SellerBatch
      : null;

/** How many priced items a call asks for: ASINs, sellers, one page, or none. */
export function itemsIn(call: KeepaCall): number {
  switch (call.endpoint) {
    case 'token':
      return 0;
    case 'deal':
      return 1;
    case 'product':
      return call.asins.length;
    case 'seller':
      return call.sellerIds.length;
  }
}

/** The same call for its first `count` items only; a deal page and a token read are whole. */
export function firstItems<C extends KeepaCall>(call: C, count: number): C {
  switch (call.endpoint) {
    case 'product':
      return { ...call, asins: call.asins.slice(0, count) };
    case 'seller':
      return { ...call, sellerIds: call.sellerIds.slice(0, count) };
    default:
      return call;
  }
}

/**
 * The part of every answer that tells of tokens. All instants are on Keepa's clock.
 */
export interface Envelope {
  /** The instant the figures are true for: start of processing plus processing time, Unix ms. */
  readonly asOfMs: number;
  readonly processingMs: number;
  /** Balance after this request; may be negative. */
  readonly balance: number;
  /** Tokens per minute of the plan; above 0 (an envelope with 0 is no state and is dropped). */
  readonly refillRate: number;
  /** Tokens per minute that trackings take away from the refill. */
  readonly flowReduction: number;
  /** When the next lump arrives: `asOfMs` plus what Keepa said it would take. */
  readonly nextRefillAtMs: number;
  /** What this request cost. */
  readonly costTokens: number;
}

/** Why a request will never succeed as it is. */
export type PermanentReason =
  | 'bad-request'
  | 'payment-required'
  | 'invalid-key'
  | 'not-found'
  | 'out-of-range';

/**
 * What became of one request on the wire. `envelope` is absent where Keepa sent none that counts.
 *
 * - answered: payload decoded; some items may be missing from it.
 * - refused: 429, the balance was not positive; cost nothing.
 * - maybe-billed: sent, and no complete answer came back.
 * - permanent: never retried blindly.
 * - unavailable: 5xx, or it never left; nothing was billed.
 * - malformed: a 200 that cannot be read, or carries an error and no payload.
 */
export type Outcome<A> =
  | { readonly kind: 'answered'; readonly answer: A; readonly envelope: Envelope }
  | { readonly kind: 'refused'; readonly envelope: Envelope | undefined }
  | { readonly kind: 'maybe-billed'; readonly why: string }
  | {
      readonly kind: 'permanent';
      readonly reason: PermanentReason;
      /** Keepa's status; 0 when the call was refused here and never sent. */
      readonly status: number;
      readonly why: string;
      readonly envelope: Envelope | undefined;
    }
  | { readonly kind: 'unavailable'; readonly status: number | undefined; readonly why: string }
  | { readonly kind: 'malformed'; readonly why: string; readonly envelope: Envelope | undefined };

/** The client: asks, waits, decodes, and never decides what to do about a failure. */
export interface KeepaClient {
  /** Never rejects for anything Keepa or the network did; that is an Outcome. */
  call<C extends KeepaCall>(call: C, signal: AbortSignal): Promise<Outcome<AnswerTo<C>>>;
  close(): Promise<void>;
}
