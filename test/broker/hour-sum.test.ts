import assert from 'node:assert/strict';
import { it } from 'node:test';
import { HourSum } from '../../src/broker/hour-sum.ts';

it('an hour sum forgets what is an hour old, to the millisecond', () => {
  const sum = new HourSum();
  sum.add(0, 5);
  sum.add(1_000, 7);
  assert.equal(sum.total(3_599_999), 12);
  assert.equal(sum.total(3_600_000), 7);
  assert.equal(sum.total(3_601_000), 0);
});

it('an hour sum knows when the nth newest entry will be forgotten', () => {
  const sum = new HourSum();
  sum.add(10, 1);
  sum.add(20, 1);
  assert.equal(sum.freeAtMs(30, 3), undefined);
  assert.equal(sum.freeAtMs(30, 2), 3_600_010);
  assert.equal(sum.freeAtMs(3_600_010, 2), undefined);
});

it('an hour sum knows the largest entry of the hour, and no refund for one', () => {
  const sum = new HourSum();
  sum.add(0, 7);
  sum.add(1_000, 3);
  sum.add(2_000, -9);
  assert.equal(sum.largest(3_000), 7);
  assert.equal(sum.largest(3_600_500), 3);
  assert.equal(sum.largest(3_601_500), 0);
});
