/**
 * Goal: what nothing could be promised to, since strangers took the whole refill, gets its turn
 * within the bound that is printed once the refill is back.
 * Method: a higher class whose slow calls keep the one channel busy, so that only a turn that was
 * promised lets anybody else go.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokerWorld, dealCall, productCall } from './broker-world.ts';

const tickMs = 60_200;

test('a head that came while nothing was left goes within its bound once there is', async () => {
  const world = new BrokerWorld({ rate: 60, balance: 60, processingMs: () => 20_000 });
  world.broker.start();
  // Just after the first tick, as every look of the stranger.
  await world.run(30_100);
  // Two of them, so that one is queued whenever the other has ended.
  for (let n = 0; n < 2; n += 1) world.saturate('upsert', productCall(1, 20));
  for (let tick = 0; tick < 90; tick += 1) {
    world.keepa.drain(65);
    await world.run(tickMs);
  }
  const page = world.ask('backfill', dealCall);
  await world.run(100);
  const boundMs = () => world.broker.snapshot().classes.backfill.waitBoundMs;
  assert.equal(boundMs(), undefined, 'nothing can be promised');
  let waitedTicks = 0;
  for (; boundMs() === undefined; waitedTicks += 1) await world.run(tickMs);
  assert.ok(waitedTicks > 0 && waitedTicks <= 60, `a promise after ${waitedTicks} ticks`);
  const promisedMs = boundMs() ?? assert.fail();
  await world.run(promisedMs + 20_000);
  const pages = world.ledger.filter(({ spendClass }) => spendClass === 'backfill');
  const rivals = world.ledger.filter(({ atMs }) => atMs > world.clock.now() - promisedMs);
  assert.ok(rivals.length > 15, `${rivals.length} kept the channel busy`);
  assert.equal(pages.length, 1, `not within ${promisedMs} ms`);
  assert.equal((await page).kind, 'answered');
  await world.end();
});
