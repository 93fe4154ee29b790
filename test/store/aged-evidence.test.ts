/**
 * Kept evidence that is old, or cannot be read: verdicts follow the price all the same, and each is
 * bought anew once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  batchOf,
  hourMs,
  judgedDeal,
  keyOf,
  promising,
  rejectedDeal,
  retryOf,
} from './judging-fixture.ts';
import { dealRow, pageOf, passing, startMs, TestStore } from './store-fixture.ts';
import {
  agedMs,
  asins,
  at1000,
  historyDue,
  judged,
  oldMs,
  rejudgeDue,
  rejudged,
  unreadable,
  verifyDue,
} from './work-list-fixture.ts';

test('the backlog takes aged evidence of accepted and of re-priced rows only', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  const promises = { A1: 1, A2: 2, A3: 3, A4: 4, A5: 5, A6: 6 };
  await writer.storePage(pageOf(promising(promises), { seenAtMs: oldMs }));
  await judged(store, [judgedDeal('A1'), rejectedDeal('A2'), rejectedDeal('A3')], oldMs);
  await judged(store, [judgedDeal('A4'), rejectedDeal('A5')], startMs);
  const cheaper = { priceCents: 1_000 };
  await writer.storePage(
    pageOf(passing(dealRow('A3', cheaper), dealRow('A4', cheaper)), { seenAtMs: oldMs }),
  );
  // Judged for nothing first, from evidence of any age: the table shows no verdict on old prices.
  assert.deepEqual(asins(await rejudgeDue(store)).toSorted(), ['A3', 'A4']);
  await rejudged(store, [rejectedDeal('A3', at1000), judgedDeal('A4', at1000)], agedMs);
  assert.deepEqual(asins(await rejudgeDue(store)), [], 'once per price');
  // A1: accepted and aged; A3: re-priced and aged; A6: an old candidate.
  assert.deepEqual(asins(await historyDue(store, 'backlog')).toSorted(), ['A1', 'A3', 'A6']);
  assert.deepEqual(asins(await historyDue(store, 'fresh')), []);
  await judged(store, [rejectedDeal('A3', { ...at1000, because: 'aged' })], agedMs + 1);
  assert.deepEqual(asins(await historyDue(store, 'backlog')).toSorted(), ['A1', 'A6'], 'once');
});

test('offers of a row judged anew from aged evidence wait for new history', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  await judged(store, [judgedDeal('A1')], oldMs);
  await writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 1_000 }))));
  await rejudged(store, [judgedDeal('A1', at1000)], agedMs);
  assert.deepEqual(await verifyDue(store), []);
  assert.deepEqual(asins(await historyDue(store, 'backlog')), ['A1']);
  await judged(store, [judgedDeal('A1', { ...at1000, because: 'aged' })], agedMs + 1);
  assert.deepEqual(asins(await verifyDue(store)), ['A1']);
});

test('new rules over aged evidence buy nothing, unless the price had changed as well', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'), dealRow('A2'))));
  await judged(store, [rejectedDeal('A1'), rejectedDeal('A2')], oldMs);
  await writer.storePage(pageOf(passing(dealRow('A2', { priceCents: 1_000 }))));
  const rules = { because: 'rules' } as const;
  await rejudged(store, [rejectedDeal('A1', rules)], agedMs);
  await rejudged(store, [rejectedDeal('A2', { ...rules, priceCents: 1_000 })], agedMs);
  assert.deepEqual(asins(await historyDue(store, 'backlog')), ['A2']);
});

test('an accepted row that is aged and re-priced as well is listed once', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(promising({ A1: 1 }), { seenAtMs: oldMs }));
  await judged(store, [judgedDeal('A1')], oldMs);
  await store.writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 1 }))));
  assert.deepEqual(asins(await historyDue(store, 'backlog')), ['A1']);
  await rejudged(store, [judgedDeal('A1', { because: 'repriced', priceCents: 1 })], agedMs);
  assert.deepEqual(asins(await historyDue(store, 'backlog')), ['A1']);
});

test('what could not be judged from kept evidence is bought for instead', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1')), { seenAtMs: oldMs }));
  await judged(store, [rejectedDeal('A1')], startMs);
  await writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 900 }))));
  assert.deepEqual(asins(await rejudgeDue(store)), ['A1']);
  await unreadable(store, 'A1', startMs + 1_000);
  assert.deepEqual(await rejudgeDue(store), []);
  assert.deepEqual(asins(await historyDue(store, 'backlog')), ['A1']);
  const again = rejectedDeal('A1', { priceCents: 900, because: 'repriced' });
  await judged(store, [again], startMs + 2_000);
  assert.deepEqual(await historyDue(store, 'backlog'), []);
});

test('unreadable evidence spaces nothing, and is found only once', async () => {
  await using store = await TestStore.open();
  const { writer, reader } = store;
  await writer.storePage(pageOf(passing(dealRow('A1')), { seenAtMs: oldMs }));
  await judged(store, [rejectedDeal('A1')], startMs);
  await writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 900 }))));
  await unreadable(store, 'A1', startMs + 1_000);
  assert.equal(await reader.evidence(keyOf('A1')), undefined);
  const [due] = await historyDue(store, 'backlog');
  assert.deepEqual([due?.asin, due?.attempts, due?.evidenceAtMs], ['A1', 0, undefined]);
  // The purchase yields nothing: it is spaced, and nothing brings it on.
  const retryAtMs = startMs + hourMs;
  const retries = [retryOf('A1', { retryAtMs })];
  await writer.storeJudgements(batchOf([], { atMs: startMs + 2_000, retries }));
  assert.deepEqual(await rejudgeDue(store), []);
  assert.deepEqual(await historyDue(store, 'backlog', { nowMs: retryAtMs - 1 }), []);
  const [again] = await historyDue(store, 'backlog', { nowMs: retryAtMs });
  assert.equal(again?.attempts, 1);
});

test('evidence that came while a round was reading is not what could not be read', async () => {
  await using store = await TestStore.open();
  const { writer, reader } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  await judged(store, [rejectedDeal('A1')], startMs + 5);
  await unreadable(store, 'A1', startMs);
  assert.ok(await reader.evidence(keyOf('A1')));
  // A date far ahead is of a clock that was set back since.
  await unreadable(store, 'A1', startMs - hourMs);
  assert.equal(await reader.evidence(keyOf('A1')), undefined);
});
