/**
 * Sweeps: one open per feed and revision, pages in order, rows counted once, ends that stay.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ListedPage, type Sweep, SweepOrderError } from '../../src/store/ports.ts';
import { books, dealRow, pageOf, passing, startMs, TestStore, toys } from './store-fixture.ts';

const plan = { atMs: startMs, plannedMs: 60_000 };

/** Page `page` of a sweep, listing the rows of these numbers. */
function sweepPage(
  sweep: Sweep,
  page: number,
  options: { rows?: readonly number[]; ends?: 'complete' | 'truncated'; atMs?: number } = {},
): ListedPage {
  const { rows = [page * 2, page * 2 + 1], ends, atMs = startMs } = options;
  return pageOf(passing(...rows.map((n) => dealRow(`A${n}`))), {
    seenAtMs: atMs,
    sweep: { number: sweep.number, page, ...(ends === undefined ? {} : { ends }) },
  });
}

async function open(store: TestStore): Promise<Sweep | undefined> {
  return await store.writer.openSweep(books);
}

test('sweeps count up per feed from 1, and one is open at a time', async () => {
  await using store = await TestStore.open();
  assert.equal(await open(store), undefined);
  const first = await store.writer.beginSweep(books, plan);
  assert.deepEqual(first, {
    feed: 'books',
    queryHash: 'q1',
    number: 1,
    startedAtMs: startMs,
    plannedMs: 60_000,
    nextPage: 0,
    rows: 0,
    wireRows: 0,
  });
  assert.deepEqual(await open(store), first);
  const second = await store.writer.beginSweep(books, { ...plan, atMs: startMs + 5 });
  assert.equal(second.number, 2);
  assert.deepEqual(await open(store), second);
  assert.equal((await store.writer.beginSweep(toys, plan)).number, 1);
  assert.deepEqual(
    store.outside('select ended_at_ms, outcome from sweeps where number = 1 and feed_id = 1'),
    [{ ended_at_ms: startMs + 5, outcome: 'superseded' }],
  );
});

test('storing page n moves nextPage to n + 1, once', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, plan);
  await store.writer.storePage(sweepPage(sweep, 0));
  await store.writer.storePage(sweepPage(sweep, 1));
  const after = { ...sweep, nextPage: 2, rows: 4, wireRows: 4 };
  assert.deepEqual(await open(store), after);
  await store.writer.storePage(sweepPage(sweep, 1));
  await store.writer.storePage(sweepPage(sweep, 0));
  assert.deepEqual(await open(store), after);
});

test('a page beyond nextPage is refused, and its rows with it', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, plan);
  await assert.rejects(store.writer.storePage(sweepPage(sweep, 1)), SweepOrderError);
  assert.equal((await store.reader.countByState()).total, 0);
  assert.equal((await open(store))?.nextPage, 0);
});

test('a page of a sweep that never began is refused', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, plan);
  const other = sweepPage({ ...sweep, number: 9 }, 0);
  await assert.rejects(store.writer.storePage(other), SweepOrderError);
});

test('rows that shift between pages, or come twice, count once', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, plan);
  await store.writer.storePage(sweepPage(sweep, 0, { rows: [1, 2, 2, 3] }));
  await store.writer.storePage(sweepPage(sweep, 1, { rows: [3, 4] }));
  const { rows, wireRows } = (await open(store)) ?? {};
  assert.deepEqual([rows, wireRows], [4, 6]);
});

test('rows that the page could not decode still count as rows on the wire', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, plan);
  await store.writer.storePage({ ...sweepPage(sweep, 0), wireRows: 150 });
  assert.equal((await open(store))?.wireRows, 150);
});

test('a head poll counts in no sweep, and a later sweep counts its rows again', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A0'), dealRow('A1'))));
  for (const number of [1, 2]) {
    const sweep = await store.writer.beginSweep(books, plan);
    await store.writer.storePage(sweepPage(sweep, 0));
    assert.deepEqual((({ number: n, rows }) => [n, rows])((await open(store)) ?? sweep), [
      number,
      2,
    ]);
  }
});

test('the page that ends a sweep does so at once, and storing it again is harmless', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, plan);
  await store.writer.storePage(sweepPage(sweep, 0));
  const last = sweepPage(sweep, 1, { rows: [7], ends: 'complete', atMs: startMs + 900 });
  await store.writer.storePage(last);
  assert.equal(await open(store), undefined);
  const ended = await store.reader.lastSweep(books);
  assert.deepEqual(ended, {
    ...sweep,
    nextPage: 2,
    rows: 3,
    wireRows: 3,
    endedAtMs: startMs + 900,
    outcome: 'complete',
  });
  await store.writer.storePage({ ...last, seenAtMs: startMs + 1_000 });
  assert.deepEqual(await store.reader.lastSweep(books), ended);
  await assert.rejects(store.writer.storePage(sweepPage(sweep, 2)), SweepOrderError);
});

test('a sweep ended from outside keeps its first outcome', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, plan);
  await store.writer.endSweep(sweep, { atMs: startMs + 1, outcome: 'slow' });
  await store.writer.endSweep(sweep, { atMs: startMs + 2, outcome: 'complete' });
  const { endedAtMs, outcome } = (await store.reader.lastSweep(books)) ?? {};
  assert.deepEqual([endedAtMs, outcome], [startMs + 1, 'slow']);
});

