/** Which offer a deal is about, as a table. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findOffer } from '../../src/actors/verification.ts';
import type { Offer, Product } from '../../src/keepa/product.ts';
import {
  asinOf,
  hourMs,
  listedWorld,
  offerAt,
  sellingProduct,
  withOffers,
} from './judging-world.ts';

const asin = asinOf(1);
const used = 2;
const whole = { priceType: used, isCut: false };

function landed(offers: readonly Offer[], priceType = used): number | string {
  const finding = findOffer(offers, { priceType, isCut: false });
  return finding.kind === 'found' ? finding.offer.landedCents : finding.kind;
}

describe('the offer of a used listing', () => {
  const table: readonly (readonly [string, readonly Offer[], number | string])[] = [
    ['nothing at all', [], 'none'],
    ['the cheapest with its shipping', [offerAt(900, 399), offerAt(1_000, 0)], 1_000],
    ['unknown shipping is not free', [offerAt(100, undefined), offerAt(1_000, 50)], 1_050],
    ['an unknown price proves nothing', [offerAt(undefined, 0)], 'unpriced'],
    ['an unknown shipping alone proves nothing', [offerAt(100, undefined)], 'unpriced'],
    ['one of the past is not on sale', [offerAt(100, 0, { isLive: false })], 'none'],
    ['a new copy is no used one', [offerAt(100, 0, { condition: 1 })], 'none'],
    ['a refurbished one is none either', [offerAt(100, 0, { condition: 6 })], 'none'],
    ['nor one of unknown condition', [offerAt(100, 0, { condition: 0 })], 'none'],
    ['like new counts', [offerAt(100, 0, { condition: 2 })], 100],
    ['acceptable counts', [offerAt(100, 0, { condition: 5 })], 100],
  ];
  for (const [name, offers, expected] of table) {
    test(`${name}: ${expected}`, () => assert.equal(landed(offers), expected));
  }
});

describe('the kind of copy that a price type is about', () => {
  const offers = [
    offerAt(1, 0, { condition: 4, isWarehouse: true }),
    offerAt(2, 0, { condition: 1, isFba: true, isAmazon: true }),
    offerAt(3, 0, { condition: 1 }),
    offerAt(4, 0, { condition: 1, isFba: true }),
    offerAt(5, 0, { condition: 2 }),
    offerAt(6, 0, { condition: 3 }),
    offerAt(7, 0, { condition: 5 }),
    offerAt(8, 0, { condition: 6 }),
    offerAt(9, 0, { condition: 8 }),
  ];
  const expected = [
    ['Amazon', 0, 2],
    ['new', 1, 2],
    ['used', 2, 1],
    ['collectible', 5, 9],
    ['refurbished', 6, 8],
    ['new, sent by the seller', 7, 3],
    ['warehouse', 9, 1],
    ['new, sent by Amazon', 10, 2],
    ['buy box', 18, 2],
    ['like new', 19, 5],
    ['very good', 20, 6],
    ['good', 21, 1],
    ['acceptable', 22, 7],
    ['used buy box', 32, 1],
    ['rank, which is of any copy', 3, 1],
  ] as const;
  for (const [name, priceType, cents] of expected) {
    test(`${name} (${priceType})`, () => assert.equal(landed(offers, priceType), cents));
  }
});

test('a list that was cut does not prove that nothing of the kind is on sale', () => {
  const cut = { priceType: used, isCut: true };
  const fresh = offerAt(500, 0, { condition: 1 });
  assert.deepEqual(findOffer([fresh], cut), { kind: 'beyond' });
  assert.deepEqual(findOffer([fresh, offerAt(9, undefined)], cut), { kind: 'unpriced' });
  assert.equal(findOffer([fresh, offerAt(900, 0)], cut).kind, 'found');
});

test('the offer brings its seller, condition and shipping along', () => {
  const finding = findOffer([offerAt(700, 399, { condition: 3, isFba: true })], whole);
  assert.deepEqual(finding, {
    kind: 'found',
    offer: {
      landedCents: 1_099,
      shippingCents: 399,
      condition: 3,
      isFba: true,
      sellerId: 'A1SELLER00001',
    },
  });
});

test('a seller id that no call could carry is left out', () => {
  const finding = findOffer([offerAt(700, 0, { sellerId: 'no id' })], whole);
  assert.ok(finding.kind === 'found' && finding.offer.sellerId === undefined);
});

test('of two at the same cost the first counts', () => {
  const first = offerAt(500, 0, { sellerId: 'A1FIRST000001' });
  const finding = findOffer([first, offerAt(400, 100)], whole);
  assert.ok(finding.kind === 'found' && finding.offer.sellerId === first.sellerId);
});

describe('a list of offers that Keepa cut', () => {
  const dear = Array.from({ length: 20 }, (_, n) => offerAt(100 + n, 0, { condition: 1 }));
  const cut: Partial<Product> = { ...withOffers(...dear), offersCut: true };

  test('proves nothing without one of the kind: the row keeps its verdict', async () => {
    await using world = await listedWorld(sellingProduct(asin, 5_000, cut));
    const [, verify] = await world.work();
    assert.deepEqual([verify?.stage, verify?.processed, verify?.retry], ['verify', 1, 1]);
    const deal = await world.deal(asin);
    assert.deepEqual(
      [deal.state, deal.verifiedAtMs, deal.priceNowCents],
      ['accepted', undefined, 1_200],
    );
    assert.deepEqual((await world.store.reader.judgingTotals()).rejected, {});
    const kept = await world.store.reader.evidence({ domainId: 1, asin });
    assert.equal(kept?.boughtAtMs, (await world.store.reader.past(deal)).at(-1)?.atMs);
    await world.clock.advanceBy(23 * hourMs);
    assert.deepEqual(await world.work(), [], 'its kind is dearer than twenty others all day');
    await world.clock.advanceBy(hourMs);
    assert.deepEqual(
      (await world.work()).map(({ stage }) => stage),
      ['verify-again'],
    );
  });

  test('still tells which one of the kind is the cheapest', async () => {
    const change = { ...cut, offers: [...dear.slice(1), offerAt(900, 0)] };
    await using world = await listedWorld(sellingProduct(asin, 5_000, change));
    await world.work();
    assert.equal((await world.deal(asin)).verifiedCents, 900);
  });
});
