/** What `why` says of a row today is what the daemon would say of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatherFacts } from '../../src/cli/why-facts.ts';
import {
  asinOf,
  type JudgingWorld,
  listedWorld,
  offerAt,
  sellingProduct,
  withOffers,
} from '../actors/judging-world.ts';

async function saidToday({ store, clock, options }: JudgingWorld) {
  const asin = asinOf(1);
  const deals = await store.reader.deal(asin);
  const key = { asin, domainId: 1, deals };
  const facts = await gatherFacts(store.reader, key, { nowMs: clock.now(), config: options });
  const [row] = facts.rows;
  const { verdict, reason } = row?.judgement ?? {};
  assert.deepEqual([verdict, reason], [row?.deal.state, row?.deal.reason]);
  return reason;
}

test('a row without a live offer has none today either, as long as nobody looks', async () => {
  const none = withOffers(offerAt(900, 0, { condition: 1 }));
  await using world = await listedWorld(sellingProduct(asinOf(1), 5_000, none));
  await world.work();
  assert.equal(await saidToday(world), 'no-live-offer');
});

test('a row whose cap is not known is not accepted today either', async () => {
  const { amazon: _, ...product } = sellingProduct(asinOf(1));
  await using world = await listedWorld(product);
  for (let day = 0; day < 8; day += 1) {
    await world.work();
    await world.work(world.backlog);
    await world.clock.advanceBy(24 * 3_600_000);
  }
  assert.equal(await saidToday(world), 'unknown-cap');
});
