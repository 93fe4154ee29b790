/**
 * What can go wrong with one request, on purpose.
 *
 * A hook is asked once per request. Faults of the transport (silence, resets) are carried out by
 * the doors; all others change the answer. Whether tokens are taken is part of each fault's
 * meaning: a silent or broken answer was still worked for, a 429 or a 500 was not.
 */
import type { WireRequest, WireResponse } from '../keepa/transport.ts';

export type Fault =
  /** A 429 although the balance is positive. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'error-json' }
  | { readonly kind: 'error-html' }
  /** Any other answer, as it is; nothing is billed. */
  | { readonly kind: 'answer'; readonly response: WireResponse }
  /** Worked for and billed; no answer ever comes. */
  | { readonly kind: 'silence' }
  /** Lost on its way out: Keepa never sees it, and no answer ever comes. */
  | { readonly kind: 'hang' }
  /** The connection breaks before Keepa has seen the request. */
  | { readonly kind: 'reset-before' }
  /** Worked for and billed; the connection breaks instead of an answer. */
  | { readonly kind: 'reset-after' }
  /** Every `every`-th item of a batch is missing. */
  | { readonly kind: 'partial'; readonly every: number }
  | { readonly kind: 'no-history' }
  /** The products come without their statistics. */
  | { readonly kind: 'no-stats' }
  /** A page is cut to so many rows; 0 is an empty page. */
  | { readonly kind: 'short-page'; readonly rows: number }
  | { readonly kind: 'unordered' }
  /** These fields take the place of the answer's own: another shape than the documented one. */
  | { readonly kind: 'payload'; readonly fields: Readonly<Record<string, unknown>> }
  /** This one envelope names another rate. */
  | { readonly kind: 'rate-blip'; readonly ratePerMinute: number }
  /** An envelope as a wrong key gets it, all zeros, on an answer that is otherwise fine. */
  | { readonly kind: 'zero-rate' };

/** Chooses the fault of a request, if any. Must depend on its arguments and its own seed alone. */
export type FaultHook = (request: WireRequest, nowMs: number) => Fault | undefined;

/** The payload of an answer after a fault that damages payloads; others leave it as it is. */
export function applyFault(
  payload: Readonly<Record<string, unknown>>,
  fault: Fault | undefined,
): Readonly<Record<string, unknown>> {
  switch (fault?.kind) {
    case 'partial':
      return {
        ...payload,
        ...(Array.isArray(payload.products)
          ? { products: without(payload.products, fault.every) }
          : {}),
        ...(isRecord(payload.sellers)
          ? {
              sellers: Object.fromEntries(without(Object.entries(payload.sellers), fault.every)),
            }
          : {}),
      };
    case 'no-history':
      return Array.isArray(payload.products)
        ? { ...payload, products: payload.products.map(withoutHistory) }
        : payload;
    case 'no-stats':
      return Array.isArray(payload.products)
        ? { ...payload, products: payload.products.map(withoutStats) }
        : payload;
    case 'short-page':
      return onRows(payload, (rows) => rows.slice(0, fault.rows));
    case 'payload':
      return { ...payload, ...fault.fields };
    case 'unordered':
      return onRows(payload, (rows) => rows.toReversed());
    default:
      return payload;
  }
}

/** The answer that a fault puts in the place of Keepa's own; undefined when it does not. */
export function answerInstead(fault: Fault | undefined): WireResponse | undefined {
  switch (fault?.kind) {
    case 'answer':
      return fault.response;
    case 'error-json':
      return {
        status: 500,
        contentType: 'application/json;charset=UTF-8',
        body: '{"error":{"details":null,"message":"Internal error","type":"internalServerError"}}',
      };
    case 'error-html':
      return {
        status: 500,
        contentType: 'text/html',
        body: '<html><head><title>500</title></head><body>Internal Server Error</body></html>',
      };
    default:
      return undefined;
  }
}

function without<T>(items: readonly T[], every: number): T[] {
  return items.filter((_, index) => (index + 1) % every !== 0);
}

function withoutHistory(product: unknown): unknown {
  return isRecord(product) ? { ...product, csv: null, salesRanks: null } : product;
}

function withoutStats(product: unknown): unknown {
  if (!isRecord(product)) return product;
  const { stats: _, ...others } = product;
  return others;
}

function onRows(
  payload: Readonly<Record<string, unknown>>,
  change: (rows: readonly unknown[]) => readonly unknown[],
): Readonly<Record<string, unknown>> {
  const deals = payload.deals;
  if (!isRecord(deals) || !Array.isArray(deals.dr)) return payload;
  return { ...payload, deals: { ...deals, dr: change(deals.dr) } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
