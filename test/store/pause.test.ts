/** The pause in the store: at most one, over at its end, remembered by whoever opens the file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../src/store/open-store.ts';
import { startMs, TestStore } from './store-fixture.ts';

test('a pause is in force until its end, and not from that instant on', async () => {
  await using store = await TestStore.open();
  assert.equal(await store.reader.pause(startMs), undefined);
  const order = { untilMs: startMs + 10, reason: 'a trip' };
  const begun = await store.writer.beginPause({ ...order, atMs: startMs });
  assert.deepEqual(begun, { sinceMs: startMs, ...order });
  assert.deepEqual(await store.reader.pause(startMs + 9), begun);
  assert.equal(await store.reader.pause(startMs + 10), undefined);
});

test('pausing again moves the end and the reason; after the end it begins anew', async () => {
  await using store = await TestStore.open();
  await store.writer.beginPause({ atMs: startMs, untilMs: startMs + 10, reason: 'a trip' });
  const longer = await store.writer.beginPause({ atMs: startMs + 5 });
  assert.deepEqual(longer, { sinceMs: startMs });
  const ended = await store.writer.endPause(startMs + 6);
  assert.deepEqual(ended, { sinceMs: startMs });
  assert.equal(await store.writer.endPause(startMs + 7), undefined);
  await store.writer.beginPause({ atMs: startMs + 10, untilMs: startMs + 20 });
  assert.equal(await store.writer.endPause(startMs + 20), undefined, 'it was over');
  const anew = await store.writer.beginPause({ atMs: startMs + 30 });
  assert.deepEqual(anew, { sinceMs: startMs + 30 });
});

test('whoever opens the file next finds the pause; a set-back clock breaks nothing', async () => {
  await using store = await TestStore.open();
  await store.writer.beginPause({ atMs: startMs, untilMs: startMs + 9_000 });
  const moved = await store.writer.beginPause({ atMs: startMs - 500, untilMs: startMs - 100 });
  assert.deepEqual(moved, { sinceMs: startMs - 500, untilMs: startMs - 100 });
  await store.writer.beginPause({ atMs: startMs, reason: 'for good' });
  const other = await openStore({ path: store.path, mode: 'read' });
  assert.deepEqual(await other.reader.pause(startMs + 1), { sinceMs: startMs, reason: 'for good' });
  await other.close();
});
