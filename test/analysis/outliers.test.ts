import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saneSales } from '../../src/analysis/outliers.ts';

/** The prices that are kept, in the order given. */
function kept(...cents: (number | undefined)[]): number[] {
  const sales = cents.map((priceCents, i) => {
    return { atMs: i, condition: 'used' as const, priceCents, rankConfirmedAtMs: i };
  });
  return saneSales(sales).map(({ priceCents }) => priceCents);
}

test('quartiles lie at position (n - 1) q with linear interpolation', () => {
  // 40, 60, 80, 88: Q1 at 0.75 is 55, Q3 at 2.25 is 82, so the fences are at 14.5 and 122.5.
  assert.deepEqual(kept(40, 60, 80, 88), [40, 60, 80, 88]);
  // 10, 20, 40, x: Q1 is 17.5 and Q3 is 30 + x / 4; the fence of 48.75 + x 5/8 is met at 130.
  assert.deepEqual(kept(10, 20, 40, 130), [10, 20, 40, 130]);
  assert.deepEqual(kept(10, 20, 40, 131), [10, 20, 40]);
});

test('an unpriced sale is not sane and not counted among the four', () => {
  assert.deepEqual(kept(1, undefined, 1, 1_000_000), [1, 1, 1_000_000]);
});

test('a price exactly on a fence is kept, one cent beyond it is not', () => {
  // Quartiles of the nine are 100 and 200 whatever the ends are: fences at -50 and 350.
  assert.deepEqual(kept(90, 100, 100, 120, 150, 180, 200, 200, 350).includes(350), true);
  assert.deepEqual(kept(90, 100, 100, 120, 150, 180, 200, 200, 351).includes(351), false);
  // Quartiles 300 and 400: fences at 150 and 550.
  assert.deepEqual(kept(150, 300, 300, 320, 350, 380, 400, 400, 410).includes(150), true);
  assert.deepEqual(kept(149, 300, 300, 320, 350, 380, 400, 400, 410).includes(149), false);
});

test('fences in parts of a cent are exact: an eighth decides', () => {
  // 1, 1, 2, 8: Q1 1, Q3 3.5, fence at 7.25. With 1, 1, 2, 7: Q3 3.25, fence at 6.625.
  assert.deepEqual(kept(1, 1, 2, 8), [1, 1, 2]);
  assert.deepEqual(kept(1, 1, 2, 7), [1, 1, 2]);
  // 1, 1, 2, 6: Q3 3, fence exactly at 6.
  assert.deepEqual(kept(1, 1, 2, 6), [1, 1, 2, 6]);
});

test('fewer than four prices are all kept, however far apart', () => {
  assert.deepEqual(kept(1, 1, 1_000_000), [1, 1, 1_000_000]);
  assert.deepEqual(kept(1, 1, 1, 1_000_000), [1, 1, 1]);
});

test('prices that are all the same leave no room for another', () => {
  assert.deepEqual(kept(500, 500, 500, 500, 501), [500, 500, 500, 500]);
});
