/**
 * Intervals follow the income in both directions. A poll that was planned while a stranger took
 * nearly everything used to keep its hours of waiting after the stranger had gone (simulator, seed
 * 425: heads unpolled for six hours of plenty).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './simulated-daemon.ts';

const minuteMs = 60_000;

test('head polls come at their pace again soon after a stranger has gone', async () => {
  const plan = { seed: 3, ratePerMinute: 5, rows: 40, initialTokens: 20 };
  await simulate({ ...plan, config: { sweepIntervalMs: 30 * minuteMs } }, async (simulation) => {
    const { clock, keepa } = simulation;
    await simulation.start();
    for (let round = 0; round < 18; round += 1) {
      if (keepa.balance(clock.now()) > 0) keepa.drain(48, clock.now());
      await clock.advanceBy(10 * minuteMs);
    }
    // What a stranger took is remembered for an hour.
    await clock.advanceBy(75 * minuteMs);
    const quietFromMs = clock.now();
    await clock.advanceBy(60 * minuteMs);
    const requests = await simulation.store.reader.recentRequests(1_000);
    const polls = requests.filter(
      ({ purpose, atMs }) => purpose === 'head-poll' && atMs > quietFromMs,
    );
    assert.ok(polls.length >= 4, `${polls.length} head polls in an hour, every 11 min are planned`);
  });
});
