/** A re-checked product as a row: the screen decides alike, or is not asked at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordsNothing, rowOfProduct } from '../../src/analysis/recheck.ts';
import { screenRow } from '../../src/analysis/screen.ts';
import type { ListingFigures, Product } from '../../src/keepa/product.ts';

const listing: ListingFigures = {
  prices: new Map([
    [0, { averageCents: {} }],
    [1, { nowCents: 3_000, averageCents: {} }],
    [2, { nowCents: 700, averageCents: { month: 900, quarter: 1_000 } }],
    [32, { nowCents: 700, averageCents: { month: 900, quarter: 1_000 } }],
  ]),
  rank: 50_000,
  averageRank: { month: 60_000 },
  rankDrops: { days30: 3 },
  usedOffers: 0,
};
const product: Product = {
  asin: 'B000000001',
  domainId: 1,
  title: 'A book',
  productType: 0,
  updatedAtMs: 5,
  listing,
  fees: {},
};

test('the row carries what a listing would show of the product, and no more', () => {
  assert.deepEqual(rowOfProduct(product, 2), {
    asin: 'B000000001',
    title: 'A book',
    priceType: 2,
    priceCents: 700,
    averageCents: { month: 900, quarter: 1_000 },
    rank: 50_000,
    averageRank: { month: 60_000 },
    rankDrops: { days30: 3 },
    newCents: 3_000,
    usedCents: 700,
    usedOffers: 0,
    updatedAtMs: 5,
  });
});

test('a price that is gone is a row without a price, which no screen passes', () => {
  const row = rowOfProduct(product, 0) ?? assert.fail('complete');
  assert.equal(screenRow(row, {}), 'no-price');
});

test('an answer that does not say enough gives no row', () => {
  const { listing: _, ...withoutStatistics } = product;
  assert.equal(rowOfProduct(withoutStatistics, 2), undefined);
  assert.equal(rowOfProduct(product, 6), undefined, 'no word about refurbished copies');
  assert.equal(rowOfProduct({ ...product, productType: 3 }, 2), undefined, 'inaccessible');
  assert.equal(rowOfProduct({ ...product, productType: 4 }, 2), undefined, 'invalid');
});

test('of inaccessible and invalid products, and of no others, nothing is recorded', () => {
  const types = [0, 1, 2, 3, 4, 5].filter((productType) => recordsNothing({ productType }));
  assert.deepEqual(types, [3, 4]);
});

test('a price that comes with offers is known only when fresh offers came', () => {
  assert.equal(rowOfProduct(product, 32), undefined);
  assert.equal(rowOfProduct({ ...product, offersFresh: false }, 32), undefined);
  assert.equal(rowOfProduct({ ...product, offersFresh: true }, 32)?.priceCents, 700);
});

test('a feed about the sales rank has no price to lack', () => {
  assert.equal(rowOfProduct(product, 3)?.rank, 50_000);
});
