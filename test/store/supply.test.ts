/**
 * What is told of the sizes of sweeps, of coverage gaps and of healthy time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayMs, hourMs, sweepOf } from './judging-fixture.ts';
import { books, startMs, TestStore, toys } from './store-fixture.ts';

/** Complete sweeps of these sizes, one a day. */
async function sizes(
  store: TestStore,
  wireRows: readonly number[],
  { fromMs = startMs, feed = books } = {},
): Promise<void> {
  for (const [day, rows] of wireRows.entries()) {
    await sweepOf(store, ['A1'], { atMs: fromMs + day * dayMs, wireRows: rows, feed });
  }
}

test('the last size is compared with the median of the week before it', async () => {
  await using store = await TestStore.open();
  const supply = (nowMs = startMs + 30 * dayMs) => store.reader.supply('books', nowMs);
  assert.equal(await supply(), undefined);
  await sizes(store, [700]);
  assert.deepEqual(await supply(), { lastRows: 700 });
  await sizes(store, [900, 800, 300], { fromMs: startMs + dayMs });
  assert.deepEqual(await supply(), { lastRows: 300, medianRows: 800 });
  assert.deepEqual(await supply(startMs + 2 * dayMs + hourMs), {
    lastRows: 800,
    medianRows: 700,
  });
  assert.equal(await store.reader.supply('unknown', startMs), undefined);
});

test('sweeps older than a week, unfinished ones and those of parts are no measure', async () => {
  await using store = await TestStore.open();
  await sizes(store, [5_000, 6_000]);
  const laterMs = startMs + 10 * dayMs;
  await sizes(store, [100, 120], { fromMs: laterMs });
  await sweepOf(store, ['A1'], { atMs: laterMs + 2 * dayMs, wireRows: 7, outcome: 'slow' });
  const part = { ...books, queryHash: 'a part of q1' };
  await sizes(store, [3], { fromMs: laterMs + 3 * dayMs, feed: part });
  const supply = await store.reader.supply('books', laterMs + 30 * dayMs);
  assert.deepEqual(supply, { lastRows: 120, medianRows: 100 });
});

test('an edited query is measured by what the feed listed before', async () => {
  await using store = await TestStore.open();
  await sizes(store, [700, 720]);
  const edited = { ...books, queryHash: 'q9' };
  await store.writer.syncFeeds([edited, toys], startMs);
  await sizes(store, [60], { fromMs: startMs + 2 * dayMs, feed: edited });
  const supply = await store.reader.supply('books', startMs + 9 * dayMs);
  assert.deepEqual(supply, { lastRows: 60, medianRows: 700 });
});

test('complete sweeps are told newest first, with their plan and their query', async () => {
  await using store = await TestStore.open();
  await sizes(store, [1, 2]);
  const part = { ...books, queryHash: 'a part of q1' };
  await sizes(store, [3], { fromMs: startMs + 2 * dayMs, feed: part });
  await sweepOf(store, [], { atMs: startMs + 3 * dayMs, outcome: 'truncated' });
  const endMs = (day: number) => startMs + day * dayMs + 60_000;
  const sweeps = await store.reader.completeSweeps({ feed: 'books', sinceMs: endMs(1) });
  const sweep = (day: number, queryHash: string) => ({
    queryHash,
    startedAtMs: startMs + day * dayMs,
    endedAtMs: endMs(day),
    plannedMs: hourMs,
    rows: day + 1,
  });
  assert.deepEqual(sweeps, [sweep(2, 'a part of q1'), sweep(1, 'q1')]);
  assert.deepEqual(await store.reader.completeSweeps({ feed: 'unknown', sinceMs: 0 }), []);
});

test('a feed has one open gap, from its first missed look until it is closed', async () => {
  await using store = await TestStore.open();
  const { writer, reader } = store;
  await writer.openGap({ feed: 'books', fromMs: startMs });
  await writer.openGap({ feed: 'books', fromMs: startMs + hourMs });
  await writer.openGap({ feed: 'toys', fromMs: startMs + 1 });
  assert.deepEqual(await reader.gaps(), [
    { feed: 'books', fromMs: startMs },
    { feed: 'toys', fromMs: startMs + 1 },
  ]);
  const closedAtMs = startMs + dayMs;
  await writer.closeGaps({ feed: 'books', atMs: closedAtMs });
  await writer.closeGaps({ feed: 'books', atMs: closedAtMs + 1 });
  await writer.openGap({ feed: 'books', fromMs: startMs });
  assert.deepEqual((await reader.gaps())[0], { feed: 'books', fromMs: startMs, closedAtMs });
  await writer.openGap({ feed: 'books', fromMs: closedAtMs + 5 });
  assert.equal((await reader.gaps()).filter((gap) => gap.closedAtMs === undefined).length, 2);
  await assert.rejects(writer.openGap({ feed: 'unknown', fromMs: 1 }), /not known/);
});

test('healthy time adds up, the same instant once, and never goes down', async () => {
  await using store = await TestStore.open();
  const { writer, reader } = store;
  assert.deepEqual(await reader.healthyTime(), { totalMs: 0, asOfMs: undefined });
  await writer.addHealthyTime({ ms: 500.7, asOfMs: startMs });
  await writer.addHealthyTime({ ms: 500.7, asOfMs: startMs });
  assert.deepEqual(await reader.healthyTime(), { totalMs: 500, asOfMs: startMs });
  await writer.addHealthyTime({ ms: -9_000, asOfMs: startMs + 1 });
  await writer.addHealthyTime({ ms: 100, asOfMs: startMs - dayMs });
  assert.deepEqual(await reader.healthyTime(), { totalMs: 600, asOfMs: startMs - dayMs });
});
