/**
 * How rows end: by two complete sweeps and a re-check, or unseen for their time to live; never by
 * anything less.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { end, healthy, minuteMs, numbered, recheck, sweeps } from './ending-fixture.ts';
import { dayMs, endingRules, hourMs, keyOf, retryOf } from './judging-fixture.ts';
import { books, dealRow, pageOf, passing, startMs, TestStore, toys } from './store-fixture.ts';

test('lacked by two complete sweeps and no longer passing, a row ends, and is told', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2'], ['A1'], ['A1']]);
  assert.deepEqual(await recheck(store), ['A2']);
  const { endings, counts } = await store.writer.endRows(endingRules());
  assert.deepEqual(endings, [
    { ...keyOf('A2'), reason: 'absent', feed: 'books', unseenMs: dayMs - minuteMs },
  ]);
  assert.deepEqual(counts, { ended: { absent: 1, 'not-seen': 0 }, held: 0, purged: 0 });
  const [deal] = await store.reader.deal('A2');
  assert.equal(deal?.state, 'ended');
  assert.equal(deal?.reason, 'absent');
  assert.deepEqual(await store.reader.past(keyOf('A2')), [
    { atMs: startMs + dayMs, kind: 'ended', text: 'absent' },
  ]);
  assert.deepEqual(await end(store), {});
});

test('one complete sweep ends nothing, whatever the re-check says', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2'], ['A1']]);
  assert.deepEqual(await recheck(store), ['A2']);
  assert.deepEqual(await end(store), {});
  await sweeps(store, [['A1']], { fromMs: startMs + 2 * hourMs });
  assert.deepEqual(await end(store), { A2: 'absent' });
});

test('without a re-check, or with one that passes, absence ends nothing', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2', 'A3'], ['A1'], ['A1'], ['A1']]);
  assert.deepEqual(await end(store), {});
  assert.deepEqual(await recheck(store, { passing: ['A2'] }), ['A2', 'A3']);
  assert.deepEqual(await end(store), { A3: 'absent' });
  assert.deepEqual(await recheck(store), [], 'a row that passed is not bought again');
});

/** A1 passes the screen and A2 does not; then a sweep that lists neither. */
async function withTurnedDown(): Promise<TestStore> {
  const store = await TestStore.open();
  const { writer } = store;
  await sweeps(store, [['A3']]);
  const seenAtMs = startMs + minuteMs;
  const turnedDown = { row: dealRow('A2'), rejectedFor: 'no-rank' };
  await writer.storePage(pageOf([...passing(dealRow('A1')), turnedDown], { seenAtMs }));
  await sweeps(store, [['A3']], { fromMs: startMs + hourMs });
  return store;
}

test('a row that its screen turned down ends without a re-check, after two sweeps', async () => {
  await using store = await withTurnedDown();
  assert.deepEqual(await recheck(store), ['A1'], 'no token is spent on the other');
  assert.deepEqual(await end(store), {}, 'one sweep proves no absence');
  const secondMs = startMs + 2 * hourMs;
  await sweeps(store, [['A3']], { fromMs: secondMs, outcome: 'slow' });
  assert.deepEqual(await end(store), {});
  await sweeps(store, [['A3']], { fromMs: secondMs + hourMs });
  assert.deepEqual(await end(store, { suspendedFeeds: ['books'] }), {});
  assert.deepEqual(await end(store), { A1: 'absent', A2: 'absent' });
});

test('a row that its screen turned down and that is still listed never ends', async () => {
  await using store = await withTurnedDown();
  const turnedDown = { row: dealRow('A2'), rejectedFor: 'no-rank' };
  for (let hour = 2; hour < 6; hour += 1) {
    const seenAtMs = startMs + hour * hourMs;
    await store.writer.storePage(pageOf([turnedDown], { seenAtMs }));
    await sweeps(store, [['A3']], { fromMs: seenAtMs + minuteMs });
    assert.ok(!('A2' in (await end(store))), `at hour ${hour}`);
  }
});

