/** What failed together comes back in halves, ever later, and nothing waits for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FittingSize, nextBatch, retryAtMs } from '../../src/actors/batch-spacing.ts';
import type { WorkRow } from '../../src/store/judging-ports.ts';
import { asinOf } from './judging-world.ts';

const minuteMs = 60_000;

function row(number: number, change: Partial<WorkRow> = {}): WorkRow {
  return {
    asin: asinOf(number),
    domainId: 1,
    priceType: 2,
    feed: 'books',
    state: 'candidate',
    attempts: 0,
    ...change,
  };
}

const rows = (count: number, change: Partial<WorkRow> = {}): WorkRow[] =>
  Array.from({ length: count }, (_, number) => row(number, change));

test('rows that never failed go together up to the limit, in the order given', () => {
  const batch = nextBatch(rows(150), { itemsMax: 100 });
  assert.equal(batch?.asins.length, 100);
  assert.deepEqual(
    batch?.rows.map(({ asin }) => asin),
    batch?.asins,
  );
});

test('every fruitless try halves the company, down to being alone', () => {
  const sizes = Array.from({ length: 10 }, (_, attempts) => {
    return nextBatch(rows(150, { attempts }), { itemsMax: 100 })?.asins.length;
  });
  assert.deepEqual(sizes, [100, 50, 25, 12, 6, 3, 1, 1, 1, 1]);
});

test('rows with other numbers of tries and of other marketplaces keep apart', () => {
  const due = [row(1), row(2, { attempts: 1 }), row(3, { domainId: 3 }), row(4)];
  assert.deepEqual(nextBatch(due, { itemsMax: 100 })?.asins, [asinOf(1), asinOf(4)]);
  assert.equal(nextBatch(due.slice(2), { itemsMax: 100 })?.domainId, 3);
});

test('a product with two price types is asked for once, for both of its rows', () => {
  const due = [row(1), row(1, { priceType: 1 }), row(2)];
  const batch = nextBatch(due, { itemsMax: 1 });
  assert.deepEqual(batch?.asins, [asinOf(1)]);
  assert.deepEqual(
    batch?.rows.map(({ priceType }) => priceType),
    [2, 1],
  );
});

test('a marketplace that Keepa does not have is passed over', () => {
  assert.equal(nextBatch([row(1, { domainId: 7 })], { itemsMax: 9 }), undefined);
  const due = [row(1, { domainId: 7 }), row(2)];
  assert.deepEqual(nextBatch(due, { itemsMax: 9 })?.asins, [asinOf(2)]);
});

test('the wait doubles from five minutes and ends at a day', () => {
  const waits = [0, 1, 2, 8, 9, 50].map((attempts) => retryAtMs({ attempts }, 0) / minuteMs);
  assert.deepEqual(waits, [5, 10, 20, 1_280, 1_440, 1_440]);
});

test('a batch is never empty, never too large, and all of its rows are of its products', () => {
  const anyRow = fc
    .tuple(fc.nat(30), fc.nat(3), fc.constantFrom(1, 3, 7), fc.constantFrom(1, 2))
    .map(([number, attempts, domainId, priceType]) =>
      row(number, { attempts, domainId, priceType }),
    );
  fc.assert(
    fc.property(fc.array(anyRow), fc.integer({ min: 1, max: 100 }), (due, itemsMax) => {
      const batch = nextBatch(due, { itemsMax });
      const isAskable = due.some(({ domainId }) => domainId !== 7);
      assert.equal(batch !== undefined, isAskable);
      if (batch === undefined) return;
      assert.ok(batch.asins.length >= 1 && batch.asins.length <= itemsMax);
      assert.equal(new Set(batch.asins).size, batch.asins.length);
      assert.ok(batch.rows.every(({ asin }) => batch.asins.includes(asin)));
      assert.ok(batch.asins.every((asin) => batch.rows.some((other) => other.asin === asin)));
    }),
  );
});

test('a size that was refused holds for the plan it was refused on', () => {
  const size = new FittingSize(100);
  assert.equal(size.at(300), 100);
  assert.equal(size.refused(90, 300), true);
  assert.deepEqual([size.at(300), size.at(1_200)], [90, 100]);
  assert.equal(size.refused(0, 300), false);
});
