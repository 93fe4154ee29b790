/**
 * What is not whole: how often it is asked for, what counts as having been answered alike, and
 * what is made of a product that is believed to lack something.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Product } from '../../src/keepa/product.ts';
import {
  asinOf,
  hourMs,
  type JudgingWorld,
  listed,
  listedWorld,
  offerAt,
  sellingProduct,
  withOffers,
} from './judging-world.ts';

const asin = asinOf(1);
const minuteMs = 60_000;
/** The waits between seven tries, and none before the first. */
const waitsMinutes = [0, 5, 10, 20, 40, 80, 160];

const whole = sellingProduct(asin);
const { amazon: _, ...capless } = whole;
const halfCapped: Product = { ...whole, amazon: { currentCents: 9_000, isPartial: true } };

/** Asks seven times, as the waits allow; the row must be as it was until the last answer. */
async function askSevenTimes(world: JudgingWorld): Promise<void> {
  for (const waitMinutes of waitsMinutes) {
    assert.equal((await world.deal(asin)).state, 'candidate');
    await world.clock.advanceBy(waitMinutes * minuteMs);
    await world.work();
  }
}

describe('an answer without the prices of Amazon', () => {
  for (const [name, product] of [
    ['no statistics', capless],
    ['statistics that leave some out', halfCapped],
  ] as const) {
    test(`${name}: not a verdict, but asked for again until the seventh time`, async () => {
      await using world = await listedWorld(product);
      await askSevenTimes(world);
      const deal = await world.deal(asin);
      assert.deepEqual([deal.state, deal.reason], ['insufficient', 'unknown-cap']);
      // They would be those of a product that Amazon does not sell.
      assert.deepEqual([deal.listAtCents, deal.profitCents], [undefined, undefined]);
      assert.equal(deal.avg1yCents, 5_000);
      assert.equal(world.keepa.spent, 7, 'no offers were bought');
    });
  }

  test('a whole one in between is judged with its cap', async () => {
    await using world = await listedWorld(capless);
    await world.work();
    world.keepa.shelf.products.set(asin, { ...whole, amazon: { currentCents: 1_500 } });
    await world.clock.advanceBy(5 * minuteMs);
    await world.work();
    const deal = await world.deal(asin);
    assert.deepEqual([deal.listAtCents, deal.reason], [1_350, 'below-margin']);
  });

  test('is never accepted from kept evidence either', async () => {
    await using world = await listedWorld(capless);
    await askSevenTimes(world);
    await world.list({ row: listed(asin, 100) });
    const [round] = await world.work();
    assert.deepEqual([round?.stage, round?.insufficient], ['rejudge', 1]);
    assert.equal((await world.deal(asin)).reason, 'unknown-cap');
  });

  test('rejects what no list-at price below it could save', async () => {
    const { amazon: __, ...cheap } = sellingProduct(asin, 1_300);
    await using world = await listedWorld(cheap);
    await askSevenTimes(world);
    const deal = await world.deal(asin);
    assert.deepEqual([deal.state, deal.reason], ['rejected', 'below-margin']);
  });

  test('says nothing about an accepted row that had them, which keeps its evidence', async () => {
    await using world = await listedWorld(whole);
    await world.pass();
    const before = await world.store.reader.evidence({ domainId: 1, asin });
    world.keepa.shelf.products.set(asin, { ...capless, ...withOffers(offerAt(900, 0)) });
    for (let days = 0; days < 9; days += 1) {
      await world.work();
      assert.equal((await world.deal(asin)).state, 'accepted');
      await world.clock.advanceBy(24 * hourMs);
    }
    assert.deepEqual(await world.store.reader.evidence({ domainId: 1, asin }), before);
    assert.deepEqual((await world.store.reader.judgingTotals()).insufficient, {});
  });

  test('is whole where Keepa records nothing of the product', async () => {
    const { history: __, ...empty } = capless;
    await using world = await listedWorld({ ...empty, productType: 4 });
    await world.work();
    assert.equal((await world.deal(asin)).reason, 'no-history');
    assert.equal(world.keepa.spent, 1);
  });
});

describe('a product that is answered alike', () => {
  const { rank: __, ...rankless } = whole.history ?? assert.fail('it has a history');
  const partial: Product = { ...whole, history: rankless };

  test('twice without ranks has none; a missing answer was no answer', async () => {
    await using world = await listedWorld();
    await world.work();
    world.keepa.shelf.products.set(asin, partial);
    await world.clock.advanceBy(5 * minuteMs);
    await world.work();
    assert.equal((await world.deal(asin)).state, 'candidate', 'answered once so far');
    await world.clock.advanceBy(10 * minuteMs);
    await world.work();
    assert.equal((await world.deal(asin)).reason, 'no-rank-history');
    assert.equal(world.keepa.spent, 2);
  });

  test('is not answered twice because its answer was stored twice', async () => {
    await using world = await listedWorld();
    await world.work();
    world.keepa.shelf.products.set(asin, partial);
    let failures = 1;
    world.storeJudgements = async (batch) => {
      await world.store.writer.storeJudgements(batch);
      failures -= 1;
      // Stored, and yet it seems to have failed: it is decided and stored once more.
      if (failures >= 0) throw new Error('disk full');
    };
    await world.clock.advanceBy(5 * minuteMs);
    await world.work();
    assert.ok(failures < 0);
    assert.equal((await world.deal(asin)).state, 'candidate');
  });

  test('once without ranks and then whole has them', async () => {
    await using world = await listedWorld(partial);
    await world.work();
    world.keepa.shelf.products.set(asin, whole);
    await world.clock.advanceBy(5 * minuteMs);
    await world.work();
    assert.equal((await world.deal(asin)).state, 'accepted');
    assert.deepEqual((await world.store.reader.judgingTotals()).insufficient, {});
  });

  test('is taken as such at once when it is bought again', async () => {
    await using world = await listedWorld(partial);
    await world.work();
    await world.clock.advanceBy(5 * minuteMs);
    await world.work();
    const { spent } = world.keepa;
    world.store.outside('update deals set evidence_at_ms = 1');
    world.store.outside('update evidence set bought_at_ms = 1');
    await world.list({ row: listed(asin, 900) });
    await world.work(world.backlog);
    await world.work();
    assert.ok(world.keepa.spent <= spent + 1);
    assert.equal((await world.deal(asin)).reason, 'no-rank-history');
  });

  test('six times without history needs one more, whatever else went wrong', async () => {
    const { history: ___, ...unseen } = whole;
    await using world = await listedWorld();
    for (let days = 0; days < 3; days += 1) {
      await world.work();
      await world.clock.advanceBy(24 * hourMs);
      await world.work(world.backlog);
    }
    world.keepa.shelf.products.set(asin, unseen);
    for (let answers = 0; answers < 6; answers += 1) {
      await world.clock.advanceBy(24 * hourMs);
      await world.work(world.backlog);
      assert.equal((await world.deal(asin)).state, 'candidate', `after ${answers + 1}`);
    }
    await world.clock.advanceBy(24 * hourMs);
    await world.work(world.backlog);
    assert.equal((await world.deal(asin)).reason, 'no-history');
  });
});
