/**
 * The lists of work: what is on them, in which order, and that reading one never means reading the
 * whole table.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import type { WorkRow } from '../../src/store/judging-ports.ts';
import {
  batchOf,
  hourMs,
  judgedDeal,
  keyOf,
  offerOf,
  promising,
  rejectedDeal,
  retryOf,
} from './judging-fixture.ts';
import { books, dealRow, pageOf, passing, startMs, TestStore, toys } from './store-fixture.ts';
import {
  agedMs,
  asins,
  at1000,
  historyDue,
  judged,
  oldMs,
  rejudgeDue,
  rejudged,
  verifyDue,
} from './work-list-fixture.ts';

test('candidates come by promise, none last, and of equal ones the older first', async () => {
  await using store = await TestStore.open();
  const rows = promising({ A1: 2, A2: undefined, A3: 9.5, A4: -1 });
  await store.writer.storePage(pageOf(rows));
  await store.writer.storePage(pageOf(promising({ A0: 2 }), { seenAtMs: startMs + 1 }));
  assert.deepEqual(asins(await historyDue(store, 'fresh')), ['A3', 'A1', 'A0', 'A4', 'A2']);
  assert.deepEqual(asins(await historyDue(store, 'fresh', { limit: 2 })), ['A3', 'A1']);
  const [first] = await historyDue(store, 'fresh');
  assert.deepEqual(first, {
    ...keyOf('A3'),
    feed: 'books',
    state: 'candidate',
    priceCents: 1_200,
    createdAtMs: startMs - hourMs,
    attempts: 0,
    promise: 9.5,
  });
});

test('a candidate is fresh from when it became one, and the two kinds share none', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1')), { seenAtMs: oldMs }));
  const rejected = [{ row: dealRow('A2'), rejectedFor: 'no-rank' }];
  await writer.storePage(pageOf(rejected, { seenAtMs: oldMs }));
  await writer.storePage(pageOf(passing(dealRow('A1'), dealRow('A2'))));
  assert.deepEqual(asins(await historyDue(store, 'fresh')), ['A2']);
  assert.deepEqual(asins(await historyDue(store, 'backlog')), ['A1']);
});

test('a later page brings the promise up to date', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(promising({ A1: 1, A2: 2 })));
  await store.writer.storePage(pageOf(promising({ A1: 3 })));
  assert.deepEqual(asins(await historyDue(store, 'fresh')), ['A1', 'A2']);
  await store.writer.storePage(pageOf(promising({ A1: undefined })));
  assert.deepEqual(asins(await historyDue(store, 'fresh')), ['A2', 'A1']);
});

test('only one domain is returned when one is asked for', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  const german = { ...toys, domainId: 3 };
  await writer.syncFeeds([books, german], startMs);
  await writer.storePage(pageOf(promising({ A1: 1 })));
  await writer.storePage(pageOf(promising({ A2: 2 }), { feed: german }));
  for (const [domainId, asin] of [
    [1, 'A1'],
    [3, 'A2'],
  ] as const) {
    assert.deepEqual(asins(await historyDue(store, 'fresh', { domainId })), [asin]);
  }
  assert.equal((await historyDue(store, 'fresh')).length, 2);
});

test('ended and held rows, and those waiting for their retry, are not bought for', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(promising({ A1: 1, A2: 1, A3: 1, A4: 1 })));
  store.outside("update deals set state = 'ended' where asin = 'A1'");
  store.outside("update deals set held_at_ms = 1 where asin = 'A2'");
  const retryAtMs = startMs + 1;
  await writer.storeJudgements(batchOf([], { retries: [retryOf('A3', { retryAtMs })] }));
  assert.deepEqual(asins(await historyDue(store, 'fresh')), ['A4']);
  const later = { nowMs: retryAtMs };
  assert.deepEqual(asins(await historyDue(store, 'fresh', later)).toSorted(), ['A3', 'A4']);
});

test('the backlog is one list by promise, whatever brought a row onto it', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(promising({ A1: 5, A2: 9, A3: 7 }), { seenAtMs: oldMs }));
  await judged(store, [judgedDeal('A1'), rejectedDeal('A2')], oldMs);
  await writer.storePage(
    pageOf([{ row: dealRow('A2', { priceCents: 1 }), promise: 6 }], { seenAtMs: oldMs }),
  );
  await rejudged(store, [rejectedDeal('A2', { because: 'repriced', priceCents: 1 })], agedMs);
  assert.deepEqual(asins(await historyDue(store, 'backlog')), ['A3', 'A2', 'A1']);
  assert.deepEqual(asins(await historyDue(store, 'backlog', { limit: 2 })), ['A3', 'A2']);
});

test('a candidate whose product is known is judged for nothing and not bought for', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  const other = { ...toys, priceType: 1 };
  await writer.syncFeeds([books, other], startMs);
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  await judged(store, [judgedDeal('A1')], startMs);
  await writer.storePage(pageOf(passing(dealRow('A1', { priceType: 1 })), { feed: other }));
  assert.deepEqual(await historyDue(store, 'fresh'), []);
  const [due, ...rest] = await rejudgeDue(store);
  assert.deepEqual(rest, []);
  assert.equal(due?.priceType, 1);
  assert.equal(due?.evidenceAtMs, startMs);
});

test('a row is re-judged once per price, and a screen’s rejection never', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  const screened = [{ row: dealRow('A2'), rejectedFor: 'no-rank' }];
  await writer.storePage(pageOf(screened));
  await judged(store, [judgedDeal('A1')], startMs);
  await writer.storePage(pageOf(passing(dealRow('A1', { priceCents: undefined }))));
  await writer.storePage(pageOf([{ ...screened[0], row: dealRow('A2', { priceCents: 1 }) }]));
  assert.deepEqual(asins(await rejudgeDue(store)), ['A1']);
  const { priceCents: _, ...priceless } = judgedDeal('A1', { because: 'repriced' });
  await judged(store, [priceless], startMs + 1);
  assert.deepEqual(await rejudgeDue(store), []);
});

test('accepted rows are verified by profit, once per listing and age', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  const rows = ['A1', 'A2', 'A3', 'A4'].map((asin) => dealRow(asin));
  await writer.storePage(pageOf(passing(...rows)));
  const profits = { A1: 500, A2: 900, A3: undefined };
  const deals = Object.entries(profits).map(([asin, profitCents]) => {
    const { profitCents: _, ...deal } = judgedDeal(asin);
    return profitCents === undefined ? deal : { ...deal, profitCents };
  });
  await judged(store, [...deals, rejectedDeal('A4')], startMs);
  assert.deepEqual(asins(await verifyDue(store)), ['A2', 'A1', 'A3']);
  const verified = judgedDeal('A2', { because: 'verified', listedCents: 1_200, priceCents: 1_250 });
  const atMs = startMs + 1;
  await writer.storeJudgements(batchOf([verified], { atMs, verified: [offerOf('A2')] }));
  assert.deepEqual(asins(await verifyDue(store)), ['A1', 'A3']);
  assert.deepEqual(asins(await verifyDue(store, { verifiedSinceMs: atMs })), ['A1', 'A3']);
  const older = { verifiedSinceMs: atMs + 1 };
  assert.deepEqual(asins(await verifyDue(store, older)), ['A2', 'A1', 'A3']);
  await writer.storePage(pageOf(passing(dealRow('A2', { priceCents: 1_100 }))));
  assert.deepEqual(asins(await verifyDue(store)), ['A1', 'A3']);
  const repriced = judgedDeal('A2', { because: 'repriced', priceCents: 1_100 });
  await judged(store, [repriced], startMs + 2);
  assert.deepEqual(asins(await verifyDue(store)), ['A2', 'A1', 'A3']);
});

test('rows with a known live offer are told from those never verified', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'), dealRow('A2'))));
  await judged(store, [judgedDeal('A1'), judgedDeal('A2')], startMs);
  const verified = judgedDeal('A2', { because: 'verified', listedCents: 1_200, priceCents: 1_250 });
  const atMs = startMs + 1;
  await writer.storeJudgements(batchOf([verified], { atMs, verified: [offerOf('A2')] }));
  const options = { nowMs: startMs, verifiedSinceMs: atMs + 1, limit: 9 };
  const due = (kind: 'first' | 'again') => store.reader.verifyDue({ ...options, kind });
  assert.deepEqual(asins(await due('first')), ['A1']);
  assert.deepEqual(asins(await due('again')), ['A2']);
  assert.deepEqual(
    (await due('again')).map(({ verifiedCents }) => verifiedCents),
    [offerOf('A2').landedCents],
  );
});

test('offers looked at and none found: the next look at them is not a first one', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'), dealRow('A2'))));
  await judged(store, [judgedDeal('A1'), judgedDeal('A2')], startMs);
  const gone = rejectedDeal('A1', { because: 'verified', reason: 'no-live-offer' });
  await writer.storeJudgements(batchOf([gone], { purpose: 'verify', atMs: startMs + 1 }));
  await writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 1_000 }))));
  await rejudged(store, [judgedDeal('A1', at1000)], startMs + 2);
  const options = { nowMs: startMs, verifiedSinceMs: 0, limit: 9 };
  const due = (kind: 'first' | 'again') => store.reader.verifyDue({ ...options, kind });
  assert.deepEqual(asins(await due('first')), ['A2']);
  assert.deepEqual(asins(await due('again')), ['A1']);
});

test('a verification of a listing that changed on the way is not one of the new', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  await judged(store, [judgedDeal('A1')], startMs);
  await writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 1_100 }))));
  const verified = judgedDeal('A1', { because: 'verified', listedCents: 1_200, priceCents: 1_250 });
  const batch = batchOf([verified], { atMs: startMs + 1, verified: [offerOf('A1')] });
  await writer.storeJudgements(batch);
  assert.deepEqual(asins(await rejudgeDue(store)), ['A1']);
  const repriced = judgedDeal('A1', { because: 'repriced', priceCents: 1_100 });
  await judged(store, [repriced], startMs + 2);
  assert.deepEqual(asins(await verifyDue(store)), ['A1']);
});

test('rows with evidence come page by page in the order of their keys, none twice', async () => {
  await using store = await TestStore.open();
  const { writer, reader } = store;
  const names = ['A3', 'A1', 'A5', 'A2', 'A4', 'A6'];
  await writer.storePage(pageOf(passing(...names.map((asin) => dealRow(asin)))));
  await writer.storePage(pageOf(passing(dealRow('A2', { priceType: 1 }))));
  await judged(
    store,
    ['A1', 'A2', 'A3', 'A4', 'A5'].map((asin) => judgedDeal(asin)),
    startMs,
  );
  store.outside("update deals set state = 'ended' where asin = 'A4'");
  store.outside("update deals set state = 'rejected', reason = 'screen:x' where asin = 'A5'");
  const pages: WorkRow[][] = [];
  for (;;) {
    const last = pages.at(-1)?.at(-1);
    const page = await reader.withEvidence({ limit: 2, ...(last && { after: last }) });
    if (page.length === 0) break;
    pages.push([...page]);
  }
  assert.deepEqual(
    pages.map((page) => page.map(({ asin, priceType }) => `${asin}/${priceType}`)),
    [
      ['A1/2', 'A2/1'],
      ['A2/2', 'A3/2'],
    ],
  );
});

/** Records the plan of every query over deals that is prepared from here on. */
function watchPlans(t: TestContext): Map<string, string> {
  const plans = new Map<string, string>();
  const { prepare } = SqliteFile.prototype;
  t.mock.method(
    SqliteFile.prototype,
    'prepare',
    function (this: SqliteFile.Database, text: string) {
      if (/^select .* from "deals"/.test(text)) {
        const explain = prepare.call(this, `explain query plan ${text}`);
        const steps = explain.all(Array.from(text.matchAll(/\?/g), () => 1));
        const details = steps.map((step) => String(Reflect.get(Object(step), 'detail')));
        plans.set(text, details.join('; '));
      }
      return prepare.call(this, text);
    },
  );
  return plans;
}

