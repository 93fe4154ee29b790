/**
 * What the daemon has learned of prices is known to its next life.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulation, simulate } from './simulated-daemon.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** What the first page of a life was held at. */
async function firstHold({ store }: Simulation, sinceMs: number): Promise<number | undefined> {
  const newestFirst = await store.reader.recentRequests(10_000);
  return newestFirst.findLast(({ shape, atMs }) => shape === 'deal' && atMs >= sinceMs)?.holdTokens;
}

test('a restart does not forget what calls cost, a month without one does', async () => {
  const plan = { seed: 5, ratePerMinute: 25, rows: 100 };
  await simulate(plan, async (simulation) => {
    const { clock, keepa } = simulation;
    keepa.setCostFactors({ deal: 2 });
    await simulation.start();
    await clock.advanceBy(5 * minuteMs);
    assert.equal(await firstHold(simulation, 0), 5, 'the first life knows what is documented');
    await simulation.stop();
    keepa.setCostFactors({});
    const secondAtMs = clock.now();
    await simulation.start();
    await clock.advanceBy(minuteMs);
    assert.equal(await firstHold(simulation, secondAtMs), 10, 'the second what pages have cost');
    await simulation.stop();
    clock.stepWall(31 * dayMs);
    const thirdAtMs = clock.now();
    await simulation.start();
    await clock.advanceBy(minuteMs);
    assert.equal(await firstHold(simulation, thirdAtMs), 5, 'the third nothing that old');
  });
});
