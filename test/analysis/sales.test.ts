import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rankTrail } from '../../src/analysis/confirmation.ts';
import { confirmedSales, mergedByTime, type Sale } from '../../src/analysis/sales.ts';
import { minuteMs, type Point, seriesOf } from './histories.ts';

function pricesAt(drops: readonly number[], prices: readonly Point[]): (number | undefined)[] {
  return confirmedSales({
    condition: 'used',
    drops: Int32Array.from(drops),
    ranks: rankTrail(
      seriesOf([
        [0, 50],
        [1_000, 40],
      ]),
      0,
    ),
    prices: seriesOf(prices),
  }).map((sale) => sale.priceCents);
}

test('the price of a sale is the last one strictly before the minute of the drop', () => {
  assert.deepEqual(
    pricesAt(
      [100],
      [
        [50, 700],
        [99, 800],
        [100, 900],
      ],
    ),
    [800],
  );
  assert.deepEqual(pricesAt([100], [[100, 900]]), [undefined]);
});

test('of several prices in one minute the last is in force', () => {
  assert.deepEqual(
    pricesAt(
      [100],
      [
        [99, 700],
        [99, 800],
      ],
    ),
    [800],
  );
});

test('a sale whose last price is absent or 0 is unpriced, and no older price is taken', () => {
  assert.deepEqual(
    pricesAt(
      [100],
      [
        [50, 700],
        [99, undefined],
      ],
    ),
    [undefined],
  );
  assert.deepEqual(
    pricesAt(
      [100],
      [
        [50, 700],
        [99, 0],
      ],
    ),
    [undefined],
  );
});

test('a drop without confirmation is no sale', () => {
  assert.deepEqual(pricesAt([100, 1_001], [[50, 700]]), [700]);
});

test('a sale carries the time of its drop and of the rank that confirmed it, in Unix ms', () => {
  const [sale] = confirmedSales({
    condition: 'new',
    drops: Int32Array.of(100),
    ranks: rankTrail(
      seriesOf([
        [0, 50],
        [1_000, 40],
      ]),
      0,
    ),
    prices: seriesOf([]),
  });
  assert.deepEqual(sale, {
    atMs: 100 * minuteMs,
    condition: 'new',
    priceCents: undefined,
    rankConfirmedAtMs: 1_000 * minuteMs,
  });
});

test('sales are in order of time, used before new in the same minute', () => {
  const sale = (condition: 'used' | 'new', atMs: number): Sale => ({
    atMs,
    condition,
    priceCents: undefined,
    rankConfirmedAtMs: atMs,
  });
  const merged = mergedByTime(
    [sale('used', 1), sale('used', 3), sale('used', 3)],
    [sale('new', 1), sale('new', 2), sale('new', 3), sale('new', 9)],
  );
  assert.deepEqual(
    merged.map(({ condition, atMs }) => `${condition} ${atMs}`),
    ['used 1', 'new 1', 'new 2', 'used 3', 'used 3', 'new 3', 'new 9'],
  );
});