test('every list of work walks an index of its own, and none sorts', async (t) => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  const lists: readonly { readonly index: RegExp; read(): Promise<unknown> }[] = [
    { index: /deals_to_buy/, read: () => historyDue(store, 'fresh') },
    {
      index: /deals_to_buy|deals_repriced|deals_accepted|deals_wanting_history/,
      read: () => historyDue(store, 'backlog', { domainId: 1 }),
    },
    { index: /deals_repriced|deals_known_already/, read: () => rejudgeDue(store) },
    { index: /deals_to_verify/, read: () => verifyDue(store) },
    {
      index: /deals_to_verify/,
      read: () => store.reader.verifyDue({ kind: 'first', nowMs: 1, verifiedSinceMs: 1, limit: 9 }),
    },
    { index: /deals_by_seller/, read: () => store.reader.sellersDue({ sinceMs: 1, limit: 9 }) },
    { index: /deals_key/, read: () => store.reader.withEvidence({ limit: 9, after: keyOf('A') }) },
  ];
  const plans = watchPlans(t);
  for (const { index, read } of lists) {
    plans.clear();
    await read();
    assert(plans.size > 0, String(index));
    for (const plan of plans.values()) {
      assert.match(plan, index);
      assert.doesNotMatch(plan, /SCAN deals|TEMP B-TREE/);
    }
  }
});
