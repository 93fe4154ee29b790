import assert from 'node:assert/strict';
import { test } from 'node:test';
import { screenRow } from '../../src/analysis/screen.ts';
import type { ScreenRules } from '../../src/config.ts';
import type { DealRow } from '../../src/keepa/deal-row.ts';

const row: DealRow = {
  asin: 'B000000001',
  title: 'A book',
  priceType: 2,
  priceCents: 700,
  averageCents: { month: 900, quarter: 1_000 },
  rank: 50_000,
  averageRank: {},
  rankDrops: { days30: 3, days90: 9, days365: 40 },
  usedOffers: 4,
  newOffers: 2,
};

/** `row` without one figure. */
function without(...fields: (keyof DealRow)[]): DealRow {
  return Object.fromEntries(
    Object.entries(row).filter(([key]) => !fields.some((field) => field === key)),
  ) as unknown as DealRow;
}

test('a row at every bound passes', () => {
  const rules: ScreenRules = {
    minPriceCents: 700,
    maxPriceCents: 700,
    minPercentBelowAverage: 30,
    maxAverageSpike: 10 / 9,
    maxRank: 50_000,
    minRankDrops30: 3,
    minRankDrops90: 9,
    minRankDrops365: 40,
    minUsedOffers: 4,
    minNewOffers: 2,
  };
  assert.equal(screenRow(row, rules), undefined);
});

test('each rule rejects with a reason of its own', () => {
  const reasons: [ScreenRules, string][] = [
    [{ minPriceCents: 701 }, 'below-min-price'],
    [{ maxPriceCents: 699 }, 'above-max-price'],
    [{ minPercentBelowAverage: 30.1 }, 'not-below-average'],
    [{ maxAverageSpike: 1.1 }, 'average-spike'],
    [{ maxRank: 49_999 }, 'rank-too-high'],
    [{ minRankDrops30: 4 }, 'too-few-rank-drops'],
    [{ minRankDrops90: 10 }, 'too-few-rank-drops'],
    [{ minRankDrops365: 41 }, 'too-few-rank-drops'],
    [{ minUsedOffers: 5 }, 'too-few-used-offers'],
    [{ minNewOffers: 3 }, 'too-few-new-offers'],
  ];
  for (const [rules, reason] of reasons) assert.equal(screenRow(row, rules), reason);
});

test('a figure that a rule needs and the row lacks is a reason of its own', () => {
  const bare: DealRow = { ...row, averageCents: {}, rankDrops: {} };
  assert.equal(screenRow(bare, { minPercentBelowAverage: 1 }), 'no-average');
  assert.equal(screenRow(bare, { maxAverageSpike: 3 }), 'no-average');
  assert.equal(screenRow(bare, { minRankDrops90: 0 }), 'no-rank-drops');
  assert.equal(screenRow(without('rank'), { maxRank: 1 }), 'no-rank');
  assert.equal(screenRow(without('usedOffers'), { minUsedOffers: 0 }), 'no-offer-count');
  assert.equal(screenRow(without('newOffers'), { minNewOffers: 0 }), 'no-offer-count');
});

test('an average of 0 is no average to be below of', () => {
  const free: DealRow = { ...row, priceCents: 0, averageCents: { quarter: 0 } };
  assert.equal(screenRow(free, { minPercentBelowAverage: 0 }), 'no-average');
});

test('a rule that is not set needs no figure', () => {
  const bare: DealRow = { ...row, averageCents: {}, rankDrops: {} };
  assert.equal(screenRow(bare, {}), undefined);
  assert.equal(screenRow(without('rank', 'usedOffers', 'newOffers'), {}), undefined);
});

test('a row without a price is never a deal', () => {
  assert.equal(screenRow(without('priceCents'), {}), 'no-price');
});

test('a row above its average is not below it, whatever per cent is asked', () => {
  const dear: DealRow = { ...row, priceCents: 1_001 };
  assert.equal(screenRow(dear, { minPercentBelowAverage: 0 }), 'not-below-average');
  assert.equal(screenRow({ ...row, priceCents: 1_000 }, { minPercentBelowAverage: 0 }), undefined);
});

test('of several reasons the price comes first and the offers last', () => {
  const rules: ScreenRules = { minNewOffers: 9, maxRank: 1, maxPriceCents: 1 };
  assert.equal(screenRow(row, rules), 'above-max-price');
  assert.equal(screenRow({ ...row, priceCents: 1 }, rules), 'rank-too-high');
});
