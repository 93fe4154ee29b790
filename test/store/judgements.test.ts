/**
 * Verdicts, live offers, evidence and retries on their way into the store: each once, each about
 * the listing that was judged, and none of them brings a row back that has ended.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deal } from '../../src/store/ports.ts';
import {
  batchOf,
  endingRules,
  evidenceOf,
  hourMs,
  judgedDeal,
  keyOf,
  offerOf,
  rejectedDeal,
  retryOf,
} from './judging-fixture.ts';
import { dealRow, pageOf, passing, startMs, TestStore, toys } from './store-fixture.ts';

async function listed(...asins: readonly string[]): Promise<TestStore> {
  const store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(...asins.map((asin) => dealRow(asin)))));
  return store;
}

async function dealOf(store: TestStore, asin: string): Promise<Deal> {
  const [deal] = await store.reader.deal(asin);
  assert(deal !== undefined);
  return deal;
}

const everything = (store: TestStore) =>
  ['deals', 'evidence', 'past', 'judging_counts', 'judging_processed'].map((table) =>
    store.outside(`select * from ${table}`),
  );

test('a verdict is kept with every figure it came with', async () => {
  await using store = await listed('A1');
  await store.writer.storeJudgements(batchOf([judgedDeal('A1')]));
  const { firstSeenAtMs: _, lastSeenAtMs: __, ...deal } = await dealOf(store, 'A1');
  assert.deepEqual(deal, {
    ...keyOf('A1'),
    feed: 'books',
    title: 'Title of A1',
    state: 'accepted',
    priceNowCents: 1_200,
    priceSinceMs: startMs - hourMs,
    average90Cents: 2_500,
    rank: 100_000,
    createdAtMs: startMs - hourMs,
    judgedAtMs: startMs + 1_000,
    avg1yCents: 4_000,
    percentDown: 0.7,
    listAtCents: 3_900,
    profitCents: 1_500,
    sales1y: 9,
    trust: 0.5,
    ruleVersion: 1,
    troughCents: 3_100,
    salesCount: 7,
    offerDrops: 20,
    sane: 6,
    marks: ['mixed-price-basis'],
  });
});

test('a figure that the new verdict does not know replaces the one of the old', async () => {
  await using store = await listed('A1');
  await store.writer.storeJudgements(batchOf([judgedDeal('A1')]));
  const { avg1yCents: _, profitCents: __, trust: ___, ...bare } = rejectedDeal('A1');
  await store.writer.storeJudgements(batchOf([bare], { atMs: startMs + 2_000 }));
  const deal = await dealOf(store, 'A1');
  assert.equal(deal.state, 'rejected');
  assert.equal(deal.reason, 'below-margin');
  for (const figure of ['avg1yCents', 'profitCents', 'trust']) assert(!(figure in deal), figure);
});

test('a batch stored twice counts once, and changes nothing the second time', async () => {
  await using store = await listed('A1', 'A2', 'A3');
  const batch = batchOf([judgedDeal('A1'), rejectedDeal('A2')], {
    verified: [offerOf('A1')],
    retries: [retryOf('A3')],
  });
  await store.writer.storeJudgements(batch);
  const before = everything(store);
  await store.writer.storeJudgements(batch);
  assert.deepEqual(everything(store), before);
  assert.deepEqual(await store.reader.judgingTotals(), {
    processed: 3,
    accepted: 1,
    rejected: { 'below-margin': 1 },
    insufficient: {},
    retries: 1,
  });
});

test('an older batch that is stored again does not undo a newer one', async () => {
  await using store = await listed('A1');
  const older = batchOf([judgedDeal('A1')]);
  await store.writer.storeJudgements(older);
  await store.writer.storeJudgements(batchOf([rejectedDeal('A1')], { atMs: startMs + 2_000 }));
  await store.writer.storeJudgements(older);
  assert.equal((await dealOf(store, 'A1')).state, 'rejected');
});

test('an older offer that is stored again does not replace a newer one', async () => {
  await using store = await listed('A1');
  const seenAt = (atMs: number, landedCents: number) =>
    batchOf([judgedDeal('A1', { because: 'verified' })], {
      atMs,
      verified: [offerOf('A1', { landedCents })],
    });
  await store.writer.storeJudgements(seenAt(startMs, 1_000));
  await store.writer.storeJudgements(seenAt(startMs + 1, 2_000));
  await store.writer.storeJudgements(seenAt(startMs, 1_000));
  assert.equal((await dealOf(store, 'A1')).verifiedCents, 2_000);
});

test('the totals count every verdict by its reason, and tell retries apart', async () => {
  await using store = await listed('A1', 'A2', 'A3', 'A4');
  const { writer, reader } = store;
  const insufficient = { verdict: 'insufficient', reason: 'no-sales' } as const;
  await writer.storeJudgements(batchOf([judgedDeal('A1'), rejectedDeal('A2')]));
  await writer.storeJudgements(
    batchOf([judgedDeal('A3', insufficient), rejectedDeal('A2', { reason: 'no-live-offer' })], {
      atMs: startMs + 2_000,
      retries: [retryOf('A4')],
    }),
  );
  await writer.storeRechecks({ atMs: startMs + 3_000, rows: [], retries: [retryOf('A4')] });
  assert.deepEqual(await reader.judgingTotals(), {
    processed: 6,
    accepted: 1,
    rejected: { 'below-margin': 1, 'no-live-offer': 1 },
    insufficient: { 'no-sales': 1 },
    retries: 2,
  });
});

test('totals that do not add up are an error, and nothing is stored on top of them', async () => {
  await using store = await listed('A1', 'A2');
  await store.writer.storeJudgements(batchOf([judgedDeal('A1')]));
  store.outside('update judging_processed set row_count = 7');
  await assert.rejects(store.reader.judgingTotals(), /what was processed/);
  await assert.rejects(store.writer.storeJudgements(batchOf([judgedDeal('A2')])), /processed/);
  assert.equal((await dealOf(store, 'A2')).state, 'candidate');
  assert.equal(await store.reader.evidence(keyOf('A2')), undefined);
});

test('a retry leaves the state alone, and a verdict ends the tries', async () => {
  await using store = await listed('A1');
  const { writer, reader } = store;
  const lists = async (nowMs: number) =>
    await reader.historyDue({
      kind: 'fresh',
      nowMs,
      freshSinceMs: 0,
      evidenceSinceMs: 0,
      limit: 9,
    });
  for (const [round, retryAtMs] of [startMs + 10, startMs + 20].entries()) {
    const atMs = startMs + round;
    const retries = [retryOf('A1', { retryAtMs })];
    await writer.storeJudgements({ ...batchOf([]), atMs, retries });
  }
  assert.deepEqual(await lists(startMs + 19), []);
  const [due] = await lists(startMs + 20);
  assert.equal(due?.state, 'candidate');
  assert.equal(due?.attempts, 2);
  assert.equal((await reader.countByState()).rejected, 0);
  await writer.storeJudgements(batchOf([judgedDeal('A1')]));
  const [repriced] = await reader.verifyDue({ nowMs: startMs, verifiedSinceMs: 0, limit: 9 });
  assert.equal(repriced?.attempts, 0);
});

test('a row that has ended is not brought back by a verdict, only by a listing', async () => {
  await using store = await listed('A1', 'A2');
  const { writer, reader } = store;
  store.outside("update deals set state = 'ended', candidate_since_ms = null where asin = 'A1'");
  await writer.storeJudgements(
    batchOf([judgedDeal('A1')], { verified: [offerOf('A1')], retries: [retryOf('A1')] }),
  );
  const ended = await dealOf(store, 'A1');
  assert.equal(ended.state, 'ended');
  assert(!('judgedAtMs' in ended));
  assert.equal((await reader.judgingTotals()).processed, 2);
  await writer.storePage(pageOf(passing(dealRow('A1')), { seenAtMs: startMs + hourMs }));
  assert.equal((await dealOf(store, 'A1')).state, 'candidate');
});

test('of a product that was purged meanwhile nothing is kept', async () => {
  await using store = await listed('A1');
  const batch = batchOf([judgedDeal('GONE')], {
    verified: [offerOf('GONE')],
    retries: [retryOf('GONE')],
  });
  await store.writer.storeJudgements(batch);
  assert.equal(await store.reader.evidence(keyOf('GONE')), undefined);
  assert.deepEqual(await store.reader.past(keyOf('GONE')), []);
  assert.equal((await store.reader.judgingTotals()).processed, 0);
});

test('a verdict with a wrong, missing or misleading reason is not stored', async () => {
  await using store = await listed('A1');
  const { writer } = store;
  const { reason: _, ...unreasoned } = rejectedDeal('A1');
  await assert.rejects(writer.storeJudgements(batchOf([unreasoned])), /reason/);
  await assert.rejects(writer.storeJudgements(batchOf([judgedDeal('A1', { reason: 'x' })])));
  const likeAScreen = rejectedDeal('A1', { reason: 'screen:no-rank' });
  await assert.rejects(writer.storeJudgements(batchOf([likeAScreen])), /screen/);
  assert.equal((await dealOf(store, 'A1')).state, 'candidate');
  assert.equal(await store.reader.evidence(keyOf('A1')), undefined);
});

test('a verdict on a listing that changed meanwhile is kept, and due again', async () => {
  await using store = await listed('A1', 'A2', 'A3');
  const { writer, reader } = store;
  await writer.storePage(
    pageOf(passing(dealRow('A1', { priceCents: 900 }), dealRow('A2', { createdAtMs: startMs }))),
  );
  await writer.storeJudgements(batchOf(['A1', 'A2', 'A3'].map((asin) => judgedDeal(asin))));
  const due = await reader.rejudgeDue({ evidenceSinceMs: 0, limit: 9 });
  assert.deepEqual(due.map(({ asin }) => asin).toSorted(), ['A1', 'A2']);
  assert.equal((await dealOf(store, 'A1')).priceNowCents, 900);
  assert.equal((await dealOf(store, 'A1')).state, 'accepted');
});

test('a verdict at an offer’s price is no change of the listing', async () => {
  await using store = await listed('A1');
  const { writer, reader } = store;
  const verified = { because: 'verified', priceCents: 1_250, listedCents: 1_200 } as const;
  await writer.storeJudgements(batchOf([judgedDeal('A1', verified)]));
  assert.deepEqual(await reader.rejudgeDue({ evidenceSinceMs: 0, limit: 9 }), []);
});

test('a live offer is told with its seller for as long as the listing is the same', async () => {
  await using store = await listed('A1');
  const { writer } = store;
  const seen = { verifiedAtMs: startMs + 1_000, verifiedCents: 1_250, sellerId: 'S1' };
  const offer = async () => {
    const { verifiedAtMs, verifiedCents, sellerId, sellerName } = await dealOf(store, 'A1');
    return { verifiedAtMs, verifiedCents, sellerId, sellerName };
  };
  const judged = judgedDeal('A1', { because: 'verified', priceCents: 1_250, listedCents: 1_200 });
  await writer.storeJudgements(batchOf([judged], { purpose: 'verify', verified: [offerOf('A1')] }));
  await writer.storeSellers({
    domainId: 1,
    atMs: startMs,
    sellers: [{ sellerId: 'S1', name: 'Shop', ratingPercent: 97, ratingCount: 1_000 }],
    missing: [],
  });
  assert.deepEqual(await offer(), { ...seen, sellerName: 'Shop' });
  const { sellerTrust = 0 } = await dealOf(store, 'A1');
  assert(sellerTrust > 0.95 && sellerTrust < 0.97, `${sellerTrust}`);
  const none = { verifiedAtMs: undefined, verifiedCents: undefined, sellerId: undefined };
  await writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 1_100 }))));
  assert.deepEqual(await offer(), { ...none, sellerName: undefined });
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  assert.deepEqual(await offer(), { ...seen, sellerName: 'Shop' });
});

test('rows are counted by what is bought for them', async () => {
  await using store = await listed('A1', 'A2', 'A3', 'A4');
  const { writer, reader } = store;
  await writer.storePage(pageOf([{ row: dealRow('A5'), rejectedFor: 'no-rank' }]));
  assert.deepEqual(await reader.rowsByNeed(), { screened: 1, worthOffers: 0 });
  const none = { because: 'verified', reason: 'no-live-offer', listedCents: 1_200 } as const;
  await writer.storeJudgements(
    batchOf([judgedDeal('A1'), rejectedDeal('A2'), rejectedDeal('A3', none)]),
  );
  // The accepted one will be verified, and of the one without an offer none was found.
  assert.deepEqual(await reader.rowsByNeed(), { screened: 1, worthOffers: 2 });
});

test('offers looked at and none found takes the last offer away', async () => {
  await using store = await listed('A1');
  const { writer } = store;
  const judged = judgedDeal('A1', { because: 'verified', listedCents: 1_200 });
  await writer.storeJudgements(batchOf([judged], { verified: [offerOf('A1')] }));
  await writer.storeJudgements(batchOf([judgedDeal('A1')], { atMs: startMs + 2_000 }));
  assert.equal((await dealOf(store, 'A1')).verifiedCents, 1_250);
  const gone = rejectedDeal('A1', { because: 'verified', reason: 'no-live-offer' });
  await writer.storeJudgements(batchOf([gone], { atMs: startMs + 3_000 }));
  assert(!('verifiedCents' in (await dealOf(store, 'A1'))));
});

test('evidence is replaced by newer, and dates every deal of the product', async () => {
  await using store = await listed('A1');
  const { writer, reader } = store;
  await writer.syncFeeds([{ ...toys, priceType: 1 }], startMs);
  const feed = { ...toys, priceType: 1 };
  await writer.storePage(pageOf(passing(dealRow('A1', { priceType: 1 })), { feed }));
  await writer.storeJudgements(batchOf([], { evidence: [evidenceOf('A1')] }));
  const newer = { domainId: 1, asin: 'A1', packed: new Uint8Array([7, 8, 9]) };
  const atMs = startMs + 5_000;
  await writer.storeJudgements(batchOf([], { atMs, evidence: [newer] }));
  const kept = await reader.evidence(keyOf('A1'));
  assert.deepEqual(kept && [...kept.packed], [7, 8, 9]);
  assert.equal(kept?.boughtAtMs, atMs);
  await writer.storePage(pageOf(passing(dealRow('A1', { priceType: 7 }))));
  const rows = await reader.withEvidence({ limit: 9 });
  assert.deepEqual(
    rows.map(({ priceType, evidenceAtMs }) => [priceType, evidenceAtMs]),
    [1, 2, 7].map((priceType) => [priceType, atMs]),
  );
});

test('the past tells what was bought, decided and seen, with the cost divided', async () => {
  await using store = await listed('A1', 'A2', 'A3');
  const { writer, reader } = store;
  const judged = judgedDeal('A1', { because: 'verified', priceCents: 1_250 });
  await writer.storeJudgements(
    batchOf([judged, rejectedDeal('A2')], {
      costTokens: 15,
      purpose: 'verify',
      verified: [offerOf('A1')],
      retries: [retryOf('A3')],
    }),
  );
  const atMs = startMs + 1_000;
  assert.deepEqual(await reader.past(keyOf('A1')), [
    { atMs, kind: 'bought', text: 'live offers and history', costTokens: 7.5 },
    { atMs, kind: 'judged', text: 'accepted (live offers looked at)', priceCents: 1_250 },
    {
      atMs,
      kind: 'verified',
      text: 'live offer of seller S1, condition 3, not FBA',
      priceCents: 1_250,
    },
  ]);
  const judgedText = (await reader.past(keyOf('A2'))).find(({ kind }) => kind === 'judged')?.text;
  assert.equal(judgedText, 'rejected: below-margin (new)');
  assert.deepEqual(await reader.past(keyOf('A3')), [
    { atMs, kind: 'retry', text: 'verify: no answer' },
  ]);
});

test('what an end was prepared with is void once the row is listed again', async () => {
  await using store = await listed('A1');
  store.outside(`update deals set held_at_ms = 1, is_hold_confirmed = 1, rechecked_at_ms = 1,
    recheck_passes = 0`);
  await store.writer.addHealthyTime({ ms: 5_000, asOfMs: startMs });
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  assert.deepEqual(
    store.outside(`select held_at_ms, is_hold_confirmed, rechecked_at_ms, recheck_passes,
      seen_healthy_ms from deals`),
    [
      {
        held_at_ms: null,
        is_hold_confirmed: 0,
        rechecked_at_ms: null,
        recheck_passes: null,
        seen_healthy_ms: 5_000,
      },
    ],
  );
  assert.equal((await store.writer.endRows(endingRules())).counts.held, 0);
});
