/** The rules run again over everything that is kept: without a token, bounded, and resumable. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rejudgeAll } from '../../src/actors/kept-evidence.ts';
import {
  asinOf,
  hourMs,
  JudgingWorld,
  listed,
  offerAt,
  sellingProduct,
  withOffers,
} from './judging-world.ts';

const never = new AbortController().signal;
const strict = { costs: {}, acceptance: { minProfitCents: 100_000 } };

/** `count` rows, judged and accepted by their history. */
async function judgedWorld(count: number, change = {}): Promise<JudgingWorld> {
  const world = await JudgingWorld.open();
  const asins = Array.from({ length: count }, (_, number) => asinOf(number));
  for (const asin of asins) {
    world.keepa.shelf.products.set(asin, sellingProduct(asin, 5_000, change));
  }
  await world.list(...asins.map((asin) => ({ row: listed(asin) })));
  while ((await world.store.reader.countByState()).candidate > 0) await world.pass();
  return world;
}

test('changed rules reach every row, without a token', async () => {
  await using world = await judgedWorld(120);
  const { spent } = world.keepa;
  const tally = await rejudgeAll({ ...world.rejudging, rules: strict, signal: never });
  assert.deepEqual(tally, {
    processed: 120,
    saved: 0,
    rejected: 120,
    insufficient: 0,
    retry: 0,
  });
  assert.equal(world.keepa.spent, spent);
  assert.equal((await world.store.reader.countByState()).rejected, 120);
});

test('the same rules give the same verdicts', async () => {
  await using world = await judgedWorld(3);
  const before = await world.deal(asinOf(1));
  await rejudgeAll({ ...world.rejudging, signal: never });
  const { judgedAtMs: _, ...after } = await world.deal(asinOf(1));
  const { judgedAtMs: __, ...first } = before;
  assert.deepEqual(after, first);
});

test('a run that was broken off goes on where it stopped', async () => {
  await using world = await judgedWorld(120);
  const controller = new AbortController();
  const broken = await rejudgeAll({
    ...world.rejudging,
    rules: strict,
    signal: controller.signal,
    onRound: () => controller.abort(),
  });
  assert.ok(broken.processed < 120 && broken.after !== undefined, JSON.stringify(broken));
  const { after } = broken;
  const rest = await rejudgeAll({ ...world.rejudging, rules: strict, after, signal: never });
  assert.equal(broken.processed + rest.processed, 120);
  assert.equal((await world.store.reader.countByState()).rejected, 120);
});

test('a verified row is judged again at what its live offer costs', async () => {
  const change = { offers: [offerAt(1_200, 399)], offersFresh: true };
  await using world = await judgedWorld(1, change);
  await world.work();
  assert.equal((await world.deal(asinOf(0))).profitCents, 2_251);
  await rejudgeAll({ ...world.rejudging, signal: never });
  const deal = await world.deal(asinOf(0));
  assert.deepEqual([deal.profitCents, deal.verifiedCents], [2_251, 1_599]);
  assert.deepEqual(await world.work(), [], 'it is still verified');
});

test('a look that found nothing to buy outlives every rejudge of its listing', async () => {
  const looks = [
    [withOffers(offerAt(900, 0, { condition: 1 })), 'rejected', 'no-live-offer'],
    [withOffers(offerAt(9, undefined)), 'insufficient', 'no-price-now'],
  ] as const;
  for (const [offers, state, reason] of looks) {
    await using world = await judgedWorld(1, offers);
    await world.work();
    const { spent } = world.keepa;
    for (let again = 0; again < 2; again += 1) {
      await rejudgeAll({ ...world.rejudging, signal: never });
      const deal = await world.deal(asinOf(0));
      assert.deepEqual([deal.state, deal.reason, deal.profitCents], [state, reason, undefined]);
      assert.deepEqual(await world.work(), [], 'nothing is bought for it');
    }
    assert.equal(world.keepa.spent, spent);
    await world.clock.advanceBy(hourMs);
    await world.list({ row: listed(asinOf(0), 1_100) });
    await world.pass();
    assert.equal((await world.deal(asinOf(0))).state, 'accepted', 'another price is another look');
  }
});

test('evidence that cannot be read is counted apart and keeps its verdict', async () => {
  await using world = await judgedWorld(3);
  world.store.outside(`update evidence set packed = x'00' where asin = '${asinOf(1)}'`);
  const tally = await rejudgeAll({ ...world.rejudging, rules: strict, signal: never });
  assert.deepEqual([tally.processed, tally.rejected, tally.retry], [3, 2, 1]);
  assert.equal((await world.deal(asinOf(1))).state, 'accepted');
});