test('what another screen let pass, or somebody judged, needs its re-check', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1']], { feed: toys });
  const turnedDown = { row: dealRow('A1'), rejectedFor: 'no-rank' };
  const seenAtMs = startMs + minuteMs;
  await store.writer.storePage(pageOf([turnedDown], { seenAtMs }));
  await sweeps(store, [['A2'], ['A2']], { fromMs: startMs + hourMs });
  await sweeps(store, [[], []], { feed: toys, fromMs: startMs + 3 * hourMs });
  assert.deepEqual(await end(store), {});
  assert.deepEqual(await recheck(store), ['A1']);
  assert.deepEqual(await end(store), { A1: 'absent' });
});

test('turned down or not, too many at once are held until their own re-check', async () => {
  await using store = await withTurnedDown();
  await sweeps(store, [['A3']], { fromMs: startMs + 2 * hourMs });
  assert.deepEqual(await end(store, { endedPartMax: 0.2 }), {});
  assert.equal(await store.reader.heldRows(), 1);
  assert.deepEqual(await recheck(store, { passing: ['A2'] }), ['A1', 'A2']);
  assert.deepEqual(await end(store, { endedPartMax: 0.2 }), {}, 'A2 passed, A1 is held now');
  assert.deepEqual(await recheck(store), ['A1']);
  assert.deepEqual(await end(store, { endedPartMax: 0.2 }), { A1: 'absent' });
});

for (const outcome of ['truncated', 'slow', 'superseded'] as const) {
  test(`a ${outcome} sweep proves no absence`, async () => {
    await using store = await TestStore.open();
    await sweeps(store, [['A1', 'A2']]);
    await sweeps(store, [['A1'], ['A1']], { fromMs: startMs + hourMs, outcome });
    assert.deepEqual(await recheck(store), []);
    assert.deepEqual(await end(store), {});
  });
}

test('a row that another feed still lists is not missing', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2']], { feed: toys });
  await sweeps(store, [['A1', 'A2'], ['A1'], ['A1']], { fromMs: startMs + hourMs });
  assert.deepEqual(await recheck(store), []);
  await sweeps(store, [['A2'], ['A2']], { feed: toys, fromMs: startMs + 4 * hourMs });
  assert.deepEqual(await recheck(store), []);
  await sweeps(store, [[], []], { feed: toys, fromMs: startMs + 6 * hourMs });
  assert.deepEqual(await recheck(store), ['A2']);
  assert.deepEqual(await end(store), { A2: 'absent' });
});

test('sweeps of a part of a feed, or of another query, prove no absence', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2']]);
  const part = { ...books, queryHash: 'q1 from 0 to 9' };
  await sweeps(store, [['A1'], ['A1']], { fromMs: startMs + hourMs, feed: part });
  assert.deepEqual(await recheck(store), []);
  const edited = { ...books, queryHash: 'q9' };
  await store.writer.syncFeeds([edited, toys], startMs);
  assert.deepEqual(await recheck(store), []);
  await sweeps(store, [['A1']], { fromMs: startMs + 3 * hourMs, feed: edited });
  assert.deepEqual(await recheck(store), ['A2']);
  assert.deepEqual(await end(store), {});
  await sweeps(store, [['A1']], { fromMs: startMs + 4 * hourMs, feed: edited });
  assert.deepEqual(await end(store), { A2: 'absent' });
});

test('a head poll that saw the row during a sweep speaks for it', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await sweeps(store, [['A1', 'A2']]);
  const sweep = await writer.beginSweep(books, { atMs: startMs + hourMs, plannedMs: 1 });
  const seenAtMs = startMs + hourMs + 1;
  await writer.storePage(pageOf(passing(dealRow('A2')), { seenAtMs }));
  await writer.endSweep(sweep, { atMs: seenAtMs, outcome: 'complete' });
  assert.deepEqual(await recheck(store), ['A1']);
  await sweeps(store, [['A1']], { fromMs: startMs + 2 * hourMs });
  assert.deepEqual(await recheck(store), ['A2']);
});

