/**
 * Bought products on the real store and the real broker: what an answer that is not whole leaves as
 * it was, and how what yields nothing comes back.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buyOnDemand } from '../../src/actors/on-demand.ts';
import { buyProducts, type Decided } from '../../src/actors/product-purchase.ts';
import type { DealQuery } from '../../src/keepa/deal-query.ts';
import type { History, Product } from '../../src/keepa/product.ts';
import type { WorkRow } from '../../src/store/judging-ports.ts';
import {
  asinOf,
  hourMs,
  JudgingWorld,
  listed,
  listedWorld,
  offerAt,
  refuse,
  sellingProduct,
  withOffers,
} from './judging-world.ts';

const asin = asinOf(1);
const minuteMs = 60_000;
const pageQuery: DealQuery = {
  domainId: 1,
  priceType: 2,
  sortType: 4,
  selection: {},
  hash: 'q1',
};

describe('an incomplete answer is never a verdict (P9)', () => {
  const whole = sellingProduct(asin);
  const { history: _, ...unseen } = whole;
  const rankless = without('rank');
  const countless = without('countUsed');

  test('a fresh candidate that is missing, unreadable or without history stays one', async () => {
    for (const partial of ['missing', 'faulty', 'no history'] as const) {
      await using world = await listedWorld(partial === 'no history' ? unseen : undefined);
      if (partial === 'faulty') world.keepa.shelf.faults.set(asin, { asin, why: 'garbled' });
      const round = await world.pass();
      assert.deepEqual([round.counts.retry, round.counts.rejected], [1, 0], partial);
      assert.equal((await world.deal(asin)).state, 'candidate', partial);
      assert.equal(await world.store.reader.evidence({ domainId: 1, asin }), undefined, partial);
      assert.deepEqual((await world.store.reader.judgingTotals()).rejected, {}, partial);
    }
  });

  const lost: readonly (readonly [string, Product])[] = [
    ['the history', unseen],
    ['the sales ranks', rankless],
    ['the offer counts', countless],
  ];
  for (const [part, answer] of lost) {
    test(`an accepted row keeps verdict and evidence when ${part} went away`, async () => {
      await using world = await listedWorld(sellingProduct(asin, 5_000, withOffers()));
      await world.pass();
      const before = await world.store.reader.evidence({ domainId: 1, asin });
      world.keepa.shelf.products.set(asin, { ...answer, ...withOffers(offerAt(900, 0)) });
      const { counts } = await world.pass();
      assert.deepEqual([counts.stage, counts.retry, counts.processed], ['verify', 1, 1]);
      assert.equal((await world.deal(asin)).state, 'accepted');
      assert.deepEqual(await world.store.reader.evidence({ domainId: 1, asin }), before);
    });
  }

  test('a product that became inaccessible had a history: its absence says nothing', async () => {
    await using world = await listedWorld(sellingProduct(asin, 1_300));
    await world.work();
    world.keepa.shelf.products.set(asin, { ...unseen, productType: 3 });
    await world.clock.advanceBy(8 * 24 * hourMs);
    await world.list({ row: listed(asin, 900) });
    await world.work();
    for (let tries = 0; tries < 10; tries += 1) {
      await world.work(world.backlog);
      await world.clock.advanceBy(24 * hourMs);
    }
    assert.equal((await world.deal(asin)).reason, 'below-margin');
    assert.deepEqual((await world.store.reader.judgingTotals()).insufficient, {});
    assert.equal(world.keepa.productCalls.length, 11, 'it is asked for once a day');
  });

  test('offers that Keepa could not refresh say nothing, and are asked for again', async () => {
    const stale = { offers: [], offersFresh: false };
    await using world = await listedWorld(sellingProduct(asin, 5_000, stale));
    const [, verify] = await world.work();
    assert.deepEqual([verify?.stage, verify?.retry], ['verify', 1]);
    const deal = await world.deal(asin);
    assert.deepEqual([deal.state, deal.verifiedAtMs], ['accepted', undefined]);
    world.keepa.shelf.products.set(asin, sellingProduct(asin, 5_000, withOffers(offerAt(9, 0))));
    await world.clock.advanceBy(5 * minuteMs);
    await world.work();
    assert.equal((await world.deal(asin)).verifiedCents, 9);
  });

  test('an inaccessible product has no history, which is a reason', async () => {
    await using world = await listedWorld({ ...unseen, productType: 3 });
    await world.work();
    const deal = await world.deal(asin);
    assert.deepEqual([deal.state, deal.reason], ['insufficient', 'no-history']);
  });

  test('an ordinary one is believed to have none at the seventh time of asking', async () => {
    await using world = await listedWorld(unseen);
    for (const waitMinutes of [0, 5, 10, 20, 40, 80, 160]) {
      assert.equal((await world.deal(asin)).state, 'candidate');
      await world.clock.advanceBy(waitMinutes * minuteMs);
      await world.work();
    }
    assert.equal((await world.deal(asin)).reason, 'no-history');
    assert.equal(world.keepa.productCalls.length, 7);
  });

  test('a history that is there and says nothing has a reason for each lack', async () => {
    const lacks: readonly (readonly [string, Product])[] = [
      ['no-offer-counts', { ...whole, history: { other: new Map() } }],
      ['no-rank-history', rankless],
    ];
    for (const [reason, product] of lacks) {
      await using world = await listedWorld(product);
      await world.work();
      assert.equal((await world.deal(asin)).state, 'candidate', 'it is asked for once more');
      await world.clock.advanceBy(5 * minuteMs);
      await world.work();
      const deal = await world.deal(asin);
      assert.deepEqual([deal.state, deal.reason], ['insufficient', reason]);
      assert.equal(world.keepa.spent, 2);
    }
  });
});

describe('what yields nothing', () => {
  test('comes back in halves, then singly, and holds nobody up', async () => {
    await using world = await JudgingWorld.open();
    const missing = Array.from({ length: 100 }, (_, n) => asinOf(n + 100));
    await world.list(...missing.map((other) => ({ row: listed(other), promise: 1_000 })));
    const sizes: number[] = [];
    for (let hour = 0; hour < 8; hour += 1) {
      const before = world.keepa.productCalls.length;
      await world.work(world.analyst, 200);
      sizes.push(...world.keepa.productCalls.slice(before).map(({ asins }) => asins.length));
      await world.clock.advanceBy(hourMs);
      // One that is there is through at the first pass after it was listed.
      const found = asinOf(hour);
      world.keepa.shelf.products.set(found, sellingProduct(found, 1_300));
      await world.list({ row: listed(found) });
    }
    const ofMissing = sizes.filter((size) => size > 0);
    assert.deepEqual(ofMissing.slice(0, 1), [100]);
    assert.ok(ofMissing.includes(50) && ofMissing.includes(25) && ofMissing.includes(12));
    assert.equal(ofMissing.at(-1), 1);
    assert.equal((await world.deal(asinOf(6))).state, 'rejected');
    assert.equal(world.keepa.spent, 7, 'what is missing costs nothing');
  });

  test('one product that Keepa refuses to answer is alone with itself in the end', async () => {
    await using world = await JudgingWorld.open();
    const others = Array.from({ length: 7 }, (_, n) => asinOf(n + 10));
    for (const other of others) world.keepa.shelf.products.set(other, sellingProduct(other, 1_300));
    world.keepa.mishap = (call) =>
      call.endpoint === 'product' && call.asins.includes(asin) ? refuse(call) : undefined;
    await world.list(...[asin, ...others].map((one) => ({ row: listed(one) })));
    for (let hour = 0; hour < 24; hour += 1) {
      await world.work();
      await world.clock.advanceBy(hourMs);
    }
    for (const other of others) assert.equal((await world.deal(other)).state, 'rejected');
    assert.equal((await world.deal(asin)).state, 'candidate');
  });

  test('and dies with nobody else asking waits its turn, once others were answered', async () => {
    await using world = await JudgingWorld.open();
    let isOthersTurn = false;
    let asked = 0;
    world.keepa.mishap = (call) => {
      if (call.endpoint !== 'product' || !call.asins.includes(asin)) return undefined;
      asked += 1;
      return { kind: 'unavailable', status: 500, why: 'not this one' };
    };
    await world.list({ row: listed(asin) });
    for (let hour = 0; hour < 24; hour += 1) {
      await world.work();
      if (isOthersTurn) {
        const other = asinOf(hour + 10);
        world.keepa.shelf.products.set(other, sellingProduct(other, 1_300));
        await world.list({ row: listed(other), promise: -1 });
        await world.clock.advanceBy(3 * minuteMs);
        await world.work();
        assert.equal((await world.deal(other)).state, 'rejected');
      }
      isOthersTurn = true;
      await world.clock.advanceBy(hourMs);
    }
    // Six attempts a try, and ten tries until the waits add up to a day.
    assert.ok(asked > 12 && asked <= 11 * 6, `asked ${asked} times in a day`);
  });

  test('waits its turn although the store could not write that at first', async () => {
    await using world = await JudgingWorld.open();
    world.keepa.mishap = (call) =>
      call.endpoint === 'product' && call.asins.includes(asin)
        ? { kind: 'unavailable', status: 500, why: 'not this one' }
        : undefined;
    await world.list({ row: listed(asin) });
    await world.pass();
    const other = asinOf(2);
    world.keepa.shelf.products.set(other, sellingProduct(other, 1_300));
    await world.list({ row: listed(other), promise: -1 });
    await world.clock.advanceBy(3 * minuteMs);
    while ((await world.deal(other)).state === 'candidate') await world.pass();
    let failures = 1;
    world.storeJudgements = async (batch) => {
      failures -= 1;
      if (failures >= 0) throw new Error('disk full');
      await world.store.writer.storeJudgements(batch);
    };
    await assert.rejects(world.analyst(new AbortController().signal), /disk full/);
    assert.equal((await world.store.reader.judgingTotals()).retries, 0);
    await world.pass();
    assert.equal((await world.store.reader.judgingTotals()).retries, 1);
  });

  test('in an outage that began while it queued is no row of ours either', async () => {
    await using world = await listedWorld(sellingProduct(asin, 1_300));
    let isDown = false;
    world.keepa.mishap = () =>
      isDown ? { kind: 'unavailable', status: 503, why: 'down' } : undefined;
    // Both are asked for at once, and the first of them is the last that Keepa answers.
    const other = world.broker.request({
      spendClass: 'interactive',
      purpose: 'test',
      call: { endpoint: 'deal', page: 0, query: pageQuery },
      commit: async () => {
        isDown = true;
      },
    });
    await world.clock.advanceBy(1);
    const { counts } = await world.pass();
    assert.equal((await other).kind, 'answered');
    assert.match(String(counts.why), /given up after 6 attempts: down/);
    assert.equal((await world.store.reader.judgingTotals()).retries, 0);
  });

  test('in an outage is no row of ours: nothing is pushed back', async () => {
    await using world = await listedWorld(sellingProduct(asin, 1_300));
    world.keepa.mishap = () => ({ kind: 'unavailable', status: 503, why: 'down' });
    const { counts } = await world.pass();
    assert.match(String(counts.why), /given up after 6 attempts: down/);
    assert.equal((await world.store.reader.judgingTotals()).retries, 0);
    world.keepa.mishap = undefined;
    await world.clock.advanceBy(3 * minuteMs);
    await world.work();
    assert.equal((await world.deal(asin)).state, 'rejected');
  });
});

test('a row that was decided about twice, or not at all, does not go unnoticed', async () => {
  const wrongs: readonly ((row: WorkRow) => Decided)[] = [
    () => ({}),
    ({ domainId, priceType }) => ({ judged: { ...verdict, asin, domainId, priceType }, unsettled }),
  ];
  const unsettled = 'cut';
  const verdict = {
    because: 'new',
    verdict: 'accepted',
    ...{ sales1y: 1, salesCount: 1, offerDrops: 1, sane: 1, marks: [], ruleVersion: 1 },
  } as const;
  for (const wrong of wrongs) {
    await using world = await listedWorld(sellingProduct(asin));
    const nowMs = world.clock.now();
    const due = { kind: 'fresh', nowMs, freshSinceMs: 0, evidenceSinceMs: 0, limit: 9 } as const;
    const rows = await world.store.reader.historyDue(due);
    const buying = buyProducts(world.options, {
      spendClass: 'upsert',
      purpose: 'history',
      batch: { domainId: 1, asins: [asin], rows },
      wish: { history: true },
      decide: wrong,
      signal: new AbortController().signal,
    });
    const refused = assert.rejects(buying, /every row that was asked about is counted once/);
    await world.clock.advanceBy(minuteMs);
    await refused;
  }
});

test('a live offer of a row without a price is no price of its listing', async () => {
  await using world = await JudgingWorld.open();
  world.keepa.shelf.products.set(asin, sellingProduct(asin, 5_000, withOffers(offerAt(900, 0))));
  await world.list({ row: listed(asin, 1_200, { priceCents: undefined }) });
  const demand = { domainId: 1, asin, isVerifying: true, rules: world.rejudging.rules };
  const signal = new AbortController().signal;
  const buying = buyOnDemand(world.options, { ...demand, signal, onQueued: () => {} });
  await world.clock.advanceBy(minuteMs);
  await buying;
  const { state, verifiedCents } = await world.deal(asin);
  assert.deepEqual([state, verifiedCents], ['accepted', 900]);
  const due = await world.store.reader.rejudgeDue({ evidenceSinceMs: 0, limit: 9 });
  assert.deepEqual(due, [], 'its listing did not change');
});

test('an answer whose storing fails at first is stored once', async () => {
  await using world = await listedWorld(sellingProduct(asin, 1_300));
  let failures = 2;
  world.storeJudgements = async (batch) => {
    await world.store.writer.storeJudgements(batch);
    failures -= 1;
    // Stored, and yet it seems to have failed: the broker will store it again.
    if (failures >= 0) throw new Error('disk full');
  };
  await world.pass();
  const totals = await world.store.reader.judgingTotals();
  assert.deepEqual([totals.processed, totals.rejected], [1, { 'below-margin': 1 }]);
  assert.equal(world.keepa.productCalls.length, 1);
});

describe('an answer that cannot be stored', () => {
  const spoiling = asinOf(3);

  /** Storing what is decided of `spoiling` fails for its data, as an odd figure would. */
  async function spoiled(): Promise<JudgingWorld> {
    const world = await JudgingWorld.open();
    const asins = [1, 2, 3, 4].map(asinOf);
    for (const one of asins) world.keepa.shelf.products.set(one, sellingProduct(one, 1_300));
    await world.list(...asins.map((one) => ({ row: listed(one) })));
    world.storeJudgements = async (batch) => {
      if (batch.judged.some((deal) => deal.asin === spoiling)) {
        throw new TypeError('cannot store REAL value in INTEGER column');
      }
      await world.store.writer.storeJudgements(batch);
    };
    return world;
  }

  test('has its rows back in ever smaller company, and only the odd one stays', async () => {
    await using world = await spoiled();
    const first = await world.pass();
    assert.deepEqual([first.counts.retry, first.counts.tokens], [4, 4]);
    assert.match(String(first.counts.why), /cannot be stored: cannot store REAL value/);
    assert.equal((await world.store.reader.judgingTotals()).retries, 4);
    for (let hour = 0; hour < 24; hour += 1) {
      await world.work();
      await world.clock.advanceBy(hourMs);
    }
    for (const number of [1, 2, 4]) {
      assert.equal((await world.deal(asinOf(number))).state, 'rejected');
    }
    assert.equal((await world.deal(spoiling)).state, 'candidate');
    const asked = world.keepa.productCalls.filter(({ asins }) => asins.includes(spoiling));
    assert.ok(asked.length <= 11, `asked ${asked.length} times in a day`);
  });
});

/** A selling product in whose answer one series is empty. */
function without(series: 'rank' | 'countUsed'): Product {
  const product: Product = sellingProduct(asin);
  const history: History = { other: new Map(), ...product.history };
  const empty = { minutes: new Int32Array(0), values: new Float64Array(0) };
  return { ...product, history: { ...history, [series]: empty } };
}
