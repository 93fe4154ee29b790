/** The older of two memories wins, whichever it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cursorAt, resumePage } from '../../src/actors/cursor.ts';
import type { Sweep } from '../../src/store/ports.ts';

const sweep: Sweep = {
  feed: 'books',
  queryHash: 'a1',
  number: 4,
  startedAtMs: 0,
  plannedMs: 1,
  nextPage: 7,
  rows: 1050,
  wireRows: 1050,
};

test('agreeing memories resume at the page after the last stored one', () => {
  assert.equal(resumePage(sweep, cursorAt(sweep, 7)), 7);
});

test('a checkpoint behind the store repeats the pages in between', () => {
  assert.equal(resumePage(sweep, cursorAt(sweep, 6)), 6);
});

test('a checkpoint ahead of the store never skips a page', () => {
  assert.equal(resumePage(sweep, cursorAt(sweep, 9)), 7);
});

test('an emptied or garbled coordination store leaves the word to the database', () => {
  for (const checkpoint of [
    undefined,
    null,
    'x',
    7,
    {},
    { sweep: 4 },
    { ...cursorAt(sweep, 2), page: -1 },
  ]) {
    assert.equal(resumePage(sweep, checkpoint), 7);
  }
});

test('a coordination store restored from before this sweep makes it start over', () => {
  assert.equal(resumePage(sweep, { queryHash: 'a1', sweep: 3, page: 5 }), 0);
});

test('a database restored from before the checkpointed sweep wins', () => {
  assert.equal(resumePage(sweep, { queryHash: 'a1', sweep: 5, page: 1 }), 7);
});

test('the page of another query revision means nothing', () => {
  assert.equal(resumePage(sweep, { queryHash: 'b2', sweep: 4, page: 7 }), 0);
});

test('no checkpoint whatever moves a sweep beyond what the database holds', () => {
  const checkpoints = fc.oneof(
    fc.jsonValue(),
    fc.record({ queryHash: fc.constantFrom('a1', 'b2'), sweep: fc.nat(9), page: fc.nat(99) }),
  );
  fc.assert(
    fc.property(checkpoints, (checkpoint) => {
      const page = resumePage(sweep, checkpoint);
      assert.ok(page >= 0 && page <= sweep.nextPage);
    }),
  );
});
