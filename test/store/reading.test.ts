/**
 * What readers are told: lists, freshness, the ledger, runs; and that they can read at any time.
 */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { openStore } from '../../src/store/open-store.ts';
import type { DealFilter, LedgerRecord, Run } from '../../src/store/ports.ts';
import { batchOf, judgedDeal } from './judging-fixture.ts';
import { books, dealRow, pageOf, passing, startMs, TestStore, toys } from './store-fixture.ts';

const request: LedgerRecord = {
  atMs: startMs,
  spendClass: 'backfill',
  purpose: 'sweep',
  shape: 'deal',
  items: 1,
  holdTokens: 5,
  costTokens: 5,
  balanceAfter: 95,
  outcome: 'answered',
  why: undefined,
  attempt: 1,
  tookMs: 700,
  waitedMs: 0,
};

test('an empty database answers everything with nothing', async () => {
  await using store = await TestStore.open();
  const { reader } = store;
  const none = { candidate: 0, accepted: 0, rejected: 0, insufficient: 0, ended: 0, total: 0 };
  assert.deepEqual(await reader.countByState(), none);
  assert.deepEqual(await reader.deals({ states: 'all' }), []);
  assert.deepEqual(await reader.deal('A1'), []);
  assert.equal(await reader.freshness(startMs), undefined);
  assert.deepEqual(await reader.spentSince(0), { tokens: 0, requests: 0, byClass: {} });
  assert.deepEqual(await reader.recentRequests(5), []);
  assert.equal(await reader.lastAnswered(), undefined);
  assert.equal(await reader.lastRun(), undefined);
  assert.equal(await reader.lastSweep({ ...books, name: 'unknown' }), undefined);
});

test('deals come newest first, filtered by state and feed, cut at the limit', async () => {
  await using store = await TestStore.open();
  const at = (ms: number | undefined) => ({ createdAtMs: ms });
  const rows = [dealRow('A1', at(1)), dealRow('A2', at(3)), dealRow('A3', at(2))];
  await store.writer.storePage(pageOf(passing(...rows, dealRow('A4', at(undefined)))));
  await store.writer.storePage(pageOf(passing(dealRow('A5', at(9))), { feed: toys }));
  store.outside("update deals set state = 'ended' where asin in ('A1', 'A3')");
  const list = async (filter: Parameters<typeof store.reader.deals>[0]) =>
    (await store.reader.deals(filter)).map(({ asin }) => asin);
  assert.deepEqual(await list({ states: 'all' }), ['A5', 'A2', 'A3', 'A1', 'A4']);
  assert.deepEqual(await list({ states: 'all', feed: 'books' }), ['A2', 'A3', 'A1', 'A4']);
  assert.deepEqual(await list({ states: ['ended'] }), ['A3', 'A1']);
  assert.deepEqual(await list({ states: ['candidate', 'ended'], limit: 2 }), ['A5', 'A2']);
  assert.deepEqual(await list({ states: [] }), []);
  assert.deepEqual(await list({ states: 'all', feed: 'unknown' }), []);
});

test('deals are filtered by figures, and sorted the best first, the unknown last', async () => {
  await using store = await TestStore.open();
  const figures = [
    { asin: 'A1', profitCents: 100, percentDown: 0.9, sales1y: 1, priceCents: 30, seen: 3 },
    { asin: 'A2', profitCents: 300, percentDown: 0.5, sales1y: 3, priceCents: 10, seen: 1 },
    { asin: 'A3', profitCents: 200, percentDown: 0.7, sales1y: 2, priceCents: 20, seen: 2 },
  ];
  for (const { asin, seen, priceCents, ...judged } of figures) {
    const seenAtMs = startMs + seen;
    await store.writer.storePage(pageOf(passing(dealRow(asin, { priceCents })), { seenAtMs }));
    await store.writer.storeJudgements(batchOf([judgedDeal(asin, { ...judged, priceCents })]));
  }
  const unknown = dealRow('A4', { priceCents: undefined, createdAtMs: undefined });
  await store.writer.storePage(pageOf(passing(unknown)));
  const list = async (filter: Partial<DealFilter>) =>
    (await store.reader.deals({ states: 'all', ...filter })).map(({ asin }) => asin).join(' ');
  assert.equal(await list({ sort: 'profit' }), 'A2 A3 A1 A4');
  assert.equal(await list({ sort: 'percent-down' }), 'A1 A3 A2 A4');
  assert.equal(await list({ sort: 'price' }), 'A2 A3 A1 A4');
  assert.equal(await list({ sort: 'sales' }), 'A2 A3 A1 A4');
  assert.equal(await list({ sort: 'seen' }), 'A1 A3 A2 A4');
  assert.equal(await list({ sort: 'newest' }), 'A1 A2 A3 A4');
  assert.equal(await list({ minProfitCents: 200 }), 'A2 A3');
  assert.equal(await list({ minPercentDown: 0.7 }), 'A1 A3');
  assert.equal(await list({ seenSinceMs: startMs + 2 }), 'A1 A3');
  assert.equal(await list({ sort: 'profit', limit: 1 }), 'A2');
  assert.equal(await list({ onlyVerified: true }), '');
});

