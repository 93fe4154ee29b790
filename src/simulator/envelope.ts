/**
 * The text of an answer: payload and token fields in Keepa's alphabetical key order.
 *
 * Two values cannot go through a plain JSON writer: `tokenFlowReduction` is printed as a double
 * (`0.0`), and the id of an unknown category is Java's largest long, which no JavaScript number
 * holds. Both are written as text here, exactly as Keepa does.
 */
import type { WireResponse } from '../keepa/transport.ts';
import type { BucketReading } from './bucket.ts';

/** The error object of an answer; the only `type` ever recorded is invalidParameter. */
export interface WireError {
  readonly details: string | null;
  readonly message: string;
  readonly type: 'invalidParameter';
}

export interface EnvelopeFigures extends BucketReading {
  /** Start of processing, Unix ms. */
  readonly timestamp: number;
  readonly processingTimeInMs: number;
  readonly tokensConsumed: number;
}

/** Java's Long.MAX_VALUE, the id of the category that Keepa does not know. */
export const unknownCategoryId = '9223372036854775807';
/** Stands for it, as a value, until the text is written. */
export const unknownCategoryMark = '\u0001unknown-category';
const quotedMark = new RegExp(JSON.stringify(unknownCategoryMark).replace('\\', '\\\\'), 'g');

const jsonType = 'application/json;charset=UTF-8';

/** An answer of Keepa's application: payload and envelope merged in alphabetical order of keys. */
export function jsonAnswer(
  status: number,
  payload: Readonly<Record<string, unknown>>,
  figures: EnvelopeFigures,
): WireResponse {
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(payload)) {
    texts.set(key, JSON.stringify(value).replace(quotedMark, unknownCategoryId));
  }
  for (const [key, value] of Object.entries(figures)) {
    texts.set(key, key === 'tokenFlowReduction' ? value.toFixed(1) : String(value));
  }
  const fields = [...texts.keys()].sort().map((key) => `"${key}":${texts.get(key)}`);
  return { status, contentType: jsonType, body: `{${fields.join(',')}}` };
}

export function invalidParameter(message: string, details: string | null): WireError {
  return { details, message, type: 'invalidParameter' };
}

/** What a wrong key gets: every token field is zero, so it must not be taken for a balance. */
export function invalidKeyAnswer(nowMs: number): WireResponse {
  const error = invalidParameter('You used an invalid parameter for this API call.', '');
  return jsonAnswer(400, { error }, { ...zeroReading, ...figuresOf(nowMs, 0) });
}

/** The token fields of an answer that tells of no bucket. */
export const zeroReading: BucketReading = {
  tokensLeft: 0,
  refillIn: 0,
  refillRate: 0,
  tokenFlowReduction: 0,
};

function figuresOf(nowMs: number, tokensConsumed: number) {
  return { timestamp: nowMs, processingTimeInMs: 0, tokensConsumed };
}

/** A wrong path is not answered by the application but by the server in front of it. */
export function notFoundAnswer(): WireResponse {
  return { status: 404, contentType: 'text/plain', body: '404 Not Found' };
}