test('a sweep goes back to an earlier page, never forward, and counts no row twice', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, plan);
  for (const page of [0, 1, 2]) await store.writer.storePage(sweepPage(sweep, page));
  const before = await open(store);
  assert.deepEqual(await store.writer.rewindSweep(sweep, 5), before);
  assert.deepEqual(await store.writer.rewindSweep(sweep, 3), before);
  const back = await store.writer.rewindSweep(sweep, 1);
  assert.deepEqual(back, { ...before, nextPage: 1, wireRows: 2 });
  assert.deepEqual(await open(store), back);
  for (const page of [1, 2]) await store.writer.storePage(sweepPage(sweep, page));
  assert.deepEqual(await open(store), before);
  await store.writer.endSweep(sweep, { atMs: startMs, outcome: 'slow' });
  await assert.rejects(store.writer.rewindSweep(sweep, 0), SweepOrderError);
});

test('a changed query supersedes the running sweep and forgets the head', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, plan);
  await store.writer.storePage(sweepPage(sweep, 0));
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  const edited = { ...books, queryHash: 'q1-edited' };
  assert.equal(await store.writer.openSweep(edited), undefined);
  await store.writer.syncFeeds([edited, toys], startMs + 1);
  assert.equal(await open(store), undefined);
  assert.equal(await store.reader.lastSweep(edited), undefined);
  const [feed] = await store.reader.feeds();
  assert.deepEqual(feed, { name: 'books', isConfigured: true, rows: 2, isPartial: false });
  const next = await store.writer.beginSweep(edited, plan);
  assert.deepEqual([next.number, next.queryHash], [2, 'q1-edited']);
});

test('the same configuration again changes nothing', async () => {
  await using store = await TestStore.open();
  await store.writer.beginSweep(books, plan);
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  const before = store.outside('select * from feeds, sweeps');
  await store.writer.syncFeeds([books, toys], startMs + 99);
  assert.deepEqual(store.outside('select * from feeds, sweeps'), before);
});

test('a feed taken out of the configuration keeps its rows and says so', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  await store.writer.syncFeeds([toys], startMs);
  const feeds = await store.reader.feeds();
  assert.deepEqual(
    feeds.map(({ name, isConfigured, rows }) => [name, isConfigured, rows]),
    [
      ['books', false, 1],
      ['toys', true, 0],
    ],
  );
  await store.writer.syncFeeds([books, toys], startMs);
  assert.equal((await store.reader.feeds())[0]?.isConfigured, true);
});

test('a feed is partial from a truncated sweep until a complete one', async () => {
  await using store = await TestStore.open();
  const sweepEnding = async (ends: 'complete' | 'truncated') => {
    const sweep = await store.writer.beginSweep(books, plan);
    await store.writer.storePage(sweepPage(sweep, 0, { ends, atMs: startMs + sweep.number }));
    const [feed] = await store.reader.feeds();
    return [feed?.isPartial, feed?.lastSweepAtMs, feed?.lastSweepRows];
  };
  assert.deepEqual(await sweepEnding('truncated'), [true, undefined, undefined]);
  await store.writer.beginSweep(books, plan);
  await store.writer.beginSweep(books, plan);
  assert.equal((await store.reader.feeds())[0]?.isPartial, true, 'a superseded one says nothing');
  assert.deepEqual(await sweepEnding('complete'), [false, startMs + 4, 2]);
  assert.deepEqual(await sweepEnding('truncated'), [true, startMs + 4, 2]);
});

test('the unfinished sweep is told with its feed', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, plan);
  const feeds = await store.reader.feeds();
  assert.deepEqual(
    feeds.map((feed) => feed.sweep),
    [sweep, undefined],
  );
});

test('however pages are repeated and rewound, the size is that of the distinct rows', async () => {
  await using store = await TestStore.open();
  const act = fc.oneof(
    { weight: 5, arbitrary: fc.record({ rows: fc.uniqueArray(fc.nat({ max: 30 })) }) },
    fc.record({ again: fc.nat({ max: 8 }) }),
    fc.record({ back: fc.nat({ max: 8 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
      const sweep = await store.writer.beginSweep(books, plan);
      const listed: (readonly number[])[] = [];
      let nextPage = 0;
      for (const one of acts) {
        if ('rows' in one) {
          listed[nextPage] = [...(listed[nextPage] ?? []), ...one.rows];
          await store.writer.storePage(sweepPage(sweep, nextPage, { rows: one.rows }));
          nextPage += 1;
        } else if ('again' in one && one.again < nextPage) {
          const rows = listed[one.again] ?? [];
          await store.writer.storePage(sweepPage(sweep, one.again, { rows }));
        } else if ('back' in one && one.back < nextPage) {
          await store.writer.rewindSweep(sweep, one.back);
          nextPage = one.back;
        }
        const now = await open(store);
        assert.deepEqual([now?.nextPage, now?.rows], [nextPage, new Set(listed.flat()).size]);
      }
    }),
    { numRuns: 25 },
  );
});
