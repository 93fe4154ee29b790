import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confirmationOf, rankTrail } from '../../src/analysis/confirmation.ts';
import { firstFrom } from '../../src/analysis/series.ts';
import type { Series } from '../../src/keepa/product.ts';
import { type Point, seriesOf } from './histories.ts';

const drop = 1_000_000;
const hours240 = 14_400;
const days30 = 43_200;

function confirm(ranks: Series, dropMinute: number): number | undefined {
  const trail = rankTrail(ranks, dropMinute);
  return confirmationOf(trail, dropMinute, firstFrom(trail.minutes, dropMinute));
}

/** Times are given relative to the drop; so is the answer. */
function confirmedAt(points: readonly Point[]): number | undefined {
  const ranks = seriesOf(points.map(([minute, rank]): Point => [drop + minute, rank]));
  const found = confirm(ranks, drop);
  return found === undefined ? undefined : found - drop;
}

test('the first rank point lower than the one before it confirms, not the lowest', () => {
  assert.equal(
    confirmedAt([
      [-5, 50],
      [10, 60],
      [20, 55],
      [30, 1],
    ]),
    20,
  );
});

test('the point before it may lie before the drop', () => {
  assert.equal(
    confirmedAt([
      [-99_999, 50],
      [7, 49],
    ]),
    7,
  );
});

test('a rank point in the minute of the drop confirms it', () => {
  assert.equal(
    confirmedAt([
      [-1, 50],
      [0, 49],
    ]),
    0,
  );
});

test('a fall before the drop confirms nothing', () => {
  assert.equal(
    confirmedAt([
      [-2, 50],
      [-1, 40],
      [5, 45],
    ]),
    undefined,
  );
});

test('a fall exactly 240 hours after the drop confirms, a minute later it does not', () => {
  assert.equal(
    confirmedAt([
      [-1, 50],
      [5, 60],
      [hours240, 55],
    ]),
    hours240,
  );
  assert.equal(
    confirmedAt([
      [-1, 50],
      [5, 60],
      [hours240 + 1, 55],
    ]),
    undefined,
  );
});

test('a single rank in the 240 hours, even a rising one, rules the fallback out', () => {
  assert.equal(
    confirmedAt([
      [-1, 50],
      [hours240, 60],
      [hours240 + 1, 10],
    ]),
    undefined,
  );
});

test('without any rank in the 240 hours the next one confirms if it is lower', () => {
  assert.equal(
    confirmedAt([
      [-1, 50],
      [hours240 + 1, 49],
    ]),
    hours240 + 1,
  );
  assert.equal(
    confirmedAt([
      [-1, 50],
      [hours240 + 1, 50],
    ]),
    undefined,
  );
});

test('the fallback reaches exactly 30 days and no minute further', () => {
  assert.equal(
    confirmedAt([
      [-1, 50],
      [days30, 49],
    ]),
    days30,
  );
  assert.equal(
    confirmedAt([
      [-1, 50],
      [days30 + 1, 49],
    ]),
    undefined,
  );
});

test('the fallback looks at one point only: a later, lower one is too late', () => {
  assert.equal(
    confirmedAt([
      [-1, 50],
      [20_000, 60],
      [20_001, 10],
    ]),
    undefined,
  );
});

test('the very first rank point has nothing before it and confirms nothing', () => {
  assert.equal(confirmedAt([[10, 5]]), undefined);
  assert.equal(confirmedAt([[20_000, 5]]), undefined);
});

test('an absent rank and a rank of 0 are no rank points, neither as fall nor as before', () => {
  assert.equal(
    confirmedAt([
      [-1, 50],
      [3, undefined],
      [4, 0],
      [5, 60],
    ]),
    undefined,
  );
  assert.equal(
    confirmedAt([
      [-1, 50],
      [3, undefined],
      [5, 40],
    ]),
    5,
  );
  assert.equal(
    confirmedAt([
      [-1, 50],
      [3, 0],
      [20_000, 40],
    ]),
    20_000,
  );
});

test('one rank point may confirm several drops', () => {
  const ranks = seriesOf([
    [0, 50],
    [200, 40],
  ]);
  assert.deepEqual(
    [100, 150, 200].map((at) => confirm(ranks, at)),
    [200, 200, 200],
  );
});

test('without ranks, or with all of them before the drop, nothing is confirmed', () => {
  assert.equal(confirmedAt([]), undefined);
  assert.equal(
    confirmedAt([
      [-10, 9],
      [-5, 8],
    ]),
    undefined,
  );
});

test('the trail keeps the last rank before its first drop, past ranks that are none', () => {
  const ranks = seriesOf([
    [10, 70],
    [20, 60],
    [30, undefined],
    [40, 0],
    [100, 55],
  ]);
  assert.deepEqual([...rankTrail(ranks, 100).minutes], [20, 100]);
  assert.deepEqual([...rankTrail(ranks, 15).minutes], [10, 20, 100]);
});

test('a rank equal to the one before it is no fall', () => {
  assert.equal(
    confirmedAt([
      [-1, 50],
      [5, 50],
      [9, 50],
    ]),
    undefined,
  );
});
