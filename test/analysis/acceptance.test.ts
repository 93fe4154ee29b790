import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptanceOf } from '../../src/analysis/acceptance.ts';
import type { AcceptanceRules } from '../../src/config-judging.ts';

const figures = {
  priceNowCents: 700,
  profitCents: 500,
  percentDown: 0.29,
  sales1y: 12,
  trust: 0.07,
};

function outcome(rules: AcceptanceRules, changed: Partial<typeof figures> | object = {}): string {
  const { verdict, reason } = acceptanceOf({ ...figures, ...changed }, rules);
  return reason === undefined ? verdict : `${verdict} ${reason}`;
}

test('without rules whatever has enough evidence is accepted, a loss and no price, too', () => {
  const nothing = { priceNowCents: undefined, profitCents: undefined, percentDown: undefined };
  assert.equal(outcome({}, nothing), 'accepted');
  assert.equal(outcome({}, { profitCents: -1_000 }), 'accepted');
});

test('bounds are inclusive, also where the double of a fraction is not the decimal', () => {
  const rules = { minProfitCents: 500, minPercentDown: 29, minSales1y: 12, minTrust: 0.07 };
  assert.equal(outcome(rules), 'accepted');
});

test('each rule rejects with its own reason', () => {
  assert.equal(outcome({ minProfitCents: 501 }), 'rejected below-margin');
  assert.equal(outcome({ minPercentDown: 29.5 }), 'rejected not-far-enough-down');
  assert.equal(outcome({ minSales1y: 13 }), 'rejected too-few-sales');
  assert.equal(outcome({ minTrust: 0.08 }), 'rejected low-trust');
});

test('a figure that a rule needs and nobody knows is insufficient, never rejected', () => {
  const noFee = { profitCents: undefined };
  const noPrice = { priceNowCents: undefined, profitCents: undefined, percentDown: undefined };
  assert.equal(outcome({ minProfitCents: 1 }, noFee), 'insufficient unknown-profit');
  assert.equal(outcome({ minProfitCents: 1 }, noPrice), 'insufficient no-price-now');
  assert.equal(outcome({ minPercentDown: 1 }, noPrice), 'insufficient no-price-now');
});

test('a product that fails several rules is rejected for the first of them', () => {
  const rules = { minProfitCents: 501, minPercentDown: 99, minSales1y: 13, minTrust: 1 };
  assert.equal(outcome(rules), 'rejected too-few-sales');
});
