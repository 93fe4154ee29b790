/**
 * What ended long ago goes away for good, with what belongs to it and nothing else.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { end, minuteMs, recheck, sweeps } from './ending-fixture.ts';
import { batchOf, dayMs, endingRules, evidenceOf, judgedDeal, keyOf } from './judging-fixture.ts';
import {
  books,
  dealRow,
  ledgerLine,
  pageOf,
  passing,
  startMs,
  TestStore,
  toys,
} from './store-fixture.ts';

test('what ended long ago is purged with its evidence and its past, and counted', async () => {
  await using store = await TestStore.open();
  const { writer, reader } = store;
  const other = { ...toys, priceType: 1 };
  await writer.syncFeeds([books, other], startMs);
  await writer.storePage(pageOf(passing(dealRow('A2', { priceType: 1 })), { feed: other }));
  await sweeps(store, [['A1', 'A2', 'A3'], ['A3'], ['A3']]);
  const evidence = ['A1', 'A2', 'A3'].map((asin) => evidenceOf(asin));
  await writer.storeJudgements(batchOf([judgedDeal('A1'), judgedDeal('A3')], { evidence }));
  await recheck(store);
  await end(store);
  const endedAtMs = startMs + dayMs;
  const retentionMs = 30 * dayMs;
  const purge = async (atMs: number) =>
    (await writer.endRows(endingRules({ atMs, retentionMs }))).counts.purged;
  const polled = (seenAtMs: number) =>
    writer.storePage(pageOf(passing(), { feed: other, seenAtMs }));
  assert.equal(await purge(endedAtMs + 10 * retentionMs), 0, 'time in which nobody looked');
  await polled(endedAtMs + retentionMs);
  assert.equal(await purge(endedAtMs + retentionMs), 0);
  await polled(endedAtMs + retentionMs + 1);
  assert.equal(await purge(endedAtMs + retentionMs + 1), 2);
  assert.equal((await reader.countByState()).total, 2);
  assert.equal(await reader.evidence(keyOf('A1')), undefined);
  assert.deepEqual(await reader.past(keyOf('A1')), []);
  // The other deal of the product, in another feed, still lives.
  assert(await reader.evidence(keyOf('A2')));
  assert(await reader.evidence(keyOf('A3')));
  assert.deepEqual(store.outside('select count(*) as n from listings'), [{ n: 2 }]);
  // What is noted of living rows is cut at the same age.
  assert.deepEqual(await reader.past(keyOf('A3')), []);
  assert.equal((await reader.judgingTotals()).processed, 2);
});

test('a row that is purged and listed again starts anew', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1'], [], []]);
  await recheck(store);
  await end(store);
  const laterMs = startMs + 100 * dayMs;
  await store.writer.storePage(pageOf(passing(), { feed: toys, seenAtMs: laterMs }));
  await end(store, { atMs: laterMs, retentionMs: dayMs });
  assert.deepEqual(await store.reader.deal('A1'), []);
  await sweeps(store, [['A1']], { fromMs: startMs + 101 * dayMs });
  const [deal] = await store.reader.deal('A1');
  assert.equal(deal?.state, 'candidate');
  assert.equal(deal?.firstSeenAtMs, startMs + 101 * dayMs + minuteMs);
});

test('records of the work are cut at ninety days, but the last run and sweep stay', async () => {
  await using store = await TestStore.open();
  const { writer, reader } = store;
  const runOf = (instance: string, startedAtMs: number) => ({
    instance,
    version: '1.0.0',
    pid: 1,
    startedAtMs,
  });
  for (const [i, day] of [0, 50, 100].entries()) {
    const atMs = startMs + day * dayMs;
    await writer.recordRun(runOf(`run ${i}`, atMs));
    await writer.recordRequest({ ...ledgerLine, atMs });
    await sweeps(store, [['A1']], { fromMs: atMs });
  }
  await writer.endRows(endingRules({ atMs: startMs + 120 * dayMs }));
  const kept = () =>
    ['runs', 'ledger', 'sweeps'].map((table) =>
      store.outside(`select count(*) as n from ${table}`),
    );
  assert.deepEqual(kept(), [[{ n: 2 }], [{ n: 2 }], [{ n: 2 }]]);
  assert.equal(await reader.runsSince(startMs), 2);
  const laterMs = startMs + 500 * dayMs;
  await writer.storePage(pageOf(passing(), { feed: toys, seenAtMs: laterMs }));
  await writer.endRows(endingRules({ atMs: laterMs }));
  assert.deepEqual(kept(), [[{ n: 1 }], [{ n: 0 }], [{ n: 1 }]]);
  const next = await writer.beginSweep(books, { atMs: startMs + 501 * dayMs, plannedMs: dayMs });
  assert.equal(next.number, 4, 'numbers go on');
});
