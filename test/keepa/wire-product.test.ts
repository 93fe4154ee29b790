/** Products and their offers: what is unknown stays unknown, and one bad product fails alone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProductCall } from '../../src/keepa/call.ts';
import type { Product } from '../../src/keepa/product.ts';
import { decodeProductBatch } from '../../src/keepa/wire-product.ts';
import { figures, newYear, productCall, wireProduct } from './wire-fixtures.ts';

const withOffers: ProductCall = { ...productCall, offers: 20 };

function decodeOne(changes: object, call = productCall): Product {
  const { products, faults, missing } = decodeProductBatch(
    { products: [wireProduct(changes)] },
    call,
  );
  assert.deepEqual({ faults, missing }, { faults: [], missing: [] });
  const [product] = products;
  assert.ok(product);
  return product;
}

function wireOffer(changes: object = {}) {
  return {
    offerId: 1,
    sellerId: 'A1SELLERONE',
    condition: 4,
    isFBA: true,
    isAmazon: false,
    isWarehouseDeal: false,
    lastSeen: newYear.keepa,
    offerCSV: [newYear.keepa - 9, 5000, 0, newYear.keepa, 4574, 399],
    ...changes,
  };
}

test('a product decodes whole, and without offers asked for it says nothing of offers', () => {
  const { history, ...product } = decodeOne({
    stats: {
      current: figures({ 0: 4999 }),
      avg180: figures({ 0: 5200 }),
      avg365: figures({ 0: -2 }),
    },
  });
  assert.deepEqual(product, {
    asin: 'B000000001',
    domainId: 1,
    title: 'A book',
    productType: 0,
    updatedAtMs: newYear.ms,
    amazon: { currentCents: 4999, average180Cents: 5200 },
    fees: { fbaPickAndPackCents: 577, referralPercent: 15.01, variableClosingCents: 180 },
  });
  assert.deepEqual(history, { other: new Map() });
});

test('csv null or missing is no history, which is not an empty one', () => {
  assert.equal('history' in decodeOne({ csv: null }), false);
  assert.equal('history' in decodeOne({ csv: undefined }), false);
  assert.equal('history' in decodeOne({ csv: [] }), true);
});

test('fees of -1, 0 or null are unknown; only the closing fee can be 0', () => {
  for (const none of [-1, -2, null, undefined]) {
    const { fees } = decodeOne({
      fbaFees: none === undefined ? null : { pickAndPackFee: none },
      referralFeePercentage: none,
      referralFeePercent: none,
      variableClosingFee: none,
    });
    assert.deepEqual(fees, {});
  }
  const { fees } = decodeOne({
    fbaFees: { pickAndPackFee: 0 },
    referralFeePercentage: undefined,
    variableClosingFee: 0,
  });
  assert.deepEqual(fees, { referralPercent: 15, variableClosingCents: 0 });
});

test('a product without a domain or a type is an ordinary one of the domain asked about', () => {
  const product = decodeOne({ domainId: null, productType: undefined });
  assert.equal(product.domainId, 1);
  assert.equal(product.productType, 0);
});

test('what is not sent is missing; what was not asked for is not kept', () => {
  const call = { ...productCall, asins: ['B000000001', 'B000000002', 'B000000003'] };
  const batch = decodeProductBatch(
    {
      products: [
        wireProduct({ asin: 'B000000003' }),
        wireProduct({ asin: 'B000000001' }),
        wireProduct({ asin: 'B000000001' }),
        wireProduct({ asin: 'B000000009' }),
      ],
    },
    call,
  );
  assert.deepEqual(
    batch.products.map((product) => product.asin),
    ['B000000003', 'B000000001'],
  );
  assert.deepEqual(batch.missing, ['B000000002']);
  assert.deepEqual(batch.faults, [{ asin: 'B000000009', why: 'not asked for' }]);
});

test('an answer without products is one in which all are missing', () => {
  for (const body of [{}, { products: null }, { products: [] }]) {
    const { products, missing } = decodeProductBatch(body, productCall);
    assert.deepEqual({ products, missing }, { products: [], missing: ['B000000001'] });
  }
  assert.throws(() => decodeProductBatch({ products: {} }, productCall), { name: 'ShapeError' });
});

test('a malformed product fails alone, by name, and is not missing as well', () => {
  const asins = ['B000000001', 'B000000002', 'B000000003', 'B000000004'];
  const { products, missing, faults } = decodeProductBatch(
    {
      products: [
        wireProduct({ asin: asins[0], csv: figures({ 3: 'rank' }) }),
        wireProduct({ asin: asins[1], csv: {} }),
        null,
        wireProduct({ asin: asins[2], stats: [] }),
        wireProduct({ asin: asins[3] }),
      ],
    },
    { ...productCall, asins },
  );
  assert.deepEqual(
    products.map((product) => product.asin),
    [asins[3]],
  );
  assert.deepEqual(
    faults.map((fault) => fault.asin),
    [asins[0], asins[1], undefined, asins[2]],
  );
  assert.deepEqual(missing, []);
  assert.match(faults[0]?.why ?? '', /^csv\[0\]|^csv\[/);
});

test('an offer is its last price; shipping of -1 or -2 is unknown and 0 is free', () => {
  const shipping = [399, 0, -1, -2];
  const { offers, offersFresh } = decodeOne(
    {
      offersSuccessful: true,
      liveOffersOrder: [1, 0, 1],
      offers: shipping.map((cents) =>
        wireOffer({ offerCSV: [newYear.keepa - 9, 5000, 0, newYear.keepa, 4574, cents] }),
      ),
    },
    withOffers,
  );
  assert.equal(offersFresh, true);
  assert.deepEqual(
    offers?.map((offer) => [offer.priceCents, offer.shippingCents, offer.isLive]),
    [
      [4574, 399, true],
      [4574, 0, true],
      [4574, undefined, false],
      [4574, undefined, false],
    ],
  );
  assert.deepEqual(offers?.[0], {
    sellerId: 'A1SELLERONE',
    condition: 4,
    isFba: true,
    isAmazon: false,
    isWarehouse: false,
    lastSeenAtMs: newYear.ms,
    isLive: true,
    priceCents: 4574,
    shippingCents: 399,
  });
});

test('an offer without a price history, or with half a point, has no price', () => {
  for (const offerCSV of [null, undefined, [], [newYear.keepa, 4574], [newYear.keepa, -1, -1]]) {
    const { offers } = decodeOne(
      { offersSuccessful: true, liveOffersOrder: [0], offers: [wireOffer({ offerCSV })] },
      withOffers,
    );
    assert.equal(offers?.length, 1);
    assert.equal('priceCents' in (offers?.[0] ?? {}), false);
  }
});

describe('a list of offers may have been cut', () => {
  const live = (count: number) => ({
    offersSuccessful: true,
    liveOffersOrder: Array.from({ length: count }, (_, index) => index),
    offers: Array.from({ length: count }, () => wireOffer()),
  });
  const read = (points: readonly number[]) => ({
    csv: figures({}).map((_, index) => (index === 15 ? points : null)),
  });

  test('when it is as long as it was asked for, and not when it is shorter', () => {
    assert.equal(decodeOne(live(20), withOffers).offersCut, true);
    assert.equal('offersCut' in decodeOne(live(19), withOffers), false);
    assert.equal('offersCut' in decodeOne(live(20), { ...withOffers, offers: 40 }), false);
  });

  test('when the order of the live ones is that long, though some stand in it twice', () => {
    const { liveOffersOrder } = live(19);
    const repeated = { ...live(19), liveOffersOrder: [...liveOffersOrder, 0] };
    assert.equal(decodeOne(repeated, withOffers).offersCut, true);
  });

  test('when Keepa counts more than it read, by the last of its counts', () => {
    const cut = (points: readonly number[]) =>
      decodeOne({ ...live(12), ...read(points) }, withOffers).offersCut;
    assert.equal(cut([7_000_000, 9, 7_000_100, -12]), true);
    assert.equal(cut([7_000_000, -12, 7_000_100, 12]), undefined);
    assert.equal(cut([7_000_000, -12, 7_000_100]), true, 'half a point is none');
    assert.equal(cut([7_000_000, -1]), undefined, 'none');
    assert.equal(cut([]), undefined);
  });

  test('but what could not be refreshed is no list of what is on sale', () => {
    const stale = { ...live(20), offersSuccessful: false };
    assert.equal('offersCut' in decodeOne(stale, withOffers), false);
    assert.equal('offersCut' in decodeOne(live(20)), false, 'nor where none was asked for');
  });
});

test('no offer counts as live when Keepa could not refresh them', () => {
  const { offers, offersFresh } = decodeOne(
    { offersSuccessful: false, liveOffersOrder: [0], offers: [wireOffer()] },
    withOffers,
  );
  assert.equal(offersFresh, false);
  assert.deepEqual(
    offers?.map((offer) => offer.isLive),
    [false],
  );
});

test('a list that was to hold live offers only is live also without an order', () => {
  const call = { ...withOffers, onlyLiveOffers: true };
  const { offers } = decodeOne(
    { offersSuccessful: true, liveOffersOrder: null, offers: [wireOffer()] },
    call,
  );
  assert.deepEqual(
    offers?.map((offer) => offer.isLive),
    [true],
  );
});

test('an unreadable offer of the past is left out; one on sale costs the product', () => {
  const bad = wireOffer({ sellerId: null });
  const answer = { offersSuccessful: true, offers: [bad, wireOffer()] };
  assert.equal(decodeOne({ ...answer, liveOffersOrder: [1] }, withOffers).offers?.length, 1);
  const { faults } = decodeProductBatch(
    { products: [wireProduct({ ...answer, liveOffersOrder: [0, 1] })] },
    withOffers,
  );
  assert.match(faults[0]?.why ?? '', /^offers\[0\]\.sellerId/);
});
