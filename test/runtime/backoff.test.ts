import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from '../../src/runtime/backoff.ts';
import { seededRandom } from '../../src/runtime/random.ts';

const firstMs = 1_000;
const capMs = 60_000;

test('every wait lies between half of and the whole of the doubled, capped ceiling', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), fc.nat(), (attempt, seed) => {
      const waitMs = backoffMs(attempt, { firstMs, capMs, random: seededRandom(seed) });
      const ceilingMs = Math.min(capMs, firstMs * 2 ** (attempt - 1));
      assert(Number.isInteger(waitMs));
      assert(waitMs >= ceilingMs / 2 && waitMs <= ceilingMs, `${waitMs} of ${ceilingMs}`);
    }),
  );
});

test('two clients that fail together do not come back together', () => {
  const waits = Array.from({ length: 50 }, (_, seed) =>
    backoffMs(6, { firstMs, capMs, random: seededRandom(seed) }),
  );
  assert(new Set(waits).size > 45, `${new Set(waits).size} different waits of 50`);
});

test('the same seed draws the same waits', () => {
  const draw = (): number[] => {
    const random = seededRandom(7);
    return [1, 2, 3, 4].map((attempt) => backoffMs(attempt, { firstMs, capMs, random }));
  };
  assert.deepEqual(draw(), draw());
});

test('an attempt below the first and a cap below the first wait are bugs', () => {
  const random = seededRandom(1);
  assert.throws(() => backoffMs(0, { firstMs, capMs, random }), /counted from 1/);
  assert.throws(() => backoffMs(1, { firstMs, capMs: 10, random }), /backoff from/);
});
