/**
 * Tokens that a smaller plan cannot hold were taken by nobody. The cut from a full bucket used to
 * be told as somebody else's spending, and the state was degraded for an hour (seed 64121).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './simulated-daemon.ts';

const minuteMs = 60_000;

for (const ratePerMinute of [10, 1]) {
  test(`after a change from 20 to ${ratePerMinute} a minute nobody is blamed`, async () => {
    const plan = { seed: 3, ratePerMinute: 20, rows: 20, initialTokens: 1_200 };
    await simulate({ ...plan, config: { sweepIntervalMs: 30 * minuteMs } }, async (simulation) => {
      const { clock, keepa, log } = simulation;
      await simulation.start();
      await clock.advanceBy(60 * minuteMs);
      const before = keepa.balance(clock.now());
      keepa.setRate(ratePerMinute, clock.now());
      for (let minute = 0; minute < 60; minute += 1) {
        await clock.advanceBy(minuteMs);
        const { tokens, state } = await simulation.status();
        assert.deepEqual([tokens.unexplained ?? 0, state === 'degraded'], [0, false]);
      }
      assert.ok(keepa.balance(clock.now()) < before - 400, 'the bucket was cut');
      assert.equal(log.said.filter(({ event }) => event === 'unexplained-drain').length, 0);
    });
  });
}
