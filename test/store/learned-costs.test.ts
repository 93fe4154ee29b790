/**
 * What calls turned out to cost survives a restart, and is forgotten when it is old.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerRecord } from '../../src/store/ports.ts';
import { startMs, TestStore } from './store-fixture.ts';

const line: LedgerRecord = {
  atMs: startMs,
  spendClass: 'upsert',
  purpose: 'verify',
  shape: 'product+offers20',
  items: 10,
  holdTokens: 120,
  costTokens: 70,
  balanceAfter: 50,
  outcome: 'answered',
  why: undefined,
  attempt: 1,
  tookMs: 5,
  waitedMs: 0,
};

test('the last that was learned of a shape replaces what was known of it', async () => {
  await using store = await TestStore.open();
  await store.writer.recordRequest(line, { batchMax: 10, bands: { '10': [7] } });
  const latest = { batchMax: 5, bands: { '10': [7, 6.5], '1': [12] } };
  await store.writer.recordRequest({ ...line, atMs: startMs + 5 }, latest);
  await store.writer.recordRequest({ ...line, shape: 'deal' }, { batchMax: 1, bands: {} });
  assert.deepEqual(await store.reader.learnedCosts(startMs), {
    deal: { batchMax: 1, bands: {} },
    'product+offers20': latest,
  });
});

test('a line without an answer leaves what is known as it is', async () => {
  await using store = await TestStore.open();
  const known = { batchMax: 10, bands: { '10': [7] } };
  await store.writer.recordRequest(line, known);
  await store.writer.recordRequest({ ...line, outcome: 'unavailable', costTokens: 0 });
  assert.deepEqual(await store.reader.learnedCosts(startMs), { 'product+offers20': known });
});

test('what nobody saw since the given instant is left out', async () => {
  await using store = await TestStore.open();
  await store.writer.recordRequest(line, { batchMax: 10, bands: {} });
  assert.deepEqual(await store.reader.learnedCosts(startMs + 1), {});
});
