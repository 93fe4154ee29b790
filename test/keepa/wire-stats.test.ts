/** Statistics: what a listing would show of a product, and when nothing may be concluded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAmazonPrices, decodeListing, statsShape } from '../../src/keepa/wire-stats.ts';
import { figures } from './wire-fixtures.ts';

const rankDrops = {
  salesRankDrops30: 3,
  salesRankDrops90: 0,
  salesRankDrops180: -1,
  salesRankDrops365: 40,
};

function stats(changes: object = {}) {
  return statsShape.parse({
    current: figures({ 0: 4_999, 1: 3_000, 2: 700, 3: 50_000, 11: 0, 12: 4 }),
    avg30: figures({ 2: 900, 3: 60_000 }),
    avg90: figures({ 2: 1_000, 3: -2 }),
    ...rankDrops,
    ...changes,
  });
}

test('of what a listing shows -1 and -2 are absent, and a count of 0 is a count', () => {
  const { prices, ...listing } = decodeListing(stats()) ?? assert.fail('whole statistics');
  assert.deepEqual(listing, {
    rank: 50_000,
    averageRank: { month: 60_000 },
    rankDrops: { days30: 3, days90: 0, days365: 40 },
    newOffers: 0,
    usedOffers: 4,
  });
  assert.deepEqual(prices.get(2), { nowCents: 700, averageCents: { month: 900, quarter: 1_000 } });
  assert.deepEqual(prices.get(0), { nowCents: 4_999, averageCents: {} });
  assert.deepEqual(prices.get(5), { averageCents: {} });
  assert.equal(prices.has(3), false);
});

test('statistics that are not whole tell nothing, least of all that no offer is left', () => {
  for (const part of ['current', 'avg30', 'avg90', ...Object.keys(rankDrops)]) {
    assert.equal(decodeListing(stats({ [part]: undefined })), undefined, part);
    assert.equal(decodeListing(stats({ [part]: null })), undefined, part);
  }
});

test('a price without a place in every list was not told', () => {
  for (const part of ['current', 'avg30', 'avg90']) {
    const listing = decodeListing(stats({ [part]: figures({ 1: 1 }, 2) }));
    assert.equal(listing?.prices.has(1), true, part);
    assert.equal(listing?.prices.has(2), false, part);
  }
});

test('a figure that is no number is a shape of its own', () => {
  const odd = stats({ current: figures({ 2: '700' }) });
  assert.throws(() => decodeListing(odd), { name: 'ShapeError', message: /stats.current\[2\]/ });
});

test('what Amazon asked is whole only when all of it was told, be it as "none"', () => {
  const told = { avg180: figures({ 0: -1 }), avg365: figures({ 0: 5_200 }) };
  assert.deepEqual(decodeAmazonPrices(stats(told)), {
    currentCents: 4_999,
    average365Cents: 5_200,
  });
  for (const part of ['current', 'avg180', 'avg365']) {
    for (const untold of [undefined, null, [], [null]]) {
      const prices = decodeAmazonPrices(stats({ ...told, [part]: untold }));
      assert.equal(prices.isPartial, true, `${part}: ${JSON.stringify(untold)}`);
    }
  }
});
