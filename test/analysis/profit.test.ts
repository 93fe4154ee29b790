import assert from 'node:assert/strict';
import { test } from 'node:test';
import { profitOf } from '../../src/analysis/profit.ts';
import type { CostModel } from '../../src/config-judging.ts';

const fees = { fbaPickAndPackCents: 400, referralPercent: 15 };

function profit(costs: CostModel, changed: Partial<Parameters<typeof profitOf>[0]> = {}) {
  return profitOf({ listAtTenths: 40_000, priceCents: 1_000, fees, costs, ...changed });
}

test('profit is list-at less price, shipping, tax, prep, referral on list-at and FBA fee', () => {
  const costs = { inboundShippingCents: 50, taxPercent: 7, prepCents: 30 };
  assert.equal(profit(costs), 4_000 - (1_000 + 50 + 70 + 30) - (600 + 400));
});

test('every input can be configured, and a configured fee wins over the one of the product', () => {
  const costs = { referralPercent: 10, fbaFeeCents: 300, closingFeeCents: 180 };
  assert.equal(profit(costs), 4_000 - 1_000 - 400 - 300 - 180);
});

test('an unknown fee leaves the profit unknown', () => {
  assert.equal(profit({}, { fees: { referralPercent: 15 } }), undefined);
  assert.equal(profit({}, { fees: { fbaPickAndPackCents: 400 } }), undefined);
  assert.equal(profit({ fbaFeeCents: 0, referralPercent: 0 }, { fees: {} }), 3_000);
});

test('without a list-at price or a price there is no profit', () => {
  assert.equal(profit({}, { listAtTenths: undefined }), undefined);
  assert.equal(profit({}, { priceCents: undefined }), undefined);
});

test('a per cent that no double holds does not move the profit', () => {
  // 2.01 % times 1,000,000 parts is 20,099.999... in doubles: a part too few would give 1,663.
  const free = { fees: { fbaPickAndPackCents: 0, referralPercent: 2.01 } };
  assert.equal(profit({}, { ...free, listAtTenths: 16_966, priceCents: 0 }), 1_662);
});

test('a loss is negative', () => {
  assert.equal(profit({}, { priceCents: 5_000 }), 4_000 - 5_000 - 1_000);
});

test('the profit is rounded once, half up, from exact figures', () => {
  // 100.5 cents less 15.01 % of them (15.08505) is 85.41495; no price and no fee.
  const free = { fees: { fbaPickAndPackCents: 0, referralPercent: 15.01 } };
  assert.equal(profit({}, { ...free, listAtTenths: 1_005, priceCents: 0 }), 85);
  // 99 cents at 50 % and 1 cent of cost: 48.5 becomes 49; 3 cents more of tax at 50 %: 47.0.
  const half = { fees: { fbaPickAndPackCents: 1, referralPercent: 50 }, listAtTenths: 990 };
  assert.equal(profit({}, { ...half, priceCents: 0 }), 49);
  assert.equal(profit({ taxPercent: 50 }, { ...half, priceCents: 1 }), 47);
  // -0.5 goes up to 0, which is not -0.
  assert.equal(profit({}, { ...half, listAtTenths: 10, priceCents: 0 }), 0);
});
