/** Sellers: a rating that nobody gave is unknown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSellerBatch } from '../../src/keepa/wire-seller.ts';
import { newYear, sellerCall } from './wire-fixtures.ts';

function decodeOne(wireSeller: unknown) {
  const batch = decodeSellerBatch({ sellers: { A1SELLERONE: wireSeller } }, sellerCall);
  assert.deepEqual(batch.faults, []);
  return batch.sellers[0];
}

test('the current rating and its count are read where they are', () => {
  const seller = { sellerName: 'One', hasFBA: true, currentRating: 97, currentRatingCount: 34_368 };
  assert.deepEqual(decodeOne(seller), {
    sellerId: 'A1SELLERONE',
    name: 'One',
    ratingPercent: 97,
    ratingCount: 34_368,
    isFba: true,
  });
});

test('without them the last points of the two series stand in', () => {
  const t = newYear.keepa;
  const csv = [
    [t, 90, t + 1, 84],
    [t, 200, t + 1, 233, t + 2],
  ];
  const seller = decodeOne({ sellerName: 'One', csv });
  assert.equal(seller?.ratingPercent, 84);
  assert.equal(seller?.ratingCount, 233);
});

test('a seller without ratings has no per cent, and a count of 0 is a count', () => {
  assert.deepEqual(decodeOne({ currentRating: 0, currentRatingCount: 0 }), {
    sellerId: 'A1SELLERONE',
    ratingCount: 0,
  });
  for (const none of [-1, -2, null, undefined]) {
    const csv = none === null ? null : [null, []];
    const seller = decodeOne({ currentRating: none, currentRatingCount: none, csv });
    assert.deepEqual(seller, { sellerId: 'A1SELLERONE' });
  }
});

test('0 % of many ratings is a rating', () => {
  assert.equal(decodeOne({ currentRating: 0, currentRatingCount: 12 })?.ratingPercent, 0);
});

test('unknown sellers are missing, unreadable ones are faults', () => {
  const call = { ...sellerCall, sellerIds: ['A1SELLERONE', 'A2SELLERTWO', 'constructor'] };
  const sellers = { A1SELLERONE: { csv: 'x' } };
  assert.deepEqual(decodeSellerBatch({ sellers }, call), {
    sellers: [],
    missing: ['A2SELLERTWO', 'constructor'],
    faults: [{ sellerId: 'A1SELLERONE', why: 'csv: is not a list' }],
  });
  assert.deepEqual(decodeSellerBatch({}, sellerCall).missing, ['A1SELLERONE']);
  assert.throws(() => decodeSellerBatch({ sellers: [] }, sellerCall), { name: 'ShapeError' });
});
