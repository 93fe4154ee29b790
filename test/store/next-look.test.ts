/**
 * When a row is looked at again, and why: the same as the lists of work say.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evidenceAgeMsMax, verificationAgeMsMax } from '../../src/store/judging-ports.ts';
import {
  batchOf,
  hourMs,
  judgedDeal,
  keyOf,
  offerOf,
  rejectedDeal,
  retryOf,
  sweepOf,
} from './judging-fixture.ts';
import { dealRow, pageOf, passing, startMs, TestStore } from './store-fixture.ts';

const nowMs = startMs + 2_000;
const look = ({ reader }: TestStore, asin = 'A1') => reader.nextLook(keyOf(asin), nowMs);

test('a candidate is bought for at once, or when its retry is due', async () => {
  await using store = await TestStore.open();
  assert.equal(await look(store), undefined);
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  const why = 'its history is bought, or judged if it is known';
  assert.deepEqual(await look(store), { atMs: nowMs, why });
  const retryAtMs = nowMs + 7;
  await store.writer.storeJudgements(batchOf([], { retries: [retryOf('A1', { retryAtMs })] }));
  assert.deepEqual(await look(store), { atMs: retryAtMs, why });
});

test('a rejected row is looked at when it is listed at another price, not before', async () => {
  await using store = await TestStore.open();
  const screened = [{ row: dealRow('A2'), rejectedFor: 'no-rank' }];
  await store.writer.storePage(pageOf([...passing(dealRow('A1')), ...screened]));
  await store.writer.storeJudgements(batchOf([rejectedDeal('A1')]));
  assert.equal(await look(store, 'A1'), undefined);
  assert.equal(await look(store, 'A2'), undefined);
  await store.writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 1 }))));
  assert.match((await look(store))?.why ?? '', /price changed/);
});

test('a row judged from old evidence at a new price waits for new evidence', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  await writer.storeJudgements(batchOf([rejectedDeal('A1')], { atMs: startMs - evidenceAgeMsMax }));
  await writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 1 }))));
  const judged = [rejectedDeal('A1', { because: 'repriced', priceCents: 1 })];
  await writer.storeJudgements(batchOf(judged, { purpose: 'rejudge', evidence: [] }));
  assert.deepEqual(await look(store), {
    atMs: nowMs,
    why: 'its evidence was old when its price changed',
  });
});

test('an accepted row without evidence is bought for at once', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  await writer.storeJudgements(batchOf([judgedDeal('A1')]));
  const retries = [retryOf('A1')];
  await writer.storeJudgements(batchOf([], { atMs: nowMs, purpose: 'rejudge', retries }));
  assert.match((await look(store))?.why ?? '', /no evidence/);
});

test('an accepted row is verified, and again when its offer or its evidence is old', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  await writer.storeJudgements(batchOf([judgedDeal('A1')]));
  assert.match((await look(store))?.why ?? '', /live offer/);
  const verified = batchOf([judgedDeal('A1', { because: 'verified' })], {
    atMs: startMs + 1_500,
    evidence: [],
    verified: [offerOf('A1')],
  });
  await writer.storeJudgements(verified);
  const evidenceOldMs = startMs + 1_000 + evidenceAgeMsMax;
  const offerOldMs = startMs + 1_500 + verificationAgeMsMax;
  const next = await look(store);
  assert.equal(next?.atMs, Math.min(evidenceOldMs, offerOldMs));
});

test('a missing row is re-checked once, and a held one once more', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  await sweepOf(store, ['A1', 'A2']);
  await writer.storeJudgements(batchOf([rejectedDeal('A1')]));
  await sweepOf(store, ['A2'], { atMs: startMs + hourMs });
  assert.match((await look(store))?.why ?? '', /listings lack it/);
  const rows = [{ ...keyOf('A1'), passes: false }];
  await writer.storeRechecks({ atMs: nowMs, rows, retries: [] });
  assert.equal(await look(store), undefined);
  store.outside(`update deals set held_at_ms = 1, rechecked_at_ms = null, recheck_passes = null
    where asin = 'A1'`);
  assert.match((await look(store))?.why ?? '', /held/);
  store.outside(`update deals set held_at_ms = null, state = 'ended' where asin = 'A1'`);
  assert.equal(await look(store), undefined);
});
