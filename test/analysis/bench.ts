/**
 * How fast histories are judged, beside the slow reference on the same input:
 * `node test/analysis/bench.ts`.
 *
 * Ten-year histories of 20,000 points, fifty different ones in turn, so that no cache or branch
 * predictor learns one by heart. Both judges must agree on each before anything is timed.
 */
import assert from 'node:assert/strict';
import { judge } from '../../src/analysis/judge.ts';
import type { Product } from '../../src/keepa/product.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { longProduct, minuteMs } from './histories.ts';
import { judgeByReference } from './reference.ts';

const nowMinute = Date.UTC(2026, 10, 1) / minuteMs;
const productCount = 50;
const fastSeconds = 2;
const slowProducts = 3;

interface Timing {
  readonly judged: number;
  readonly tookMs: number;
}

/** Judges the products in turn until both `minMs` have passed and `minCount` are done. */
function timed(
  products: readonly Product[],
  judgeOne: (input: { product: Product; priceType: number; nowMs: number }) => unknown,
  least: { ms: number; count: number },
): Timing {
  const clock = systemClock();
  const startMs = clock.monotonic();
  let judged = 0;
  while (judged < least.count || clock.monotonic() - startMs < least.ms) {
    const product = products[judged % products.length];
    if (product !== undefined) {
      judgeOne({ product, priceType: 2, nowMs: nowMinute * minuteMs });
    }
    judged += 1;
  }
  return { judged, tookMs: clock.monotonic() - startMs };
}

function line(name: string, { judged, tookMs }: Timing): string {
  const each = (tookMs / judged).toFixed(3).padStart(10);
  const rate = (judged / (tookMs / 1000)).toFixed(0).padStart(8);
  return `${name.padEnd(10)} ${each} ms each ${rate} a second   (${judged} judged)\n`;
}

const products = Array.from({ length: productCount }, (_, i) =>
  longProduct(seededRandom(i + 1), { nowMinute, points: 20_000 }),
);
let sales = 0;
for (const product of products) {
  sales += judge({ product, priceType: 2, nowMs: nowMinute * minuteMs }).confirmed;
}
for (const product of products.slice(0, slowProducts)) {
  const input = { product, priceType: 2, nowMs: nowMinute * minuteMs };
  const { avg1yCents, listAtCents, troughCents, sales: fastSales } = judge(input);
  const slow = judgeByReference(input);
  assert.deepEqual(
    { avg1yCents, listAtCents, troughCents, sales: fastSales },
    {
      avg1yCents: slow.avg1yCents,
      listAtCents: slow.listAtCents,
      troughCents: slow.troughCents,
      sales: slow.sales,
    },
  );
}
timed(products, judge, { ms: 500, count: productCount });
const fast = timed(products, judge, { ms: fastSeconds * 1000, count: productCount });
const slow = timed(products, judgeByReference, { ms: 0, count: slowProducts });
process.stdout.write(
  `ten-year histories of 20,000 points, ${Math.round(sales / productCount)} sales in each\n`,
);
process.stdout.write(line('judge', fast));
process.stdout.write(line('reference', slow));
