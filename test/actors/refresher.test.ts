/** The refresher: only a complete answer says anything about a row that the listings lack. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Feed } from '../../src/actors/feed.ts';
import { rejudgeAll } from '../../src/actors/kept-evidence.ts';
import { refresherPass } from '../../src/actors/refresher.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import type { Product } from '../../src/keepa/product.ts';
import type { FeedIdentity } from '../../src/store/ports.ts';
import { sweepOf } from '../store/judging-fixture.ts';
import { books, startMs } from '../store/store-fixture.ts';
import {
  asinOf,
  hourMs,
  JudgingWorld,
  listed,
  offerAt,
  sellingProduct,
  withOffers,
} from './judging-world.ts';

const minuteMs = 60_000;
const feed: Feed = {
  name: books.name,
  query: parseDealQuery({}, { domainId: 1, priceType: 2 }),
  screen: { maxPriceCents: 2_000 },
};

/** What Keepa tells now of a product at `usedCents`; undefined: no copy is offered. */
function productAt(asin: string, usedCents: number | undefined, priceType = 2): Product {
  const price = { averageCents: {}, ...(usedCents === undefined ? {} : { nowCents: usedCents }) };
  const prices = new Map([[priceType, price]]);
  return { ...sellingProduct(asin), listing: { prices, averageRank: {}, rankDrops: {} } };
}

/** Rows that the first sweep listed and the second lacks, besides one that both list. */
async function missingRows(
  world: JudgingWorld,
  count: number,
  identity: FeedIdentity = books,
): Promise<readonly string[]> {
  const missing = Array.from({ length: count }, (_, index) => asinOf(index + 1));
  const options = { feed: identity };
  await sweepOf(world.store, [...missing, asinOf(999)], { ...options, atMs: startMs });
  await sweepOf(world.store, [asinOf(999)], { ...options, atMs: startMs + hourMs });
  await world.clock.advanceTo(startMs + 2 * hourMs);
  return missing;
}

async function dueAsins({ store, clock }: JudgingWorld): Promise<readonly string[]> {
  const due = await store.reader.recheckDue({ nowMs: clock.now(), limit: 99 });
  return due.map(({ asin }) => asin);
}

function refresher(world: JudgingWorld, feeds: readonly Feed[] = [feed]) {
  return refresherPass({ ...world.options, feeds });
}

test('asks about rows that are missing and no others, once each, for a token each', async () => {
  await using world = await JudgingWorld.open();
  const missing = await missingRows(world, 3);
  for (const asin of missing) world.keepa.shelf.products.set(asin, productAt(asin, 5_000));
  const [counts, ...others] = await world.work(refresher(world));
  assert.deepEqual(others, []);
  assert.deepEqual([counts?.asked, counts?.passing, counts?.failing, counts?.tokens], [3, 0, 3, 3]);
  assert.deepEqual(
    world.keepa.productCalls.map(({ asins }) => asins),
    [missing],
  );
  assert.deepEqual(await dueAsins(world), []);
  for (const asin of missing) {
    assert.equal((await world.deal(asin)).state, 'candidate', 'the refresher ends nothing');
    assert.ok(await world.store.reader.evidence({ domainId: 1, asin }), 'it brought evidence');
  }
});

test('a product passes by the screen of the feed that listed its row', async () => {
  await using world = await JudgingWorld.open();
  const [cheap = '', dear = '', gone = ''] = await missingRows(world, 3);
  world.keepa.shelf.products.set(cheap, productAt(cheap, 2_000));
  world.keepa.shelf.products.set(dear, productAt(dear, 2_001));
  world.keepa.shelf.products.set(gone, productAt(gone, undefined));
  const [counts] = await world.work(refresher(world));
  assert.deepEqual([counts?.passing, counts?.failing], [1, 2]);
});

test('an answer that says too little is a retry with growing spacing, and no verdict', async () => {
  await using world = await JudgingWorld.open();
  const [missing = '', faulty = '', untold = '', blind = ''] = await missingRows(world, 4);
  world.keepa.shelf.faults.set(faulty, { asin: faulty, why: 'stats.current: odd' });
  world.keepa.shelf.products.set(untold, sellingProduct(untold));
  const { history: _, ...without } = productAt(blind, 5_000);
  world.keepa.shelf.products.set(blind, without);
  const pass = refresher(world);
  const [counts] = await world.work(pass);
  assert.deepEqual([counts?.passing, counts?.failing, counts?.retry], [0, 0, 4]);
  assert.deepEqual(await dueAsins(world), [], 'not at once again');
  await world.clock.advanceBy(6 * minuteMs);
  assert.deepEqual(await dueAsins(world), [missing, faulty, untold, blind]);
  await world.work(pass);
  await world.clock.advanceBy(6 * minuteMs);
  assert.deepEqual(await dueAsins(world), [], 'twice the wait the second time');
  await world.clock.advanceBy(6 * minuteMs);
  assert.equal((await dueAsins(world)).length, 4);
  const { rejected, retries, processed } = await world.store.reader.judgingTotals();
  assert.deepEqual([rejected, retries, processed], [{}, 8, 8]);
});

