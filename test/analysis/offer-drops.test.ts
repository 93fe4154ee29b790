import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offerDrops } from '../../src/analysis/offer-drops.ts';
import { type Point, seriesOf } from './histories.ts';

function dropsIn(points: readonly Point[], fromMinute = 0): number[] {
  return [...offerDrops(seriesOf(points), fromMinute)];
}

test('a point is a drop when it is lower than the point directly before it', () => {
  assert.deepEqual(
    dropsIn([
      [1, 5],
      [2, 4],
      [3, 4],
      [4, 6],
      [5, 2],
    ]),
    [2, 5],
  );
});

test('a fall by several offers is one drop', () => {
  assert.deepEqual(
    dropsIn([
      [1, 9],
      [2, 3],
    ]),
    [2],
  );
});

test('a count of 0 is a count: falling to it is a drop, rising from it is none', () => {
  assert.deepEqual(
    dropsIn([
      [1, 1],
      [2, 0],
      [3, 2],
    ]),
    [2],
  );
});

test('after an absent point nothing is a drop, and an absent point is none itself', () => {
  assert.deepEqual(
    dropsIn([
      [1, 5],
      [2, undefined],
      [3, 1],
      [4, 0],
    ]),
    [4],
  );
});

test('a negative count is no count on either side', () => {
  assert.deepEqual(
    dropsIn([
      [1, 5],
      [2, -1],
      [3, -2],
      [4, 3],
    ]),
    [],
  );
});

test('the window begins at its first minute, and the point before may be older', () => {
  const points: Point[] = [
    [10, 9],
    [99, 8],
    [100, 7],
    [101, 6],
  ];
  assert.deepEqual(dropsIn(points, 100), [100, 101]);
  assert.deepEqual(
    dropsIn(
      [
        [10, 9],
        [100, 8],
      ],
      100,
    ),
    [100],
  );
});

test('the first point of a series is never a drop', () => {
  assert.deepEqual(dropsIn([[1, 0]]), []);
  assert.deepEqual(dropsIn([]), []);
});

test('two falls in one minute are two drops', () => {
  assert.deepEqual(
    dropsIn([
      [1, 5],
      [2, 4],
      [2, 3],
    ]),
    [2, 2],
  );
});
