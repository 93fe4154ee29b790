/** Schedules are functions of the measured rate: they fit the share at every plan. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  headIntervalMs,
  pagePriceTokens,
  plannedSweepMs,
  provingPlanMs,
} from '../../src/actors/planning.ts';
import { tickMs } from '../../src/broker/token-bucket.ts';

test('at 5 tokens a minute one feed is polled every twelfth tick on a share of 10 %', () => {
  const intervalMs = headIntervalMs(1, { netRate: 5, sharePercent: 10 });
  assert.equal(Math.ceil(intervalMs / tickMs), 12);
});

test('head polls never cost more than nine tenths of their share', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 4000 }),
      fc.integer({ min: 1, max: 100 }),
      (feeds, netRate, sharePercent) => {
        const intervalMs = headIntervalMs(feeds, { netRate, sharePercent });
        const perTick = (pagePriceTokens * feeds) / (intervalMs / tickMs);
        assert.ok(perTick <= (0.9 * netRate * sharePercent) / 100 + 1e-9);
      },
    ),
  );
});

test('more tokens never poll less often, nor plan a longer sweep', () => {
  const rate = fc.integer({ min: 1, max: 4000 });
  fc.assert(
    fc.property(rate, rate, fc.integer({ min: 0, max: 10_000 }), (a, b, rows) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)].map((netRate) => ({
        netRate,
        sharePercent: 30,
      })) as [Parameters<typeof headIntervalMs>[1], Parameters<typeof headIntervalMs>[1]];
      assert.ok(headIntervalMs(3, high) <= headIntervalMs(3, low));
      assert.ok(plannedSweepMs(rows, high) <= plannedSweepMs(rows, low));
    }),
  );
});

test('a feed nobody has counted yet is planned at the limit of the API', () => {
  const income = { netRate: 5, sharePercent: 30 };
  assert.equal(plannedSweepMs(undefined, income), plannedSweepMs(10_000, income));
  assert.ok(plannedSweepMs(750, income) < plannedSweepMs(undefined, income));
});

test('without a known rate a sweep is never planned too short to finish', () => {
  const unknown = { netRate: undefined, sharePercent: 30 };
  assert.ok(
    plannedSweepMs(750, unknown) >= plannedSweepMs(10_000, { netRate: 5, sharePercent: 30 }),
  );
});

test('a sweep without an income to count on proves nothing by taking long', () => {
  for (const netRate of [undefined, 0, -2]) {
    assert.ok(provingPlanMs(10_000, { netRate, sharePercent: 30 }) <= 10 * tickMs);
  }
  const income = { netRate: 5, sharePercent: 30 };
  assert.equal(provingPlanMs(10_000, income), plannedSweepMs(10_000, income));
});
