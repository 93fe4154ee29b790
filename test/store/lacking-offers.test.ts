/**
 * A look that found nothing to buy: kept beside its listing, void at any other, and over when the
 * row ends. And what a verdict leaves of the spacing of what was bought in vain.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { openForWriting } from '../../src/store/database.ts';
import type { JudgedDeal, OfferLack } from '../../src/store/judging-ports.ts';
import { firstSchema } from '../../src/store/migrations/0001-first-schema.ts';
import { priceBands } from '../../src/store/migrations/0002-price-bands.ts';
import { judging } from '../../src/store/migrations/0003-judging.ts';
import { marksOfWork } from '../../src/store/migrations/0004-marks-of-work.ts';
import { migrate } from '../../src/store/migrations.ts';
import { openStore } from '../../src/store/open-store.ts';
import { end, healthy } from './ending-fixture.ts';
import {
  batchOf,
  hourMs,
  judgedDeal,
  keyOf,
  offerOf,
  rejectedDeal,
  retryOf,
  sweepOf,
} from './judging-fixture.ts';
import {
  dealRow,
  pageOf,
  passing,
  startMs,
  TestStore,
  temporaryDirectory,
} from './store-fixture.ts';
import { asins, judged, rejudged, verifyDue } from './work-list-fixture.ts';

/** What a look says that found none, or none with a price. */
function lacking(asin: string, lacksOffer: OfferLack): JudgedDeal {
  const { priceCents: _, ...deal } = rejectedDeal(asin);
  const look = { because: 'verified', listedCents: 1_200, lacksOffer } as const;
  return { ...deal, ...look, reason: lacksOffer === 'none' ? 'no-live-offer' : 'no-price-now' };
}

async function lookedAt(lacksOffer: OfferLack): Promise<TestStore> {
  const store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  await judged(store, [judgedDeal('A1')], startMs);
  const batch = batchOf([lacking('A1', lacksOffer)], { purpose: 'verify', atMs: startMs + 1 });
  await store.writer.storeJudgements(batch);
  return store;
}

async function lackOf({ reader }: TestStore): Promise<readonly unknown[]> {
  const [deal] = await reader.deal('A1');
  const [row] = await reader.withEvidence({ limit: 1 });
  assert.equal(row?.lacksOffer, deal?.lacksOffer, 'lists of work and readers are told the same');
  return [deal?.state, deal?.lacksOffer];
}

test('what a look lacked is told as long as the listing is the one it looked at', async () => {
  for (const lack of ['none', 'unpriced'] as const) {
    await using store = await lookedAt(lack);
    const relist = async (change: Parameters<typeof dealRow>[1]) =>
      await store.writer.storePage(pageOf(passing(dealRow('A1', change))));
    assert.deepEqual(await lackOf(store), ['rejected', lack]);
    for (const change of [{ priceCents: 1_100 }, { createdAtMs: startMs }]) {
      await relist(change);
      assert.deepEqual(await lackOf(store), ['rejected', undefined]);
      await relist({});
      assert.deepEqual(await lackOf(store), ['rejected', lack]);
    }
  }
});

test('a look that finds an offer ends what an earlier one lacked', async () => {
  await using store = await lookedAt('none');
  const found = judgedDeal('A1', { because: 'verified', listedCents: 1_200, priceCents: 1_250 });
  const batch = batchOf([found], { atMs: startMs + 2, verified: [offerOf('A1')] });
  await store.writer.storeJudgements(batch);
  assert.deepEqual(await lackOf(store), ['accepted', undefined]);
});

test('a verdict that is no look leaves what the last look lacked', async () => {
  await using store = await lookedAt('none');
  await rejudged(store, [judgedDeal('A1', { because: 'rules' })], startMs + 2);
  assert.deepEqual(await lackOf(store), ['accepted', 'none']);
});

test('a row that ended is looked at anew when it is listed again', async () => {
  await using store = await lookedAt('none');
  await healthy(store, 100 * hourMs);
  await sweepOf(store, ['A2'], { atMs: startMs + hourMs });
  assert.deepEqual(await end(store), { A1: 'not-seen' });
  await store.writer.storePage(pageOf(passing(dealRow('A1')), { seenAtMs: startMs + hourMs }));
  assert.deepEqual(await lackOf(store), ['candidate', undefined]);
});