test('a row that never yields anything blocks none behind it', async () => {
  await using world = await JudgingWorld.open();
  const [never = '', other = ''] = await missingRows(world, 2);
  const pass = refresher(world);
  await world.work(pass);
  world.keepa.shelf.products.set(other, productAt(other, 5_000));
  await world.clock.advanceBy(6 * minuteMs);
  await world.work(pass);
  await world.clock.advanceBy(20 * minuteMs);
  assert.deepEqual(await dueAsins(world), [never]);
});

test('a judged row is judged again at its present price', async () => {
  await using world = await JudgingWorld.open();
  const [asin = ''] = await missingRows(world, 1);
  world.keepa.shelf.products.set(asin, {
    ...sellingProduct(asin),
    ...withOffers(),
  });
  await world.pass(world.analyst);
  assert.equal((await world.deal(asin)).state, 'accepted');
  world.keepa.shelf.products.set(asin, productAt(asin, 4_900));
  await world.work(refresher(world));
  const deal = await world.deal(asin);
  assert.deepEqual([deal.state, deal.reason], ['rejected', 'below-margin']);
});

/** A row at 1,200, judged, with these offers; the last sweep lacks it. */
async function missingJudgedRow(offers: Partial<Product>): Promise<[JudgingWorld, string]> {
  const world = await JudgingWorld.open();
  const asin = asinOf(1);
  world.keepa.shelf.products.set(asin, { ...sellingProduct(asin), ...offers });
  await sweepOf(world.store, [asin, asinOf(999)], { atMs: startMs });
  await world.work();
  await sweepOf(world.store, [asinOf(999)], { atMs: startMs + hourMs });
  await world.clock.advanceTo(startMs + 2 * hourMs);
  return [world, asin];
}

async function shown(world: JudgingWorld, asin: string) {
  const { state, reason, priceNowCents, verifiedCents } = await world.deal(asin);
  return [state, reason, priceNowCents, verifiedCents];
}

test('the row takes the price at which it was judged, and its live offer is void', async () => {
  const [world, asin] = await missingJudgedRow(withOffers(offerAt(900, 0)));
  await using _ = world;
  assert.deepEqual(await shown(world, asin), ['accepted', undefined, 1_200, 900]);
  world.keepa.shelf.products.set(asin, productAt(asin, 4_900));
  await world.work(refresher(world));
  const rechecked = ['rejected', 'below-margin', 4_900, undefined];
  assert.deepEqual(await shown(world, asin), rechecked);
  await rejudgeAll({ ...world.rejudging, signal: new AbortController().signal });
  assert.deepEqual(await shown(world, asin), rechecked, 'and so it is judged from then on');
});

test('a row that had no price when it was missing is judged when it is listed again', async () => {
  const [world, asin] = await missingJudgedRow(withOffers(offerAt(900, 0)));
  await using _ = world;
  world.keepa.shelf.products.set(asin, productAt(asin, undefined));
  await world.work(refresher(world));
  const unpriced = ['insufficient', 'no-price-now', undefined, undefined];
  assert.deepEqual(await shown(world, asin), unpriced);
  const { spent } = world.keepa;
  await world.list({ row: listed(asin) });
  await world.pass(world.analyst);
  assert.deepEqual(await shown(world, asin), ['accepted', undefined, 1_200, 900]);
  assert.equal(world.keepa.spent, spent, 'for nothing');
});

test('a price that was listed while a re-check was under way is not overwritten', async () => {
  for (const listedCents of [1_100, 1_200]) {
    const [world, asin] = await missingJudgedRow(withOffers(offerAt(900, 0)));
    await using _ = world;
    world.keepa.shelf.products.set(asin, productAt(asin, 4_900));
    const store = world.store.writer.storeJudgements;
    world.storeJudgements = async (batch) => {
      await world.list({ row: listed(asin, listedCents) });
      await store(batch);
    };
    await world.pass(refresher(world));
    world.storeJudgements = undefined;
    assert.equal((await world.deal(asin)).priceNowCents, listedCents);
    await world.pass(world.analyst);
    const [state, , priceNowCents] = await shown(world, asin);
    assert.deepEqual([state, priceNowCents], ['accepted', listedCents], 'judged as it is listed');
  }
});

