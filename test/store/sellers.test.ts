/**
 * Sellers are looked up once in a while: those behind live offers of accepted rows, and no others.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchOf, judgedDeal, offerOf, rejectedDeal } from './judging-fixture.ts';
import { books, dealRow, pageOf, passing, startMs, TestStore, toys } from './store-fixture.ts';

async function withOffers(sellers: Readonly<Record<string, string | undefined>>) {
  const store = await TestStore.open();
  const asins = Object.keys(sellers);
  await store.writer.storePage(pageOf(passing(...asins.map((asin) => dealRow(asin)))));
  await store.writer.storeJudgements(
    batchOf(
      asins.map((asin) => judgedDeal(asin, { because: 'verified' })),
      {
        verified: Object.entries(sellers).map(([asin, sellerId]) => {
          const { sellerId: _, ...offer } = offerOf(asin);
          return sellerId === undefined ? offer : { ...offer, sellerId };
        }),
      },
    ),
  );
  return store;
}

const due = ({ reader }: TestStore, sinceMs = startMs, limit = 9) =>
  reader.sellersDue({ sinceMs, limit });

test('each seller is due once, however many rows it offers, until it is looked up', async () => {
  await using store = await withOffers({ A1: 'S2', A2: 'S1', A3: 'S2', A4: undefined });
  const ids = async (sinceMs?: number) => (await due(store, sinceMs)).map((s) => s.sellerId);
  assert.deepEqual(await due(store), [
    { domainId: 1, sellerId: 'S1' },
    { domainId: 1, sellerId: 'S2' },
  ]);
  assert.equal((await due(store, startMs, 1)).length, 1);
  const { writer } = store;
  const sellers = [{ sellerId: 'S1' }];
  await writer.storeSellers({ domainId: 1, atMs: startMs, sellers, missing: ['S2'] });
  assert.deepEqual(await ids(), []);
  assert.deepEqual(await ids(startMs + 1), ['S1', 'S2']);
});

test('a seller in another marketplace is another seller', async () => {
  await using store = await withOffers({ A1: 'S1' });
  await store.writer.storeSellers({ domainId: 3, atMs: startMs, sellers: [], missing: ['S1'] });
  assert.deepEqual(await due(store), [{ domainId: 1, sellerId: 'S1' }]);
});

test('nobody looks up the seller of a row that is no longer accepted', async () => {
  await using store = await withOffers({ A1: 'S1' });
  await store.writer.storeJudgements(batchOf([rejectedDeal('A1')], { atMs: startMs + 9_000 }));
  assert.deepEqual(await due(store), []);
});

test('what is known of a seller is given back; one that Keepa does not know is not', async () => {
  await using store = await TestStore.open();
  const { writer, reader } = store;
  await writer.syncFeeds([books, toys], startMs);
  const full = {
    sellerId: 'S1',
    name: 'Shop',
    ratingPercent: 98,
    ratingCount: 1_200,
    isFba: false,
  };
  const batch = {
    domainId: 1,
    atMs: startMs,
    sellers: [full, { sellerId: 'S2' }],
    missing: ['S3'],
  };
  await writer.storeSellers(batch);
  await writer.storeSellers(batch);
  assert.deepEqual(await reader.seller(1, 'S1'), { ...full, seenAtMs: startMs });
  assert.deepEqual(await reader.seller(1, 'S2'), { sellerId: 'S2', seenAtMs: startMs });
  assert.equal(await reader.seller(1, 'S3'), undefined);
  assert.equal(await reader.seller(3, 'S1'), undefined);
  await writer.storeSellers({ domainId: 1, atMs: startMs + 1, sellers: [], missing: ['S1'] });
  assert.equal(await reader.seller(1, 'S1'), undefined);
});
