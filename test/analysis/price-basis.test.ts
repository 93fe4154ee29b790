import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPriceBasisMixed } from '../../src/analysis/price-basis.ts';
import { minuteMs, seriesOf } from './histories.ts';

const changed = Date.UTC(2026, 1, 16) / minuteMs;

test('prices of one condition on both sides of 2026-02-16 are mixed', () => {
  assert.equal(
    isPriceBasisMixed([
      seriesOf([
        [changed - 1, 500],
        [changed, 600],
      ]),
    ]),
    true,
  );
});

test('the minute of the change belongs to the new basis', () => {
  assert.equal(
    isPriceBasisMixed([
      seriesOf([
        [changed, 500],
        [changed + 1, 600],
      ]),
    ]),
    false,
  );
  assert.equal(
    isPriceBasisMixed([
      seriesOf([
        [changed - 2, 500],
        [changed - 1, 600],
      ]),
    ]),
    false,
  );
});

test('used prices before and new prices after are pooled, so they are mixed', () => {
  const before = seriesOf([[changed - 1, 500]]);
  const after = seriesOf([[changed + 1, 500]]);
  assert.equal(isPriceBasisMixed([before, after]), true);
});

test('an absent price and a price of 0 have no basis', () => {
  for (const none of [undefined, 0]) {
    const ended = seriesOf([
      [changed - 1, 500],
      [changed, none],
    ]);
    assert.equal(isPriceBasisMixed([ended]), false);
  }
  assert.equal(isPriceBasisMixed([seriesOf([]), seriesOf([])]), false);
});
