/**
 * The fast judge against the slow one, on histories made to sit on the bounds of the rules.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judge } from '../../src/analysis/judge.ts';
import type { Product } from '../../src/keepa/product.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { anyProduct, longProduct, minuteMs } from './histories.ts';
import { judgeByReference } from './reference.ts';

/** Six weeks after prices changed their basis, so that histories lie on both sides. */
const nowMinute = Date.UTC(2026, 2, 31, 18, 5) / minuteMs;

/** What both judges say, in one shape. */
function bothSay(product: Product, nowMs: number) {
  const input = { product, priceType: 2, nowMs };
  const { verdict, reason, sales, offerDrops, sane, sales1y, priceNowCents, avg1yCents } =
    judge(input);
  const { listAtCents, troughCents, trust, percentDown } = judge(input);
  return {
    fast: {
      verdict,
      reason,
      sales,
      offerDrops,
      sane,
      sales1y,
      priceNowCents,
      avg1yCents,
      listAtCents,
      troughCents,
      trust,
      percentDown,
    },
    slow: judgeByReference(input),
  };
}

test('the judge says what the rules say, sentence by sentence, on 12,000 random histories', () => {
  const seen = new Map<string, number>();
  const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
  const now = fc.integer({ min: 0, max: minuteMs - 1 }).map((ms) => nowMinute * minuteMs + ms);
  fc.assert(
    fc.property(anyProduct(nowMinute), now, (product, nowMs) => {
      const { fast, slow } = bothSay(product, nowMs);
      assert.deepEqual(fast, slow);
      count(slow.reason ?? slow.verdict);
      if (slow.sane >= 3) count('months');
      if (slow.sane < slow.sales.filter((sale) => sale.priceCents !== undefined).length) {
        count('outliers');
      }
    }),
    { numRuns: 12_000 },
  );
  // Agreement on histories without sales would prove little: every outcome must have come up.
  for (const what of [
    'accepted',
    'no-offer-counts',
    'no-rank-history',
    'implausible-price',
    'no-sales',
    'months',
    'outliers',
  ]) {
    assert.ok((seen.get(what) ?? 0) >= 50, `${what} came up ${seen.get(what) ?? 0} times`);
  }
});

test('the judge says what the rules say of histories of ten years', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const product = longProduct(seededRandom(seed), { nowMinute, points: 1500 });
    const { fast, slow } = bothSay(product, nowMinute * minuteMs);
    assert.deepEqual(fast, slow, `seed ${seed}`);
    assert.ok(slow.sales.length > 20, `seed ${seed} has ${slow.sales.length} sales`);
  }
});
