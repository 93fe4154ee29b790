/**
 * Rows that are due in too large a number at once: held, hidden, and ended only when somebody says
 * yes or each has failed a re-check of its own.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { end, numbered, recheck, sweeps } from './ending-fixture.ts';
import { hourMs, keyOf } from './judging-fixture.ts';
import { books, startMs, TestStore, toys } from './store-fixture.ts';

/** A table of 20 rows of which so many are gone, re-checked and due. */
async function withGone(gone: number): Promise<TestStore> {
  const store = await TestStore.open();
  const all = numbered(20);
  await sweeps(store, [all, all.slice(gone), all.slice(gone)]);
  await recheck(store);
  return store;
}
const aFifth = { endedPartMax: 0.2 };

test('more than a fifth of the table at once is held and hidden, and no less', async () => {
  await using five = await withGone(5);
  assert.deepEqual(await end(five, aFifth), {});
  assert.equal(await five.reader.heldRows(), 5);
  assert.equal((await five.reader.countByState()).candidate, 20);
  assert.equal((await five.reader.deals({ states: 'all' })).length, 15);
  const shown = await five.reader.deals({ states: 'all', withHeld: true });
  assert.equal(shown.filter(({ isHeld }) => isHeld === true).length, 5);
  assert.equal((await five.reader.deal('A0'))[0]?.isHeld, true);
  await using four = await withGone(4);
  assert.deepEqual(Object.keys(await end(four, aFifth)).sort(), ['A0', 'A1', 'A2', 'A3']);
});

test('one row of a tiny table is too many as well, and needs a re-check of its own', async () => {
  await using store = await TestStore.open();
  await sweeps(store, [numbered(4), numbered(3), numbered(3)]);
  await recheck(store);
  assert.deepEqual(await end(store, aFifth), {});
  assert.equal(await store.reader.heldRows(), 1);
  assert.deepEqual(await recheck(store), ['A3']);
  assert.deepEqual(await end(store, aFifth), { A3: 'absent' });
});

test('what is held stays so until somebody says yes, and then ends in the next run', async () => {
  await using store = await withGone(6);
  for (let run = 0; run < 3; run += 1) assert.deepEqual(await end(store, aFifth), {});
  assert.equal(await store.writer.confirmHeld(), 6);
  assert.equal(Object.keys(await end(store, aFifth)).length, 6);
  assert.equal(await store.reader.heldRows(), 0);
  assert.equal(await store.writer.confirmHeld(), 0);
});

test('a held row needs its own re-check: failing ends the row, passing releases it', async () => {
  await using store = await withGone(6);
  await end(store, aFifth);
  assert.deepEqual(await recheck(store, { passing: ['A0'] }), numbered(6));
  assert.deepEqual(Object.keys(await end(store, aFifth)), numbered(5, 1));
  assert.equal(await store.reader.heldRows(), 0);
  assert.equal((await store.reader.deal('A0'))[0]?.state, 'candidate');
});

test('a held row that is seen again is released', async () => {
  await using store = await withGone(6);
  await end(store, aFifth);
  await store.writer.confirmHeld();
  await sweeps(store, [numbered(20, 3)], { fromMs: startMs + 5 * hourMs });
  assert.equal(await store.reader.heldRows(), 3);
  assert.deepEqual(Object.keys(await end(store, aFifth)), numbered(3));
});

test('while rows are held a few more are held with them: it is one incident', async () => {
  await using store = await withGone(6);
  await end(store, aFifth);
  await sweeps(store, [numbered(12, 8), numbered(12, 8)], { fromMs: startMs + 5 * hourMs });
  const rows = ['A6', 'A7'].map((asin) => ({ ...keyOf(asin), passes: false }));
  await store.writer.storeRechecks({ atMs: startMs + 9 * hourMs, rows, retries: [] });
  assert.deepEqual(await end(store, aFifth), {});
  assert.equal(await store.reader.heldRows(), 8);
});

test('a held row no longer due is released, and one of a suspended feed waits', async () => {
  await using store = await withGone(6);
  await end(store, aFifth);
  await store.writer.confirmHeld();
  assert.deepEqual(await end(store, { ...aFifth, suspendedFeeds: ['books'] }), {});
  assert.equal(await store.reader.heldRows(), 6);
  await store.writer.syncFeeds([{ ...books, queryHash: 'edited' }, toys], startMs);
  assert.deepEqual(await end(store, aFifth), {});
  assert.equal(await store.reader.heldRows(), 0);
});
