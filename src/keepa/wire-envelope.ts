/**
 * The envelope of every answer: the token figures and the error.
 *
 * The next lump arrives at timestamp + processingTimeInMs + refillIn, to the millisecond in 260 of
 * 263 recorded pairs: `timestamp` is the start of processing, whatever the official client says,
 * and with offers processing takes 6 s and more.
 *
 * An invalid key is answered with all figures 0. That is no state of any bucket: taken for one, it
 * would tell the broker that the plan had ended.
 */
import { z } from 'zod';
import type { Envelope } from './call.ts';
import { isRecord } from './wire-values.ts';

/** Error texts are Keepa's words and unbounded; ours end here. */
const errorTextMax = 200;

const figures = z.object({
  timestamp: z.number().positive(),
  tokensLeft: z.number(),
  refillIn: z.number(),
  refillRate: z.number().positive(),
  tokensConsumed: z.number().nonnegative(),
  processingTimeInMs: z.number().nonnegative(),
  // Keepa has none to report without trackings, and dropped other nulls without notice.
  tokenFlowReduction: z.number().nullish(),
});

const zeroFigures = z.object({
  tokensLeft: z.literal(0),
  refillIn: z.literal(0),
  refillRate: z.literal(0),
});

/** The token figures; undefined when they are not all there, or are those of an invalid key. */
export function decodeEnvelope(body: unknown): Envelope | undefined {
  const { data } = figures.safeParse(body);
  if (data === undefined) return undefined;
  const asOfMs = data.timestamp + data.processingTimeInMs;
  return {
    asOfMs,
    processingMs: data.processingTimeInMs,
    balance: data.tokensLeft,
    refillRate: data.refillRate,
    flowReduction: data.tokenFlowReduction ?? 0,
    nextRefillAtMs: asOfMs + data.refillIn,
    costTokens: data.tokensConsumed,
  };
}

/** Whether the figures are the zeros that Keepa sends for a key it does not know. */
export function isOfUnknownKey(body: unknown): boolean {
  return zeroFigures.safeParse(body).success;
}

/**
 * What Keepa says went wrong, as one line that is safe to log; undefined without an error. Such an
 * error can stand in a 200.
 */
export function decodeErrorText(body: unknown): string | undefined {
  const error = isRecord(body) ? body.error : undefined;
  if (error === undefined || error === null) return undefined;
  if (!isRecord(error)) return oneLine(String(error)) || 'an error without a text';
  const [type, message, details] = ['type', 'message', 'details'].map((part) =>
    typeof error[part] === 'string' ? error[part] : '',
  );
  const text = [type, message].filter((part) => part !== '').join(': ');
  return oneLine(details === '' ? text : `${text} (${details})`) || 'an error without a text';
}

/** Printable, on one line and of bounded length, whatever came over the wire. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, 4 * errorTextMax)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  return line.length > errorTextMax ? `${line.slice(0, errorTextMax)}...` : line;
}
