/** The token figures of every answer, and the error beside them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeEnvelope,
  decodeErrorText,
  isOfUnknownKey,
  oneLine,
} from '../../src/keepa/wire-envelope.ts';
import { decodedEnvelope, envelope } from './wire-fixtures.ts';

test('the next refill is timestamp + processing time + refillIn', () => {
  assert.deepEqual(decodeEnvelope(envelope()), decodedEnvelope);
});

test('a debt is a balance, and a bucket of exactly 0 is one too', () => {
  assert.equal(decodeEnvelope(envelope({ tokensLeft: -249 }))?.balance, -249);
  assert.equal(decodeEnvelope(envelope({ tokensLeft: 0 }))?.balance, 0);
});

test('a flow reduction that is not reported is none', () => {
  for (const tokenFlowReduction of [null, undefined]) {
    assert.equal(decodeEnvelope(envelope({ tokenFlowReduction }))?.flowReduction, 0);
  }
  assert.equal(decodeEnvelope(envelope({ tokenFlowReduction: 1.5 }))?.flowReduction, 1.5);
});

test('figures that are incomplete, or those of an invalid key, are no state of the bucket', () => {
  for (const missing of Object.keys(envelope())) {
    if (missing === 'tokenFlowReduction') continue;
    assert.equal(decodeEnvelope(envelope({ [missing]: undefined })), undefined, missing);
    assert.equal(decodeEnvelope(envelope({ [missing]: null })), undefined, missing);
  }
  const zeros = { refillIn: 0, refillRate: 0, tokensLeft: 0, tokensConsumed: 0 };
  assert.equal(decodeEnvelope(envelope(zeros)), undefined);
  assert.equal(isOfUnknownKey(envelope(zeros)), true);
  assert.equal(isOfUnknownKey(envelope({ tokensLeft: 0 })), false);
  assert.equal(isOfUnknownKey({}), false);
});

test('an error is one line of type, message and details, without what is empty', () => {
  const error = { type: 'invalidParameter', message: 'The queryJSON is of invalid format.' };
  const text = 'invalidParameter: The queryJSON is of invalid format.';
  assert.equal(
    decodeErrorText({ error: { ...error, details: 'dateRange' } }),
    `${text} (dateRange)`,
  );
  assert.equal(decodeErrorText({ error: { ...error, details: '' } }), text);
  assert.equal(decodeErrorText({ error: { ...error, details: null } }), text);
  assert.equal(decodeErrorText({ error: {} }), 'an error without a text');
  assert.equal(decodeErrorText({ error: 'plain' }), 'plain');
  assert.equal(decodeErrorText({ error: null }), undefined);
  assert.equal(decodeErrorText(envelope()), undefined);
});

test('a text from the wire is printable, on one line and of bounded length', () => {
  assert.equal(oneLine(' a\r\n\u001b[31mb\u2028c\u0000 '), 'a [31mb c');
  assert.ok(oneLine('x'.repeat(1_000_000)).length <= 203);
});