test('a row that is seen again needs two new sweeps and a new re-check', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2'], ['A1']]);
  await recheck(store);
  await sweeps(store, [['A1', 'A2'], ['A1']], { fromMs: startMs + 2 * hourMs });
  assert.deepEqual(await end(store), {});
  await sweeps(store, [['A1']], { fromMs: startMs + 4 * hourMs });
  assert.deepEqual(await end(store), {});
  assert.deepEqual(await recheck(store), ['A2']);
  assert.deepEqual(await end(store), { A2: 'absent' });
});

test('a re-check answered after the row was seen again is not kept against it', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await sweeps(store, [['A1', 'A2'], ['A1']]);
  const seenAtMs = startMs + 2 * hourMs;
  await writer.storePage(pageOf(passing(dealRow('A2')), { seenAtMs }));
  const rows = [{ ...keyOf('A2'), passes: false }];
  await writer.storeRechecks({ atMs: seenAtMs + 1, rows, retries: [] });
  await sweeps(store, [['A1'], ['A1']], { fromMs: startMs + 3 * hourMs });
  assert.deepEqual(await end(store), {});
  assert.deepEqual(await recheck(store), ['A2']);
});

test('a re-check without a result is tried again later, and ends nothing', async () => {
  await using store = await TestStore.open();
  const { writer, reader } = store;
  await sweeps(store, [['A1', 'A2'], ['A1'], ['A1']]);
  const retryAtMs = startMs + 13 * hourMs;
  const retries = [retryOf('A2', { retryAtMs })];
  await writer.storeRechecks({ atMs: startMs + 12 * hourMs, rows: [], retries });
  assert.deepEqual(await end(store), {});
  assert.deepEqual(await reader.recheckDue({ nowMs: retryAtMs - 1, limit: 9 }), []);
  const [due] = await reader.recheckDue({ nowMs: retryAtMs, limit: 9 });
  assert.equal(due?.attempts, 1);
  assert.equal((await reader.judgingTotals()).retries, 1);
  await recheck(store, { atMs: retryAtMs, passing: ['A2'] });
  const [row] = store.outside("select attempts, retry_at_ms from deals where asin = 'A2'");
  assert.deepEqual(row, { attempts: 0, retry_at_ms: null });
});

test('the longest unseen is re-checked first, beyond many that cannot be missing', async () => {
  await using store = await TestStore.open();
  const elsewhere = numbered(30);
  await sweeps(store, [elsewhere], { feed: toys });
  const gone = ['B3', 'B2', 'B1'];
  await sweeps(store, [[...elsewhere, ...gone], ['B2', 'B1'], ['B1'], []], {
    fromMs: startMs + hourMs,
  });
  await store.writer.syncFeeds([books], startMs);
  const due = async (limit: number) =>
    (await store.reader.recheckDue({ nowMs: startMs + dayMs, limit })).map(({ asin }) => asin);
  assert.deepEqual(await due(9), ['B3', 'B2', 'B1']);
  assert.deepEqual(await due(2), ['B3', 'B2']);
});

test('unseen for more healthy time than its time to live a row ends, not before', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2']]);
  await healthy(store, 72 * hourMs);
  await sweeps(store, [['A1']], { fromMs: startMs + hourMs });
  assert.deepEqual(await end(store), {});
  await healthy(store, hourMs);
  assert.deepEqual(await end(store), { A2: 'not-seen' });
  assert.deepEqual(await end(store, { ttlHealthyMs: 60 * minuteMs }), {});
});

test('wall time ages nothing: ten years without healthy time end no row', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2'], ['A1'], ['A1']]);
  assert.deepEqual(await end(store, { atMs: startMs + 3_650 * dayMs }), {});
});

test('with no complete sweep nothing ends, whatever the healthy time says', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  await healthy(store, 1_000 * hourMs);
  assert.deepEqual(await end(store), {});
  await sweeps(store, [['A2']], { fromMs: startMs + hourMs, outcome: 'slow' });
  assert.deepEqual(await end(store), {});
});

test('with no complete sweep of any feed, no row of a removed feed ends either', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1')), { feed: toys }));
  await store.writer.syncFeeds([books], startMs);
  await healthy(store, 1_000 * hourMs);
  assert.deepEqual(await end(store), {});
  await sweeps(store, [['A2']]);
  assert.deepEqual(await end(store), { A1: 'not-seen' });
});

