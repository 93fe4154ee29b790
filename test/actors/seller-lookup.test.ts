/** Sellers are asked for once in three weeks, and one that is missing is asked for again, alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SellerCall } from '../../src/keepa/call.ts';
import type { Seller } from '../../src/keepa/seller.ts';
import {
  asinOf,
  dayMs,
  hourMs,
  JudgingWorld,
  listed,
  offerAt,
  sellingProduct,
} from './judging-world.ts';

function sellerOf(number: number): Seller {
  return { sellerId: `A1SELLER${String(number).padStart(5, '0')}`, ratingCount: 10 };
}

/** Rows 0 to n-1, each with a live offer of a seller of its own; all of them verified. */
async function verifiedWorld(count: number): Promise<JudgingWorld> {
  const world = await JudgingWorld.open();
  const numbers = Array.from({ length: count }, (_, number) => number);
  for (const number of numbers) {
    const offers = [offerAt(900, 0, { sellerId: sellerOf(number).sellerId })];
    const product = sellingProduct(asinOf(number), 5_000, { offers, offersFresh: true });
    world.keepa.shelf.products.set(product.asin, product);
    world.keepa.shelf.sellers.set(sellerOf(number).sellerId, sellerOf(number));
  }
  await world.list(...numbers.map((number) => ({ row: listed(asinOf(number)) })));
  return world;
}

function lookups({ keepa }: JudgingWorld): readonly (readonly string[])[] {
  const calls = keepa.calls.filter((call): call is SellerCall => call.endpoint === 'seller');
  return calls.map(({ sellerIds }) => sellerIds);
}

test('sellers are asked for together, and not again for three weeks', async () => {
  await using world = await verifiedWorld(3);
  await world.work();
  assert.deepEqual(lookups(world), [[0, 1, 2].map((number) => sellerOf(number).sellerId)]);
  await world.clock.advanceBy(6 * dayMs);
  assert.deepEqual(await world.work(), []);
  await world.clock.advanceBy(16 * dayMs);
  await world.work();
  assert.equal(lookups(world).length, 2);
});

test('one that is missing among others is asked for alone before it is unknown', async () => {
  await using world = await verifiedWorld(3);
  const { sellerId } = sellerOf(1);
  world.keepa.shelf.sellers.delete(sellerId);
  await world.work();
  assert.deepEqual(lookups(world).slice(1), [[sellerId]]);
  assert.equal(await world.store.reader.seller(1, sellerId), undefined);
  assert.deepEqual(await world.work(), []);
});

test('one that spoils the storing of an answer is found alone, and rests then', async () => {
  await using world = await verifiedWorld(3);
  const { sellerId } = sellerOf(1);
  world.keepa.shelf.sellers.set(sellerId, { sellerId, ratingCount: 1e300 });
  for (let tries = 0; tries < 8; tries += 1) {
    await world.work();
    await world.clock.advanceBy(hourMs);
  }
  assert.equal((await world.store.reader.seller(1, sellerOf(0).sellerId))?.ratingCount, 10);
  assert.equal((await world.store.reader.seller(1, sellerOf(2).sellerId))?.ratingCount, 10);
  assert.equal(await world.store.reader.seller(1, sellerId), undefined);
  const ids = [0, 1, 2].map((number) => sellerOf(number).sellerId);
  assert.deepEqual(lookups(world), [ids, ...ids.map((id) => [id])]);
});

test('one that is missing when asked for alone is asked for once more', async () => {
  await using world = await verifiedWorld(1);
  const { sellerId } = sellerOf(0);
  world.keepa.shelf.sellers.delete(sellerId);
  while (lookups(world).length === 0) await world.pass();
  world.keepa.shelf.sellers.set(sellerId, sellerOf(0));
  await world.work();
  assert.deepEqual(lookups(world), [[sellerId], [sellerId]]);
  assert.equal((await world.store.reader.seller(1, sellerId))?.ratingCount, 10);
});

test('one that is missing twice when asked for alone is unknown for three weeks', async () => {
  await using world = await verifiedWorld(1);
  world.keepa.shelf.sellers.clear();
  await world.work();
  assert.equal(lookups(world).length, 2);
  await world.clock.advanceBy(6 * dayMs);
  await world.work();
  assert.equal(lookups(world).length, 2);
});

test('one that a partial answer left out is found at the second time of asking', async () => {
  await using world = await verifiedWorld(2);
  const { sellerId } = sellerOf(0);
  world.keepa.shelf.sellers.delete(sellerId);
  while (lookups(world).length === 0) await world.pass();
  world.keepa.shelf.sellers.set(sellerId, sellerOf(0));
  await world.work();
  assert.equal((await world.store.reader.seller(1, sellerId))?.ratingCount, 10);
});
