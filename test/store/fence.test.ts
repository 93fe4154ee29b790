/**
 * Promise P6: a stale owner's write is refused, whichever it is, and leaves no trace.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../src/store/open-store.ts';
import { type DealWriter, StaleFenceError } from '../../src/store/ports.ts';
import { batchOf, endingRules, judgedDeal, retryOf } from './judging-fixture.ts';
import { books, dealRow, pageOf, passing, startMs, TestStore } from './store-fixture.ts';

test('every write of a writer that was taken over is refused and changes nothing', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, { atMs: startMs, plannedMs: 1 });
  const successor = await openStore({ path: store.path, mode: 'write' });
  await successor.writer(2).adoptFence();
  const tables = store.outside(
    "select name from pragma_table_list where schema = 'main' and name not like 'sqlite_%'",
  );
  assert(tables.length > 10);
  const everything = () =>
    tables.map((table) => store.outside(`select * from ${Reflect.get(Object(table), 'name')}`));
  const before = everything();
  const writes: Readonly<Record<keyof DealWriter, () => Promise<unknown>>> = {
    beginPause: () => store.writer.beginPause({ atMs: startMs }),
    endPause: () => store.writer.endPause(startMs),
    adoptFence: () => store.writer.adoptFence(),
    raiseFence: () => store.writer.raiseFence(9),
    syncFeeds: () => store.writer.syncFeeds([], startMs),
    openSweep: () => store.writer.openSweep(books),
    beginSweep: () => store.writer.beginSweep(books, { atMs: startMs, plannedMs: 1 }),
    endSweep: () => store.writer.endSweep(sweep, { atMs: startMs, outcome: 'slow' }),
    rewindSweep: () => store.writer.rewindSweep(sweep, 0),
    splitPriceBand: () => store.writer.splitPriceBand(books, { lowCents: 0, highCents: 9 }),
    storePage: () => store.writer.storePage(pageOf(passing(dealRow('A1')))),
    recordRequest: () =>
      store.writer.recordRequest({
        atMs: startMs,
        spendClass: 'head',
        purpose: 'head-poll',
        shape: 'deal',
        items: 1,
        holdTokens: 5,
        costTokens: 5,
        balanceAfter: 1,
        outcome: 'answered',
        why: undefined,
        attempt: 1,
        tookMs: 1,
        waitedMs: 1,
      }),
    storeJudgements: () => store.writer.storeJudgements(batchOf([judgedDeal('A1')])),
    storeSellers: () =>
      store.writer.storeSellers({ domainId: 1, atMs: startMs, sellers: [], missing: ['S1'] }),
    storeRechecks: () =>
      store.writer.storeRechecks({ atMs: startMs, rows: [], retries: [retryOf('A1')] }),
    addHealthyTime: () => store.writer.addHealthyTime({ ms: 1, asOfMs: startMs }),
    endRows: () => store.writer.endRows(endingRules()),
    confirmHeld: () => store.writer.confirmHeld(),
    openGap: () => store.writer.openGap({ feed: 'books', fromMs: startMs }),
    closeGaps: () => store.writer.closeGaps({ feed: 'books', atMs: startMs }),
    tidy: () => store.writer.tidy(),
    recordRun: () =>
      store.writer.recordRun({ instance: 'i', version: 'v', pid: 1, startedAtMs: startMs }),
  };
  for (const [name, write] of Object.entries(writes)) {
    await assert.rejects(
      write(),
      (error) => error instanceof StaleFenceError && error.fence === 1 && error.newest === 2,
      name,
    );
  }
  assert.deepEqual(everything(), before);
  await successor.close();
});

test('a fence counts from its adoption, and the newest is remembered', async () => {
  await using store = await TestStore.open();
  assert.equal(await store.reader.newestFence(), 1);
  const next = store.store.writer(7);
  await assert.rejects(next.storePage(pageOf([])), /must be adopted/);
  await next.adoptFence();
  await next.adoptFence();
  assert.equal(await store.reader.newestFence(), 7);
  await next.storePage(pageOf(passing(dealRow('A1'))));
  await assert.rejects(store.writer.adoptFence(), StaleFenceError);
  assert.equal(await store.reader.newestFence(), 7);
});

test('the check and the write are one transaction: nobody can take over in between', async () => {
  await using store = await TestStore.open();
  const successor = await openStore({ path: store.path, mode: 'write', busyMs: 0 });
  // Begun first, so it is the first to hold the file: the other has to wait, and may not.
  const writing = store.writer.storePage(pageOf(passing(dealRow('A1'))));
  const adopting = successor.writer(2).adoptFence();
  const [written, adopted] = await Promise.allSettled([writing, adopting]);
  assert.equal(written.status, 'fulfilled');
  if (adopted.status === 'rejected') {
    assert.equal(Reflect.get(Object(adopted.reason), 'code'), 'SQLITE_BUSY');
  }
  await successor.close();
});