test('of a feed that did not complete a sweep since it listed the row, nothing ends', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1']], { feed: toys });
  await sweeps(store, [['A2'], ['A2']], { fromMs: startMs + hourMs });
  await healthy(store, 1_000 * hourMs);
  await sweeps(store, [['A2']], { fromMs: startMs + 3 * hourMs });
  assert.deepEqual(await end(store), {});
  await sweeps(store, [[]], { feed: toys, fromMs: startMs + 4 * hourMs });
  assert.deepEqual(await end(store), { A1: 'not-seen' });
});

test('a row that passes its re-check begins its time to live anew', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2'], ['A1']]);
  await healthy(store, 50 * hourMs);
  await recheck(store, { passing: ['A2'] });
  await sweeps(store, [['A1']], { fromMs: startMs + 3 * hourMs });
  await healthy(store, 50 * hourMs);
  assert.deepEqual(await end(store, { suspendedFeeds: [] }), {});
  await healthy(store, 23 * hourMs);
  await sweeps(store, [['A1']], { fromMs: startMs + 4 * hourMs });
  assert.deepEqual(await end(store), { A2: 'not-seen' });
});

test('rows of a feed that is no longer configured end by their time to live only', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1'], [], []], { feed: toys });
  assert.deepEqual(await recheck(store), ['A1']);
  await store.writer.syncFeeds([books], startMs);
  await sweeps(store, [['A2'], ['A2']]);
  assert.deepEqual(await end(store), {});
  await healthy(store, 73 * hourMs);
  await sweeps(store, [['A2']], { fromMs: startMs + 2 * hourMs });
  assert.deepEqual(await end(store), { A1: 'not-seen' });
});

test('in a partial feed nothing ends by absence, but unseen it does', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2'], ['A1']]);
  await recheck(store);
  await sweeps(store, [['A1']], { fromMs: startMs + 2 * hourMs });
  assert.deepEqual(await end(store, { partialFeeds: ['books'] }), {});
  await sweeps(store, [['A1']], { fromMs: startMs + 3 * hourMs, outcome: 'truncated' });
  assert.deepEqual(await end(store), {});
  await healthy(store, 73 * hourMs);
  await store.writer.storePage(pageOf(passing(dealRow('A1')), { seenAtMs: startMs + 4 * hourMs }));
  assert.deepEqual(await end(store, { partialFeeds: ['books'] }), { A2: 'not-seen' });
});

test('of a suspended feed no row ends, whoever else lists it', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [['A1', 'A2'], [], []]);
  await sweeps(store, [['A1'], [], []], { feed: toys });
  await recheck(store);
  await healthy(store, 1_000 * hourMs);
  assert.deepEqual(await end(store, { suspendedFeeds: ['books', 'toys'] }), {});
  assert.deepEqual(await end(store, { suspendedFeeds: ['toys'] }), { A2: 'absent' });
  assert.deepEqual(await end(store), { A1: 'absent' });
});

test('time before a row was seen does not age it, though it is counted afterwards', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  const ttlHealthyMs = 3 * hourMs;
  await writer.addHealthyTime({ ms: hourMs, asOfMs: startMs - minuteMs });
  // When the rows are seen, an hour of the time that is counted next is over, and an hour is not.
  await sweeps(store, [numbered(9)], { fromMs: startMs + hourMs - minuteMs });
  await writer.addHealthyTime({ ms: 2 * hourMs, asOfMs: startMs + 2 * hourMs - minuteMs });
  await sweeps(store, [['B1']], { fromMs: startMs + 3 * hourMs });
  await healthy(store, 2 * hourMs - minuteMs);
  assert.deepEqual(await end(store, { ttlHealthyMs, endedPartMax: 1 }), {});
  await healthy(store, 3 * minuteMs);
  const ended = await end(store, { ttlHealthyMs, endedPartMax: 1 });
  assert.equal(Object.keys(ended).length, 9);
});