test('a row that nobody judged takes the price as well', async () => {
  await using world = await JudgingWorld.open();
  const [asin = ''] = await missingRows(world, 1);
  world.keepa.shelf.products.set(asin, productAt(asin, 4_900));
  await world.work(refresher(world));
  await world.work();
  assert.deepEqual(await shown(world, asin), ['rejected', 'below-margin', 4_900, undefined]);
});

test('a re-check at the listed price does not bring back an offer that was not there', async () => {
  const [world, asin] = await missingJudgedRow(withOffers());
  await using _ = world;
  world.keepa.shelf.products.set(asin, productAt(asin, 1_200));
  await world.work(refresher(world));
  assert.deepEqual(await shown(world, asin), ['rejected', 'no-live-offer', 1_200, undefined]);
});

test('an accepted row is looked at before those that were rejected', async () => {
  await using world = await JudgingWorld.open({ ratePerMinute: 1 });
  const missing = await missingRows(world, 20);
  const accepted = missing.at(-1) ?? '';
  world.store.outside(`update deals set state = 'rejected', reason = 'below-margin',
    candidate_since_ms = null, judged_at_ms = 7`);
  world.store.outside(`update deals set state = 'accepted', reason = null, judged_at_ms = 7
    where asin = '${accepted}'`);
  const pass = refresher(world);
  await world.work(pass);
  const [first] = world.keepa.productCalls;
  assert.ok(first?.asins.includes(accepted) && first.asins.length <= 6, 'what its class can pay');
});

test('a price that only offers tell is asked for with offers, ten products at a time', async () => {
  await using world = await JudgingWorld.open();
  const identity: FeedIdentity = { name: 'box', domainId: 1, priceType: 32, queryHash: 'q3' };
  await world.store.writer.syncFeeds([identity], startMs);
  const missing = await missingRows(world, 12, identity);
  for (const asin of missing) {
    world.keepa.shelf.products.set(asin, { ...productAt(asin, 1_000, 32), ...withOffers() });
  }
  const counts = await world.work(refresher(world, [{ ...feed, name: 'box' }]));
  assert.deepEqual(
    counts.map(({ passing }) => passing),
    [10, 2],
  );
  assert.ok(world.keepa.productCalls.every(({ offers }) => offers === 20));
});

test('of a feed that is no longer configured a row passes as long as it has a price', async () => {
  await using world = await JudgingWorld.open();
  const [priced = '', gone = ''] = await missingRows(world, 2);
  world.keepa.shelf.products.set(priced, productAt(priced, 90_000));
  world.keepa.shelf.products.set(gone, productAt(gone, undefined));
  const [counts] = await world.work(refresher(world, []));
  assert.deepEqual([counts?.passing, counts?.failing], [1, 1]);
});

test('a product of which Keepa records nothing does not pass, by the seventh answer', async () => {
  await using world = await JudgingWorld.open();
  const [asin = ''] = await missingRows(world, 1);
  world.keepa.shelf.products.set(asin, sellingProduct(asin));
  await world.pass(world.analyst);
  const before = await world.store.reader.evidence({ domainId: 1, asin });
  const { history: _, amazon: __, ...empty } = sellingProduct(asin);
  const pass = refresher(world);
  // What is missing, and a history that is not, say nothing about that.
  world.keepa.shelf.products.delete(asin);
  await world.work(pass);
  world.keepa.shelf.products.set(asin, empty);
  await world.clock.advanceBy(24 * hourMs);
  await world.work(pass);
  world.keepa.shelf.products.set(asin, { ...empty, productType: 3 });
  for (let answers = 1; answers < 7; answers += 1) {
    await world.clock.advanceBy(24 * hourMs);
    const [counts] = await world.work(pass);
    assert.deepEqual([counts?.failing, counts?.retry], [0, 1], `answer ${answers}`);
  }
  await world.clock.advanceBy(24 * hourMs);
  const [counts] = await world.work(pass);
  assert.deepEqual([counts?.failing, counts?.retry], [1, 0]);
  assert.deepEqual(await dueAsins(world), [], 'it is looked at no more');
  assert.equal((await world.deal(asin)).state, 'accepted', 'the refresher ends nothing');
  assert.deepEqual(await world.store.reader.evidence({ domainId: 1, asin }), before);
});
