import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { roundHalfUp } from '../../src/analysis/exact.ts';

test('halves are rounded up, also below zero', () => {
  assert.deepEqual(
    [5, -5, 15, -15, 14, -14, -16].map((top) => roundHalfUp(top, 10)),
    [1, 0, 2, -1, 1, -1, -2],
  );
});

test('rounding is exact as far as integers are', () => {
  const most = Number.MAX_SAFE_INTEGER - 10_000_000;
  const top = fc.integer({ min: -most, max: most });
  fc.assert(
    fc.property(top, fc.integer({ min: 1, max: 10_000_000 }), (numerator, bottom) => {
      const doubled = 2n * BigInt(numerator) + BigInt(bottom);
      const modulus = 2n * BigInt(bottom);
      const floor = (doubled - (((doubled % modulus) + modulus) % modulus)) / modulus;
      assert.equal(roundHalfUp(numerator, bottom), Number(floor));
    }),
    { numRuns: 5_000 },
  );
});