test('a look that an older version stored is known by its verdict', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'deals.sqlite');
  const { db, close } = openForWriting(path);
  await migrate(db, path, [
    { name: '0001-first-schema', up: firstSchema },
    { name: '0002-price-bands', up: priceBands },
    { name: '0003-judging', up: judging },
    { name: '0004-marks-of-work', up: marksOfWork },
  ]);
  await close();
  const file = new SqliteFile(path);
  file.exec(`insert into feeds (id, name, domain_id, price_type, query_hash, is_configured,
      configured_at_ms) values (1, 'books', 1, 2, 'q1', 1, 1);
    insert into deals (asin, domain_id, price_type, feed_id, state, reason, first_seen_at_ms,
      last_seen_at_ms, title, price_cents, created_at_ms, judged_at_ms, judged_listed_cents,
      judged_created_at_ms, offers_looked_at_ms) values
      ('A1', 1, 2, 1, 'rejected', 'no-live-offer', 1, 2, 't', 5, 6, 15, 5, 6, 15),
      ('A2', 1, 2, 1, 'insufficient', 'no-price-now', 1, 2, 't', 5, 6, 15, 5, 6, 15),
      ('A3', 1, 2, 1, 'insufficient', 'no-price-now', 1, 2, 't', 5, 6, 16, 5, 6, 15),
      ('A4', 1, 2, 1, 'rejected', 'no-live-offer', 1, 2, 't', 4, 6, 15, 5, 6, 15)`);
  file.close();
  const { reader, close: closeStore } = await openStore({ path, mode: 'write' });
  const deals = await reader.deals({ states: 'all' });
  const lacks = Object.fromEntries(deals.map(({ asin, lacksOffer }) => [asin, lacksOffer]));
  await closeStore();
  rmSync(directory, { recursive: true });
  // A3 was judged without a look; A4 has another price by now.
  assert.deepEqual(lacks, { A1: 'none', A2: 'unpriced', A3: undefined, A4: undefined });
});

test('a verdict from kept evidence, or of a re-check, ends no wait for another look', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  const retryAtMs = startMs + hourMs;
  await sweepOf(store, ['A1', 'A2'], { atMs: startMs - 2 * hourMs });
  await judged(store, [judgedDeal('A1'), judgedDeal('A2')], startMs);
  const retries = [{ ...retryOf('A1', { retryAtMs }), sawOffers: true }];
  await writer.storeJudgements(batchOf([], { purpose: 'verify', atMs: startMs + 1, retries }));
  await writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 1_000 }))));
  await rejudged(
    store,
    [judgedDeal('A1', { because: 'repriced', priceCents: 1_000 })],
    startMs + 2,
  );
  assert.deepEqual(asins(await verifyDue(store)), ['A2']);
  const rechecked = judgedDeal('A1', { because: 'rechecked', priceCents: 1_000 });
  await writer.storeJudgements(batchOf([rechecked], { purpose: 'recheck', atMs: startMs + 3 }));
  assert.deepEqual(asins(await verifyDue(store)), ['A2']);
  const due = { verifiedSinceMs: 0, limit: 9, nowMs: retryAtMs } as const;
  const [row] = await store.reader.verifyDue({ ...due, kind: 'again' });
  assert.deepEqual([row?.asin, row?.attempts], ['A1', 1], 'a cut list was looked at all the same');
});

test('a candidate that is judged from kept evidence has nothing more to wait for', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  const retries = [retryOf('A1', { retryAtMs: startMs + hourMs })];
  await writer.storeJudgements(batchOf([], { atMs: startMs + 1, retries }));
  await rejudged(store, [judgedDeal('A1')], startMs + 2);
  assert.deepEqual(
    (await verifyDue(store)).map(({ asin, attempts }) => [asin, attempts]),
    [['A1', 0]],
  );
});

test('a row whose new history was asked for in vain is verified when that is due', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  await judged(store, [judgedDeal('A1')], startMs);
  store.outside('update deals set wants_history = 1');
  assert.deepEqual(await verifyDue(store), []);
  const retries = [retryOf('A1', { retryAtMs: startMs })];
  await writer.storeJudgements(batchOf([], { atMs: startMs + 1, retries }));
  assert.deepEqual(asins(await verifyDue(store)), ['A1']);
});

test('a re-check stores its price only over the price that it was asked about', async () => {
  await using store = await TestStore.open();
  const { writer, reader } = store;
  await sweepOf(store, ['A1', 'A2'], { atMs: startMs });
  await sweepOf(store, ['A2'], { atMs: startMs + hourMs });
  const recheckedAt = (price: { wasCents?: number; nowCents?: number }) =>
    writer.storeRechecks({
      atMs: startMs + 2 * hourMs,
      rows: ['A1', 'A2'].map((asin) => ({ ...keyOf(asin), passes: false, price })),
      retries: [],
    });
  const prices = async () =>
    (await reader.deals({ states: 'all' })).map(({ asin, priceNowCents, priceSinceMs }) => [
      asin,
      priceNowCents,
      priceSinceMs,
    ]);
  const [, second] = await prices();
  await recheckedAt({ wasCents: 1_100, nowCents: 900 });
  assert.deepEqual((await prices())[0]?.[1], 1_200, 'it was another price meanwhile');
  await recheckedAt({ wasCents: 1_200, nowCents: 900 });
  assert.deepEqual(await prices(), [['A1', 900, undefined], second], 'A2 is not missing');
  await recheckedAt({ wasCents: 900 });
  assert.deepEqual((await prices())[0]?.[1], undefined);
});