test('freshness is the nearest rank of the ages of rows that have not ended', async () => {
  await using store = await TestStore.open();
  const nowMs = startMs + 1_000_000;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 900_000 }), { minLength: 1 }), async (ages) => {
      store.outside('delete from deals');
      for (const [i, ageMs] of ages.entries()) {
        const page = pageOf(passing(dealRow(`A${i}`)), { seenAtMs: nowMs - ageMs });
        await store.writer.storePage(page);
      }
      for (const [asin, seenAtMs] of [
        ['old', startMs],
        ['young', nowMs],
      ] as const) {
        await store.writer.storePage(pageOf(passing(dealRow(asin)), { seenAtMs }));
        store.outside(`update deals set state = 'ended' where asin = '${asin}'`);
      }
      const sorted = ages.toSorted((a, b) => a - b);
      const rank = (share: number) => sorted[Math.ceil(sorted.length * share) - 1];
      assert.deepEqual(await store.reader.freshness(nowMs), {
        p50Ms: rank(0.5),
        p95Ms: rank(0.95),
        maxMs: sorted.at(-1),
      });
    }),
    { numRuns: 20 },
  );
  const never = await store.reader.freshness(startMs - 5_000_000);
  assert.deepEqual(never, { p50Ms: 0, p95Ms: 0, maxMs: 0 }, 'a clock set back makes nothing young');
});

test('the ledger gives back what was written, newest first, and sums it by class', async () => {
  await using store = await TestStore.open();
  const refused: LedgerRecord = {
    ...request,
    atMs: startMs + 60_000,
    spendClass: 'head',
    costTokens: 0,
    balanceAfter: undefined,
    outcome: 'refused',
    why: 'no tokens',
  };
  const tenths = Array.from({ length: 10 }, () => ({ ...request, costTokens: 0.1 }));
  for (const entry of [...tenths, request, refused]) await store.writer.recordRequest(entry);
  assert.deepEqual(await store.reader.recentRequests(2), [refused, request]);
  assert.deepEqual(await store.reader.lastAnswered(), request);
  assert.deepEqual(await store.reader.spentSince(startMs), {
    tokens: 6,
    requests: 12,
    byClass: { backfill: 6, head: 0 },
  });
  assert.deepEqual(await store.reader.spentSince(startMs + 1), {
    tokens: 0,
    requests: 1,
    byClass: { head: 0 },
  });
});

test('a run is one record from its start to its stop, with the path of the database', async () => {
  await using store = await TestStore.open();
  const first: Run = { instance: 'i1', version: '0.1.0', pid: 41, startedAtMs: startMs };
  const second: Run = { ...first, instance: 'i2', pid: 42, startedAtMs: startMs + 100 };
  await store.writer.recordRun(first);
  await store.writer.recordRun(first);
  await store.writer.recordRun(second);
  assert.deepEqual(await store.reader.lastRun(), { ...second, databasePath: store.path });
  const stopped = { ...second, stoppedAtMs: startMs + 200, stopReason: 'SIGTERM' };
  await store.writer.recordRun(stopped);
  assert.deepEqual(await store.reader.lastRun(), { ...stopped, databasePath: store.path });
  assert.equal(await store.reader.runsSince(startMs), 2);
  assert.equal(await store.reader.runsSince(startMs + 1), 1);
});

test('a reader sees whole pages only, while the writer is at work', async () => {
  await using store = await TestStore.open();
  const other = await openStore({ path: store.path, mode: 'read', busyMs: 0 });
  const sweep = await store.writer.beginSweep(books, { atMs: startMs, plannedMs: 1 });
  let isWriting = true;
  const writing = (async () => {
    for (let page = 0; page < 60; page += 1) {
      const rows = Array.from({ length: 10 }, (_, i) => dealRow(`A${page}-${i}`));
      const step = { sweep: { number: sweep.number, page } };
      await store.writer.storePage(pageOf(passing(...rows), step));
    }
    isWriting = false;
  })();
  let looks = 0;
  while (isWriting) {
    const [counts, feeds] = [await other.reader.countByState(), await other.reader.feeds()];
    assert.equal(counts.total % 10, 0, 'no half page');
    const seen = feeds[0]?.sweep;
    assert.equal(seen?.rows, (seen?.nextPage ?? 0) * 10, 'the cursor and the count agree');
    assert.equal(feeds[0]?.rows, seen?.rows, 'the rows and the cursor are one transaction');
    looks += 1;
  }
  await writing;
  assert(looks > 10, 'it looked while pages were stored');
  assert.equal((await other.reader.countByState()).total, 600);
  await other.close();
});

test('a reader is not kept waiting by an open write transaction', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  store.outside('begin immediate');
  store.outside("update deals set title = 'not yet'");
  const other = await openStore({ path: store.path, mode: 'read', busyMs: 0 });
  assert.equal((await other.reader.deal('A1'))[0]?.title, 'Title of A1');
  await other.close();
  store.outside('rollback');
});

test('the bytes of the database and of its log are those of the files', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  assert.deepEqual(await store.reader.fileBytes(), {
    databaseBytes: statSync(store.path).size,
    logBytes: statSync(`${store.path}-wal`).size,
  });
  assert.ok((await store.reader.fileBytes()).logBytes > 0);
  assert.equal(await store.writer.tidy(), true);
  assert.equal((await store.reader.fileBytes()).logBytes, 0);
});
