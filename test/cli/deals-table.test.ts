/**
 * The table: whatever the rows and the terminal, no line is wider than it is.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dealsTable } from '../../src/cli/deals-table.ts';
import { shortened, widthOf } from '../../src/cli/text-width.ts';
import type { Deal } from '../../src/store/ports.ts';

const nowMs = Date.UTC(2026, 4, 12);
const plain: Deal = {
  asin: 'B000000001',
  domainId: 1,
  priceType: 2,
  feed: 'books',
  title: 'A Title',
  state: 'accepted',
  firstSeenAtMs: nowMs,
  lastSeenAtMs: nowMs,
};

const cents = fc.option(fc.integer({ min: 0, max: 99_999_999 }), { nil: undefined });
const anyDeal = fc
  .record({
    domainId: fc.constantFrom(1, 5, 99),
    feed: fc.constantFrom('books', 'a-feed-with-a-rather-long-name'),
    title: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 120 }), fc.constant('本'.repeat(90))),
    state: fc.constantFrom('accepted', 'candidate'),
    prices: fc.tuple(cents, cents, cents, cents, cents),
    rank: fc.option(fc.nat(9_999_999), { nil: undefined }),
    isHeld: fc.boolean(),
  })
  .map(({ prices, rank, ...deal }): Deal => {
    const [priceNowCents, avg1yCents, average90Cents, listAtCents, profitCents] = prices;
    const figures = { priceNowCents, avg1yCents, average90Cents, listAtCents, profitCents, rank };
    const known = Object.entries(figures).filter(([, value]) => value !== undefined);
    return { ...plain, ...deal, ...Object.fromEntries(known) };
  });

test('no line is wider than the terminal, and every row keeps its asin, price and place', () => {
  const widths = fc.integer({ min: 40, max: 250 });
  fc.assert(
    fc.property(fc.array(anyDeal, { minLength: 1, maxLength: 8 }), widths, (deals, columns) => {
      const lines = dealsTable(deals, { columns, nowMs });
      assert.equal(lines.length, deals.length + 1);
      for (const line of lines) {
        assert.ok(widthOf(line) <= columns, `${widthOf(line)} > ${columns}: ${line}`);
      }
      for (const line of lines.slice(1)) assert.ok(line.startsWith(plain.asin));
      assert.match(lines[0] ?? '', /^asin .*price/);
    }),
  );
});

test('money is aligned to the right', () => {
  const deals = [5, 123_456].map((profitCents) => ({ ...plain, profitCents }));
  const [head = '', small = '', large = ''] = dealsTable(deals, { columns: 80, nowMs });
  const end = head.indexOf('profit') + 'profit'.length;
  assert.equal(small.slice(0, end + 1).trimEnd().length, end);
  assert.equal(large.slice(0, end + 1).trimEnd().length, end);
  assert.match(small, / 0\.05 /);
});

test('a wide letter counts two cells, a combining mark none, and none is cut in half', () => {
  assert.equal(widthOf('abc'), 3);
  assert.equal(widthOf('日本'), 4);
  assert.equal(widthOf('e\u0301'), 1);
  assert.equal(shortened('日本の本', 6), '日本…');
  assert.equal(shortened('😀😀😀', 4), '😀…');
  assert.equal(shortened('abc', 3), 'abc');
});

test('piped there is no end to a line, so nothing is cut and no column goes', () => {
  const deal = { ...plain, title: 'x'.repeat(500), rank: 7, trust: 0.5, average90Cents: 100 };
  const [head = '', line = ''] = dealsTable([deal], { columns: Number.POSITIVE_INFINITY, nowMs });
  assert.match(head, /90 days.*trust.*rank.*seen.*feed.*title/);
  assert.ok(line.endsWith('x'.repeat(500)));
});
