import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeError } from '../../src/runtime/describe-error.ts';

function withCode(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

test('an error is told with its chain of causes and without a stack', () => {
  const cause = new Error('socket closed', { cause: withCode('read failed', 'ECONNRESET') });
  const text = describeError(new Error('cannot read the page', { cause }));
  assert.equal(text, 'cannot read the page: socket closed: read failed (ECONNRESET)');
  assert(!text.includes('at '), 'no stack');
});

test('a code that the message already names is not told twice', () => {
  assert.equal(
    describeError(withCode('connect ECONNREFUSED', 'ECONNREFUSED')),
    'connect ECONNREFUSED',
  );
});

test('an error without a message is told by its name', () => {
  assert.equal(describeError(new TypeError('')), 'TypeError');
});

test('the members of an AggregateError are told, the first few', () => {
  const members = ['a', 'b', 'c', 'd', 'e'].map((name) => new Error(name));
  assert.equal(
    describeError(new AggregateError(members, 'all failed')),
    'all failed: a; b; c; and 2 more',
  );
});

test('a cycle of causes ends', () => {
  const error = new Error('round');
  error.cause = error;
  assert(describeError(error).startsWith('round: round'));
});

test('whatever is thrown is described, and describing never throws', () => {
  assert.equal(describeError('plain text'), 'plain text');
  assert.equal(describeError({ status: 500 }), '{"status":500}');
  assert.equal(describeError(undefined), 'undefined');
  assert.equal(describeError(null), 'null');
  assert.equal(describeError(10n), '10');
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  assert.equal(describeError(cyclic), 'an error that cannot be described');
});
