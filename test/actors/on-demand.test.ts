/** One product bought because somebody asks: paid by its own class, judged like every other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buyOnDemand, type Demand } from '../../src/actors/on-demand.ts';
import { pageOf } from '../store/store-fixture.ts';
import {
  asinOf,
  JudgingWorld,
  listed,
  listedWorld,
  offerAt,
  refuse,
  sellingProduct,
  withOffers,
} from './judging-world.ts';

const asin = asinOf(1);

/** Asks for the product, and lets as much time pass as it takes. */
async function ask(
  world: JudgingWorld,
  change: Partial<Demand> = {},
): Promise<Awaited<ReturnType<typeof buyOnDemand>> & { readonly queued: number }> {
  const { costs, acceptance } = world.options;
  let queued = 0;
  let ended: Awaited<ReturnType<typeof buyOnDemand>> | undefined;
  const buying = buyOnDemand(world.options, {
    domainId: 1,
    asin,
    isVerifying: false,
    rules: { costs, acceptance },
    signal: new AbortController().signal,
    onQueued: () => {
      // The request is in the queue by now, and nothing has been sent.
      queued = world.broker.snapshot().classes.interactive.queued;
    },
    ...change,
  }).then((result) => {
    ended = result;
  });
  for (let seconds = 0; ended === undefined && seconds < 3_600; seconds += 1) {
    await world.clock.advanceBy(1_000);
  }
  await buying;
  assert(ended !== undefined);
  return { ...ended, queued };
}

test('a candidate is judged out of turn, in the class that is kept for people', async () => {
  await using world = await listedWorld(sellingProduct(asin));
  const { queued } = await ask(world);
  assert.equal(queued, 1);
  assert.equal((await world.deal(asin)).state, 'accepted');
  assert.equal(world.keepa.spent, 1);
  const [call] = world.keepa.productCalls;
  assert.deepEqual([call?.asins, call?.offers], [[asin], undefined]);
});

test('with its offers it is verified as well', async () => {
  await using world = await listedWorld(sellingProduct(asin, 5_000, withOffers(offerAt(900, 99))));
  await ask(world, { isVerifying: true });
  const deal = await world.deal(asin);
  assert.deepEqual([deal.state, deal.verifiedCents], ['accepted', 999]);
  assert.equal(world.keepa.spent, 7);
});

test('a new history alone leaves a verified row at the price of its offer', async () => {
  await using world = await listedWorld(sellingProduct(asin, 5_000, withOffers(offerAt(900, 99))));
  await ask(world, { isVerifying: true });
  const { profitCents } = await world.deal(asin);
  await ask(world);
  const deal = await world.deal(asin);
  assert.deepEqual([deal.profitCents, deal.verifiedCents], [profitCents, 999]);
});

test('a new history alone does not bring back an offer that was looked for in vain', async () => {
  await using world = await listedWorld(sellingProduct(asin, 5_000, withOffers()));
  await ask(world, { isVerifying: true });
  await ask(world);
  const deal = await world.deal(asin);
  assert.deepEqual([deal.state, deal.reason], ['rejected', 'no-live-offer']);
});

test('an answer that is not complete changes nothing, and says so', async () => {
  await using world = await listedWorld();
  const result = await ask(world);
  assert('counts' in result);
  assert.equal(result.counts.retry, 1);
  assert.equal((await world.deal(asin)).state, 'candidate');
});

test('what Keepa refuses is told with its reason', async () => {
  await using world = await listedWorld(sellingProduct(asin));
  world.keepa.mishap = refuse;
  const result = await ask(world);
  assert('trouble' in result);
  assert.match(result.trouble?.why ?? '', /refuses product/);
  assert.equal((await world.deal(asin)).state, 'candidate');
});

test('nothing is bought for a row on which no verdict is due', async () => {
  await using world = await JudgingWorld.open();
  const refusal = async (): Promise<string> => {
    const result = await ask(world);
    assert('refused' in result);
    return result.refused;
  };
  assert.match(await refusal(), /never seen/);
  const row = listed(asin);
  await world.store.writer.storePage(pageOf([{ row, rejectedFor: 'no-rank' }]));
  assert.match(await refusal(), /turns the row down \(screen:no-rank\)/);
  world.store.outside(`update deals set state = 'ended', reason = null`);
  assert.match(await refusal(), /has ended/);
  assert.deepEqual(world.keepa.productCalls, []);
});
