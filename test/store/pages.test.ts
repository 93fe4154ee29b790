/**
 * What a stored page does to rows: seeing, pricing, states, and nothing else.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deal } from '../../src/store/ports.ts';
import {
  books,
  dealRow,
  judge,
  pageOf,
  passing,
  startMs,
  TestStore,
  toys,
} from './store-fixture.ts';

const hourMs = 3_600_000;

async function only(store: TestStore, asin: string): Promise<Deal> {
  const [deal, ...others] = await store.reader.deal(asin);
  assert(deal !== undefined && others.length === 0, `one deal of ${asin}`);
  return deal;
}

test('a fresh row that passes is a candidate with every figure of the listing', async () => {
  await using store = await TestStore.open();
  const counts = await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  assert.deepEqual(counts, {
    rows: 1,
    fresh: 1,
    known: 0,
    repriced: 0,
    candidates: 1,
    rejected: 0,
  });
  assert.deepEqual(await only(store, 'A1'), {
    asin: 'A1',
    domainId: 1,
    priceType: 2,
    feed: 'books',
    title: 'Title of A1',
    state: 'candidate',
    priceNowCents: 1_200,
    priceSinceMs: startMs - hourMs,
    average90Cents: 2_500,
    rank: 100_000,
    createdAtMs: startMs - hourMs,
    firstSeenAtMs: startMs,
    lastSeenAtMs: startMs,
  });
});

test("a row that the screen rejects is kept, with the reason marked as the screen's", async () => {
  await using store = await TestStore.open();
  const counts = await store.writer.storePage(
    pageOf([{ row: dealRow('A1'), rejectedFor: 'no-rank' }]),
  );
  assert.equal(counts.rejected, 1);
  assert.equal(counts.candidates, 0);
  const { state, reason } = await only(store, 'A1');
  assert.deepEqual({ state, reason }, { state: 'rejected', reason: 'screen:no-rank' });
});

test('a rejected row is re-seen like any other', async () => {
  await using store = await TestStore.open();
  const rows = [{ row: dealRow('A1'), rejectedFor: 'no-rank' }];
  await store.writer.storePage(pageOf(rows));
  await store.writer.storePage(pageOf(rows, { seenAtMs: startMs + hourMs }));
  const { firstSeenAtMs, lastSeenAtMs } = await only(store, 'A1');
  assert.deepEqual([firstSeenAtMs, lastSeenAtMs], [startMs, startMs + hourMs]);
});

test('a vanished figure becomes unknown; what describes the product stays', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1'))));
  const bare = dealRow('A1', {
    title: '',
    imageName: undefined,
    parentAsin: undefined,
    rootCategory: undefined,
    priceCents: undefined,
    priceSinceMs: undefined,
    averageCents: {},
    rank: undefined,
    averageRank: {},
    rankDrops: {},
    amazonCents: undefined,
    newCents: undefined,
    usedCents: undefined,
    newOffers: undefined,
    usedOffers: undefined,
    createdAtMs: undefined,
    updatedAtMs: undefined,
  });
  const counts = await store.writer.storePage(pageOf(passing(bare)));
  assert.equal(counts.repriced, 1);
  const [stored] = store.outside('select * from deals');
  assert.deepEqual(stored, {
    id: 1,
    asin: 'A1',
    domain_id: 1,
    price_type: 2,
    feed_id: 1,
    state: 'candidate',
    reason: null,
    first_seen_at_ms: startMs,
    last_seen_at_ms: startMs,
    title: 'Title of A1',
    image_name: 'image.jpg',
    parent_asin: 'B000000000',
    root_category: 283_155,
    created_at_ms: startMs - hourMs,
    updated_at_ms: startMs - 60_000,
    candidate_since_ms: startMs,
    ...Object.fromEntries(
      ['attempts', 'seen_healthy_ms', 'is_hold_confirmed', 'is_repriced', 'is_verified']
        .concat('wants_history')
        .map((column) => [column, 0]),
    ),
    ...Object.fromEntries(
      [
        'price_cents price_since_ms average_day_cents average_week_cents average_month_cents',
        'average_quarter_cents rank average_rank_day average_rank_week average_rank_month',
        'average_rank_quarter rank_drops_30 rank_drops_90 rank_drops_180 rank_drops_365',
        'amazon_cents new_cents used_cents new_offers used_offers judged_at_ms',
        'judged_price_cents judged_created_at_ms rule_version avg1y_cents percent_down',
        'list_at_cents profit_cents sales1y trust judged_listed_cents trough_cents sales_count',
        'offer_drops sane marks promise evidence_at_ms retry_at_ms retried_for verified_at_ms',
        'verified_listed_cents verified_created_at_ms landed_cents shipping_cents',
        'offer_condition is_fba seller_id rechecked_at_ms recheck_passes held_at_ms ended_at_ms',
        'offers_looked_at_ms lacked_offer lacked_listed_cents lacked_created_at_ms lacks_offer',
      ]
        .join(' ')
        .split(' ')
        .map((column) => [column, null]),
    ),
  });
});

test('re-priced is a row whose price or creation date differs, and no other', async () => {
  await using store = await TestStore.open();
  const row = dealRow('A1');
  await store.writer.storePage(pageOf(passing(row)));
  const repriced = async (change: Parameters<typeof dealRow>[1]): Promise<number> => {
    const counts = await store.writer.storePage(pageOf(passing(dealRow('A1', change))));
    await store.writer.storePage(pageOf(passing(row)));
    return counts.repriced;
  };
  assert.equal(await repriced({}), 0);
  assert.equal(await repriced({ updatedAtMs: startMs, rank: 5, priceSinceMs: startMs }), 0);
  assert.equal(await repriced({ createdAtMs: undefined }), 0);
  assert.equal(await repriced({ createdAtMs: startMs }), 1);
  assert.equal(await repriced({ priceCents: 1_199 }), 1);
  assert.equal(await repriced({ priceCents: undefined }), 1);
});

test('each page screens candidates, screened-out and ended rows anew', async () => {
  await using store = await TestStore.open();
  const row = dealRow('A1');
  const store1 = async (rejectedFor?: string) => {
    const screened = rejectedFor === undefined ? { row } : { row, rejectedFor };
    const { candidates, rejected } = await store.writer.storePage(pageOf([screened]));
    const { state, reason } = await only(store, 'A1');
    return { candidates, rejected, state, reason };
  };
  const candidate = { state: 'candidate', reason: undefined };
  const screened = { state: 'rejected', reason: 'screen:no-rank' };
  assert.deepEqual(await store1(), { candidates: 1, rejected: 0, ...candidate });
  assert.deepEqual(await store1(), { candidates: 0, rejected: 0, ...candidate });
  assert.deepEqual(await store1('no-rank'), { candidates: 0, rejected: 1, ...screened });
  assert.deepEqual(await store1('no-rank'), { candidates: 0, rejected: 0, ...screened });
  assert.deepEqual(await store1(), { candidates: 1, rejected: 0, ...candidate });
  judge(store, 'A1', 'ended');
  assert.deepEqual(await store1('no-rank'), { candidates: 0, rejected: 1, ...screened });
  judge(store, 'A1', 'ended', "'absent'");
  assert.deepEqual(await store1(), { candidates: 1, rejected: 0, ...candidate });
});

for (const [state, reason] of [
  ['accepted', 'null'],
  ['rejected', "'not-profitable'"],
  ['insufficient', "'no-sales'"],
] as const) {
  test(`a row judged ${state} keeps its verdict through any listing`, async () => {
    await using store = await TestStore.open();
    await store.writer.storePage(pageOf(passing(dealRow('A1'))));
    judge(store, 'A1', state, reason);
    const before = await only(store, 'A1');
    const counts = await store.writer.storePage(
      pageOf([{ row: dealRow('A1', { priceCents: 900 }), rejectedFor: 'no-rank' }], {
        seenAtMs: startMs + hourMs,
      }),
    );
    assert.deepEqual([counts.repriced, counts.rejected, counts.candidates], [1, 0, 0]);
    const expected = { ...before, priceNowCents: 900, lastSeenAtMs: startMs + hourMs };
    assert.deepEqual(await only(store, 'A1'), expected);
  });
}

test('last seen never goes back, yet the page stored last sets the price', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1')), { seenAtMs: startMs + hourMs }));
  await store.writer.storePage(pageOf(passing(dealRow('A1', { priceCents: 700 }))));
  const { lastSeenAtMs, priceNowCents } = await only(store, 'A1');
  assert.deepEqual([lastSeenAtMs, priceNowCents], [startMs + hourMs, 700]);
});

test('a duplicate within a page counts once', async () => {
  await using store = await TestStore.open();
  const rows = passing(dealRow('A1'), dealRow('A2'), dealRow('A1', { priceCents: 5 }));
  const counts = await store.writer.storePage(pageOf(rows));
  assert.deepEqual([counts.rows, counts.fresh], [2, 2]);
  assert.equal((await only(store, 'A1')).priceNowCents, 5);
});

test('one product is another deal in another domain or of another price type', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1'), dealRow('A1', { priceType: 1 }))));
  await store.writer.storePage(
    pageOf(passing(dealRow('A1', { priceCents: 77 })), { feed: { ...toys, domainId: 3 } }),
  );
  const deals = await store.reader.deal('A1');
  assert.deepEqual(
    deals.map((deal) => [deal.domainId, deal.priceType, deal.priceNowCents]),
    [
      [1, 1, 1_200],
      [1, 2, 1_200],
      [3, 2, 77],
    ],
  );
  assert.equal((await store.reader.deal('A1', 3)).length, 1);
});

test('two feeds that list one row share the deal and keep their own listing of it', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1'), dealRow('A2'))));
  const later = { feed: toys, seenAtMs: startMs + hourMs };
  const counts = await store.writer.storePage(pageOf(passing(dealRow('A1')), later));
  assert.deepEqual([counts.fresh, counts.known], [0, 1]);
  assert.equal((await only(store, 'A1')).feed, 'toys');
  const feeds = await store.reader.feeds();
  assert.deepEqual(
    feeds.map(({ name, rows }) => [name, rows]),
    [
      ['books', 2],
      ['toys', 1],
    ],
  );
  const listed = store.outside(`select feeds.name, listings.last_seen_at_ms - ${startMs} as ms
    from listings join feeds on feeds.id = listings.feed_id join deals on deals.id = deal_id
    where asin = 'A1' order by name`);
  assert.deepEqual(listed, [
    { name: 'books', ms: 0 },
    { name: 'toys', ms: hourMs },
  ]);
  assert.equal((await store.reader.deals({ states: 'all', feed: 'books' })).length, 2);
});

test('the watermark is the newest creation date, never beyond the seeing, never back', async () => {
  await using store = await TestStore.open();
  const watermark = async (createdAtMs: number | undefined, seenAtMs: number) => {
    const row = dealRow('A1', { createdAtMs });
    await store.writer.storePage(pageOf(passing(row), { seenAtMs }));
    const [feed] = await store.reader.feeds();
    return feed?.watermarkMs;
  };
  assert.equal(await watermark(undefined, startMs), undefined);
  assert.equal(await watermark(startMs - 50, startMs), startMs - 50);
  assert.equal(await watermark(startMs + 60_000, startMs), startMs);
  assert.equal(await watermark(startMs - 500, startMs + 5), startMs);
});

test('only a head poll dates the head', async () => {
  await using store = await TestStore.open();
  const sweep = await store.writer.beginSweep(books, { atMs: startMs, plannedMs: 1_000 });
  const sweepPage = { sweep: { number: sweep.number, page: 0 } };
  await store.writer.storePage(pageOf(passing(dealRow('A1')), sweepPage));
  assert.equal((await store.reader.feeds())[0]?.lastHeadAtMs, undefined);
  await store.writer.storePage(pageOf(passing(dealRow('A1')), { seenAtMs: startMs + 9 }));
  assert.equal((await store.reader.feeds())[0]?.lastHeadAtMs, startMs + 9);
});

test('a page of a feed that nobody made known is refused', async () => {
  await using store = await TestStore.open();
  const feed = { ...books, name: 'unknown' };
  await assert.rejects(store.writer.storePage(pageOf([], { feed })), /"unknown" is not known/);
});

test('times with fractions are stored as whole milliseconds', async () => {
  await using store = await TestStore.open();
  await store.writer.storePage(pageOf(passing(dealRow('A1')), { seenAtMs: startMs + 0.75 }));
  assert.equal((await only(store, 'A1')).lastSeenAtMs, startMs);
});

test('a page larger than a statement takes is stored whole', async () => {
  await using store = await TestStore.open();
  const rows = Array.from({ length: 601 }, (_, i) => dealRow(`A${i}`));
  assert.equal((await store.writer.storePage(pageOf(passing(...rows)))).fresh, 601);
  assert.equal((await store.writer.storePage(pageOf(passing(...rows)))).known, 601);
  assert.equal((await store.reader.countByState()).total, 601);
});

for (const bad of [
  { priceCents: 12.5 },
  { priceCents: -1 },
  { amazonCents: -2 },
  { averageCents: { quarter: 0.1 } },
  { rankDrops: { days30: -1 } },
  { newOffers: -1 },
]) {
  test(`the database refuses ${JSON.stringify(bad)}, and the whole page with it`, async () => {
    await using store = await TestStore.open();
    const rows = passing(dealRow('A1'), dealRow('A2', bad));
    await assert.rejects(store.writer.storePage(pageOf(rows)), { code: /^SQLITE_CONSTRAINT/ });
    assert.equal((await store.reader.countByState()).total, 0);
  });
}

test('a row that one feed wants is not rejected by another feed that lists it later', async () => {
  await using store = await TestStore.open();
  const row = dealRow('A1');
  const rejected = { row, rejectedFor: 'below-min-price' };
  await store.writer.storePage(pageOf(passing(row)));
  await store.writer.storePage(pageOf([rejected], { feed: toys }));
  const [wanted] = await store.reader.deal('A1');
  assert.deepEqual([wanted?.state, wanted?.feed], ['candidate', 'books']);
  await store.writer.storePage(pageOf([rejected]));
  const [unwanted] = await store.reader.deal('A1');
  assert.equal(unwanted?.state, 'rejected', 'when every feed that lists it rejects it');
  const muchLater = startMs + 25 * 3_600_000;
  await store.writer.storePage(pageOf(passing(row)));
  await store.writer.storePage(pageOf([rejected], { feed: toys, seenAtMs: muchLater }));
  const [alone] = await store.reader.deal('A1');
  assert.equal(alone?.state, 'rejected', 'a listing of yesterday keeps nothing');
});
