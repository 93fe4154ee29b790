import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sellerTrust } from '../../src/analysis/seller-trust.ts';

test('a seller without ratings is unknown, not at 0', () => {
  assert.equal(sellerTrust({}), undefined);
  assert.equal(sellerTrust({ ratingPercent: 90 }), undefined);
  assert.equal(sellerTrust({ ratingCount: 12 }), undefined);
  assert.equal(sellerTrust({ ratingPercent: 0, ratingCount: 0 }), undefined);
});

test('the bound is that of the published formula', () => {
  // Wilson's interval at z = 1.959964, worked out by hand: 8 of 10, 97 % of 10,000, 3 of 3.
  const bound = (ratingPercent: number, ratingCount: number): string | undefined =>
    sellerTrust({ ratingPercent, ratingCount })?.toFixed(4);
  assert.equal(bound(80, 10), '0.4902');
  assert.equal(bound(97, 10_000), '0.9665');
  assert.equal(bound(100, 3), '0.4385');
  assert.equal(bound(0, 50), '0.0000');
});

test('no rounding error takes the bound below 0', () => {
  assert.equal(sellerTrust({ ratingPercent: 5e-9, ratingCount: 50 }), 0);
});

test('more ratings of the same share never lower the trust, and it stays below the share', () => {
  const percent = fc.integer({ min: 0, max: 100 });
  const count = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(percent, count, count, (ratingPercent, a, b) => {
      const few = sellerTrust({ ratingPercent, ratingCount: Math.min(a, b) }) ?? Number.NaN;
      const many = sellerTrust({ ratingPercent, ratingCount: Math.max(a, b) }) ?? Number.NaN;
      assert.ok(few <= many + 1e-12 && many <= ratingPercent / 100 + 1e-12 && few >= 0);
    }),
  );
});
