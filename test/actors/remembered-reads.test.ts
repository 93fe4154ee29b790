/** Remembered reads: nothing is asked of the store twice, and nothing old is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rememberedReads } from '../../src/actors/remembered-reads.ts';
import { simulate } from '../simulation/simulated-daemon.ts';

test('between two writes the same answer is given, and after one the new answer', async () => {
  await simulate({ seed: 4, ratePerMinute: 20, rows: 60 }, async (simulation) => {
    await simulation.start();
    const { reader } = simulation.store;
    const remembering = rememberedReads(reader);
    let told = 0;
    for (let minute = 0; minute < 120; minute += 1) {
      await simulation.clock.advanceBy(60_000);
      const feeds = await remembering.feeds();
      assert.deepEqual(feeds, await reader.feeds());
      assert.deepEqual(await remembering.gaps(), await reader.gaps());
      assert.equal(await remembering.feeds(), feeds);
      if (feeds.some(({ rows }) => rows > 0)) told += 1;
    }
    assert.ok(told > 60, `rows in ${told} of 120 minutes`);
  });
});
