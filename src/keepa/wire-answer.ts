/**
 * What a response means: the status, the envelope, the error and the payload, made one Outcome.
 *
 * Keepa's statuses are its own (405 is a parameter out of range, 429 an empty bucket), a 200 can
 * carry an error and nothing else, and whatever stands between us and Keepa can answer in plain
 * text or HTML. The traps all have the same shape: something that is not an answer is taken for
 * "there is nothing". So a payload counts only when it is there.
 */
import type { AnswerTo, Envelope, KeepaCall, Outcome, PermanentReason } from './call.ts';
import type { WireResponse } from './transport.ts';
import { decodeDealPage } from './wire-deal.ts';
import { decodeEnvelope, decodeErrorText, isOfUnknownKey, oneLine } from './wire-envelope.ts';
import { decodeProductBatch } from './wire-product.ts';
import { decodeSellerBatch } from './wire-seller.ts';
import { isRecord, ShapeError } from './wire-values.ts';

/** 401 and 403 are in no source of Keepa's; whoever sends them says that the key is no good. */
const permanentReasons: ReadonlyMap<number, PermanentReason> = new Map([
  [400, 'bad-request'],
  [401, 'invalid-key'],
  [402, 'payment-required'],
  [403, 'invalid-key'],
  [404, 'not-found'],
  [405, 'out-of-range'],
]);

/** The outcome of a call that was answered with `response`; never throws, whatever that holds. */
export function decodeResponse<C extends KeepaCall>(
  call: C,
  response: WireResponse,
): Outcome<AnswerTo<C>> {
  const { status } = response;
  const body = parseJson(response.body);
  const envelope = decodeEnvelope(body);
  if (status === 200) return decodeAnswer(call, body, envelope);
  if (status === 429) return { kind: 'refused', envelope };
  const why = `HTTP ${status}: ${decodeErrorText(body) ?? describeBody(response)}`;
  const reason = permanentReasons.get(status);
  if (reason !== undefined) {
    const isUnknownKey = reason === 'bad-request' && isOfUnknownKey(body);
    return {
      kind: 'permanent',
      reason: isUnknownKey ? 'invalid-key' : reason,
      status,
      why,
      envelope,
    };
  }
  // A status Keepa does not have comes from something before it, and nothing was billed.
  return { kind: 'unavailable', status, why };
}

/** A 200: answered when both the payload and the figures are there. */
function decodeAnswer<C extends KeepaCall>(
  call: C,
  body: unknown,
  envelope: Envelope | undefined,
): Outcome<AnswerTo<C>> {
  if (!isRecord(body)) {
    const why = body === undefined ? 'the answer is not JSON' : 'the answer is not a JSON object';
    return { kind: 'malformed', why, envelope };
  }
  const errorText = decodeErrorText(body);
  try {
    const { payload, isEmpty } = decodePayload(call, body);
    if (errorText !== undefined && isEmpty) return { kind: 'malformed', why: errorText, envelope };
    if (envelope === undefined) {
      return { kind: 'malformed', why: 'no token figures in the answer', envelope };
    }
    // The payload was decoded for this call's endpoint, which is what AnswerTo goes by.
    return { kind: 'answered', answer: payload as AnswerTo<C>, envelope };
  } catch (thrown) {
    if (!(thrown instanceof ShapeError)) throw thrown;
    return { kind: 'malformed', why: errorText ?? thrown.message, envelope };
  }
}

/**
 * The payload, and whether it is no payload at all once there is an error beside it. For deals any
 * error counts: a page cut short by one would pass for the last of its sweep.
 */
function decodePayload(call: KeepaCall, body: unknown) {
  switch (call.endpoint) {
    case 'token':
      return { payload: null, isEmpty: true };
    case 'deal':
      return { payload: decodeDealPage(body, call.query.priceType), isEmpty: true };
    case 'product': {
      const payload = decodeProductBatch(body, call);
      return { payload, isEmpty: payload.products.length + payload.faults.length === 0 };
    }
    case 'seller': {
      const payload = decodeSellerBatch(body, call);
      return { payload, isEmpty: payload.sellers.length + payload.faults.length === 0 };
    }
  }
}

/** The parsed text; undefined when it is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Enough of a body without Keepa's error in it to tell who sent it. */
function describeBody({ body, contentType }: WireResponse): string {
  if (contentType.startsWith('text/plain') && body.trim() !== '') return oneLine(body);
  return `${body.length} characters of ${oneLine(contentType) || 'no declared type'}`;
}
