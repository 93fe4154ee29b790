/**
 * The ledger added up, against the same sums done by hand over every line.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LedgerRecord } from '../../src/store/ports.ts';
import { ledgerLine, startMs, TestStore } from './store-fixture.ts';

async function ledgerOf(lines: readonly Partial<LedgerRecord>[]): Promise<TestStore> {
  const store = await TestStore.open();
  for (const more of lines) await store.writer.recordRequest({ ...ledgerLine, ...more });
  return store;
}

test('lines that are alike are one group, one that differs in anything is another', async () => {
  await using store = await ledgerOf([
    { atMs: startMs + 5 },
    { atMs: startMs + 1, costTokens: 0.1 },
    { spendClass: 'backfill' },
    { purpose: 'verify' },
    { shape: 'product+offers20' },
    { outcome: 'malformed', attempt: 2 },
  ]);
  const groups = await store.reader.ledgerGroups(startMs);
  assert.equal(groups.length, 5);
  const [first] = groups;
  assert.deepEqual(first, {
    spendClass: 'upsert',
    purpose: 'history',
    shape: 'product',
    outcome: 'answered',
    requests: 2,
    retries: 0,
    items: 20,
    tokens: 10.1,
    firstAtMs: startMs + 1,
  });
  assert.equal(groups.find(({ outcome }) => outcome === 'malformed')?.retries, 1);
});

test('a line at the instant counts, one before it does not', async () => {
  await using store = await ledgerOf([{ atMs: startMs - 1 }, { atMs: startMs }]);
  const requests = async (sinceMs: number): Promise<number | undefined> =>
    (await store.reader.ledgerGroups(sinceMs))[0]?.requests;
  assert.equal(await requests(startMs), 1);
  assert.equal(await requests(startMs - 1), 2);
  assert.equal(await requests(startMs + 1), undefined);
});

test('the price of an item is learned from the last answers alone', async () => {
  await using store = await ledgerOf([
    { costTokens: 900 },
    { costTokens: 10 },
    { costTokens: 20 },
    { costTokens: 30, outcome: 'maybe-billed' },
    { costTokens: 0, items: 0, shape: 'token' },
    { costTokens: 7, items: 1, shape: 'product+offers20' },
  ]);
  assert.deepEqual(await store.reader.unitCosts(2), [
    { shape: 'product', samples: 2, meanTokens: 1.5, p95Tokens: 2, maxTokens: 2 },
    { shape: 'product+offers20', samples: 1, meanTokens: 7, p95Tokens: 7, maxTokens: 7 },
  ]);
});

test('of twenty prices the p95 is the nineteenth', async () => {
  const costs = Array.from({ length: 20 }, (_, at) => ({ costTokens: (at + 1) * 10 }));
  await using store = await ledgerOf(costs.toReversed());
  const [costsOfProduct] = await store.reader.unitCosts(50);
  assert.deepEqual([costsOfProduct?.p95Tokens, costsOfProduct?.maxTokens], [19, 20]);
});

test('an empty ledger has neither groups nor prices', async () => {
  await using store = await ledgerOf([]);
  assert.deepEqual(await store.reader.ledgerGroups(0), []);
  assert.deepEqual(await store.reader.unitCosts(50), []);
});

test('the groups together are what was spent, whatever the lines', async () => {
  const anyLine = fc.record({
    atMs: fc.integer({ min: startMs - 5, max: startMs + 5 }),
    spendClass: fc.constantFrom('head', 'upsert', 'status'),
    purpose: fc.constantFrom('sweep', 'verify'),
    outcome: fc.constantFrom('answered', 'refused'),
    attempt: fc.integer({ min: 1, max: 3 }),
    costTokens: fc.integer({ min: 0, max: 1_000 }).map((hundredths) => hundredths / 100),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(anyLine, { maxLength: 25 }), async (lines) => {
      await using store = await ledgerOf(lines);
      const groups = await store.reader.ledgerGroups(startMs);
      const spent = await store.reader.spentSince(startMs);
      const tokens = groups.reduce((sum, group) => sum + group.tokens, 0);
      assert.equal(Math.round(100 * tokens), Math.round(100 * spent.tokens));
      const counted = groups.reduce((sum, group) => sum + group.requests, 0);
      assert.equal(counted, lines.filter(({ atMs }) => atMs >= startMs).length);
      const retries = groups.reduce((sum, group) => sum + group.retries, 0);
      const isRetry = (one: LedgerRecord): boolean => one.atMs >= startMs && one.attempt > 1;
      assert.equal(retries, lines.filter((one) => isRetry({ ...ledgerLine, ...one })).length);
    }),
    { numRuns: 15 },
  );
});
