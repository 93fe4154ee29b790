/** What status tells from the deals database alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStored } from '../../src/status/stored-figures.ts';
import { end, numbered, recheck, sweeps } from '../store/ending-fixture.ts';
import { batchOf, judgedDeal, rejectedDeal, retryOf } from '../store/judging-fixture.ts';
import { books, startMs, TestStore } from '../store/store-fixture.ts';

test('held rows are counted apart, and in their states as well', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [numbered(20), numbered(10), numbered(10)]);
  await recheck(store);
  await end(store, { endedPartMax: 0.2 });
  const { figures } = await readStored(store.reader, { nowMs: startMs });
  assert.deepEqual(
    [figures.deals.held, figures.deals.candidate, figures.deals.total],
    [10, 20, 20],
  );
});

test('a gap is shown while it is open and its feed configured', async () => {
  await using store = await TestStore.open();
  const gapsNow = async () => (await readStored(store.reader, { nowMs: startMs })).figures.gaps;
  await store.writer.openGap({ feed: books.name, fromMs: startMs });
  assert.deepEqual(await gapsNow(), [{ feed: 'books', from: new Date(startMs).toISOString() }]);
  await store.writer.syncFeeds([], startMs);
  assert.deepEqual(await gapsNow(), []);
  await store.writer.syncFeeds([books], startMs);
  await store.writer.closeGaps({ feed: books.name, atMs: startMs + 1 });
  assert.deepEqual(await gapsNow(), []);
});

test('a feed is suspended for the reason that the daemon gives, or for none', async () => {
  await using store = await TestStore.open();
  const suspensions = new Map([['books', { why: 'no complete sweep of this query yet' }]]);
  const { figures } = await readStored(store.reader, { nowMs: startMs, suspensions });
  assert.deepEqual(
    figures.feeds.map(({ name, suspended }) => [name, suspended]),
    [
      ['books', 'no complete sweep of this query yet'],
      ['toys', null],
    ],
  );
  const silent = await readStored(store.reader, { nowMs: startMs });
  assert.ok(silent.figures.feeds.every(({ suspended }) => suspended === null));
});

test('what was judged adds up to what was processed', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A', 'B', 'C']]);
  const judged = [judgedDeal('A'), rejectedDeal('B')];
  await store.writer.storeJudgements(batchOf(judged, { retries: [retryOf('C')] }));
  const { judging } = (await readStored(store.reader, { nowMs: startMs })).figures;
  assert.deepEqual(judging, {
    processed: 3,
    accepted: 1,
    rejected: { 'below-margin': 1 },
    insufficient: {},
    retries: 1,
  });
});
