import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PricedSale } from '../../src/analysis/outliers.ts';
import { seasonPrices, totalSince } from '../../src/analysis/prices.ts';
import type { AmazonPrices } from '../../src/keepa/product.ts';

/** Sales as [month 1 to 12, cents], in any order; each month is one of its own year. */
function season(sales: readonly (readonly [number, number])[], amazon?: AmazonPrices) {
  const dated = sales.map(([month, cents], i) => saleAt(Date.UTC(2010 + i, month - 1, 3), cents));
  return seasonPrices(dated, amazon);
}

function saleAt(atMs: number, priceCents: number): PricedSale {
  return { atMs, condition: 'used', priceCents, rankConfirmedAtMs: atMs };
}

test('a month begins and ends at midnight UTC, and its years are pooled', () => {
  const at = (iso: string, cents: number) => saleAt(Date.parse(iso), cents);
  const found = seasonPrices(
    [
      at('2023-12-31T23:59:00Z', 100),
      at('2024-01-01T00:00:00Z', 300),
      at('2024-01-31T23:59:00Z', 301),
      at('2024-02-01T00:00:00Z', 200),
      at('2025-01-15T00:00:00Z', 400),
    ],
    undefined,
  );
  assert.deepEqual(found, { listAtTenths: 3_010, troughTenths: 1_000 });
});

test('the total since an instant includes a sale at that instant', () => {
  const sales = [saleAt(10, 1), saleAt(20, 2), saleAt(20, 3), saleAt(30, 4)];
  assert.deepEqual(totalSince(sales, 20), { sumCents: 9, count: 3 });
  assert.deepEqual(totalSince(sales, 21), { sumCents: 4, count: 1 });
  assert.deepEqual(totalSince(sales, 31), { sumCents: 0, count: 0 });
});

test('list-at is the most frequent price of the month with the highest median', () => {
  const sales = [
    [1, 500],
    [1, 900],
    [1, 900],
    [7, 100],
    [7, 9_000],
  ] as const;
  // July: median 4,550, no price twice. January: 900.
  assert.equal(season(sales)?.listAtTenths, 45_500);
  assert.equal(season([...sales, [7, 200]])?.listAtTenths, 9_000);
});

test('of two months with the same median the earlier one sets list-at', () => {
  assert.equal(
    season([
      [3, 100],
      [3, 300],
      [9, 200],
      [9, 200],
    ])?.listAtTenths,
    2_000,
  );
  assert.equal(
    season([
      [9, 100],
      [9, 300],
      [3, 200],
      [3, 200],
    ])?.listAtTenths,
    2_000,
  );
  assert.equal(
    season([
      [3, 100],
      [3, 100],
      [3, 300],
      [3, 300],
      [9, 200],
    ])?.listAtTenths,
    1_000,
  );
  assert.equal(
    season([
      [9, 100],
      [9, 100],
      [9, 300],
      [9, 300],
      [3, 200],
    ])?.listAtTenths,
    2_000,
  );
});

test('of two prices that are equally frequent the lower is listed at', () => {
  assert.equal(
    season([
      [5, 800],
      [5, 700],
      [5, 800],
      [5, 700],
    ])?.listAtTenths,
    7_000,
  );
});

test('a price that occurs once is no mode: the median is taken', () => {
  assert.equal(
    season([
      [5, 700],
      [5, 801],
      [6, 1],
    ])?.listAtTenths,
    7_505,
  );
});

test('with fewer than 3 sane sales both list-at and trough are the median of all', () => {
  assert.deepEqual(
    season([
      [1, 100],
      [2, 201],
    ]),
    { listAtTenths: 1_505, troughTenths: 1_505 },
  );
  assert.deepEqual(season([[1, 100]]), { listAtTenths: 1_000, troughTenths: 1_000 });
  assert.deepEqual(
    season([
      [1, 100],
      [2, 201],
      [3, 50],
    ]),
    {
      listAtTenths: 2_010,
      troughTenths: 500,
    },
  );
});

test('list-at is capped at 90 % of the lowest positive Amazon price, trough is not', () => {
  const sales = [
    [1, 1_000],
    [1, 1_000],
    [1, 1_000],
  ] as const;
  const amazon = { currentCents: 2_000, average180Cents: 501, average365Cents: 900 };
  assert.deepEqual(season(sales, amazon), { listAtTenths: 4_509, troughTenths: 10_000 });
});

test('the cap counts with fewer than 3 sales, too', () => {
  assert.deepEqual(season([[1, 1_000]], { average365Cents: 100 }), {
    listAtTenths: 900,
    troughTenths: 10_000,
  });
});

test('an Amazon price of 0 or none caps nothing', () => {
  assert.equal(season([[1, 1_000]], { currentCents: 0 })?.listAtTenths, 10_000);
  assert.equal(season([[1, 1_000]], {})?.listAtTenths, 10_000);
});

test('trough is the median of the month with the lowest median', () => {
  assert.equal(
    season([
      [1, 900],
      [4, 300],
      [4, 305],
      [8, 500],
    ])?.troughTenths,
    3_025,
  );
});

test('without sales there is neither list-at nor trough', () => {
  assert.equal(season([], { currentCents: 1_000 }), undefined);
});
