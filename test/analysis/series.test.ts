import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstFrom, positiveOnly, timeline, walkTo } from '../../src/analysis/series.ts';
import type { Series } from '../../src/keepa/product.ts';
import { type Point, seriesOf } from './histories.ts';

function pointsOf(series: Series): Point[] {
  return Array.from(series.minutes, (minute, i): Point => {
    const value = series.values[i];
    return [minute, value === undefined || Number.isNaN(value) ? undefined : value];
  });
}

test('points after now are ignored, a point at now is not', () => {
  const cut = timeline(
    seriesOf([
      [10, 1],
      [20, 2],
      [21, 3],
    ]),
    20,
  );
  assert.deepEqual(pointsOf(cut), [
    [10, 1],
    [20, 2],
  ]);
});

test('points are sorted by time, those of one minute stay in the order sent', () => {
  const sent: Point[] = [
    [30, 1],
    [10, 2],
    [30, 3],
    [10, undefined],
    [30, 4],
    [20, 5],
  ];
  const sorted: Point[] = [
    [10, 2],
    [10, undefined],
    [20, 5],
    [30, 1],
    [30, 3],
    [30, 4],
  ];
  assert.deepEqual(pointsOf(timeline(seriesOf(sent), 100)), sorted);
});

test('an unsorted series with a future point in front loses only that point', () => {
  assert.deepEqual(
    pointsOf(
      timeline(
        seriesOf([
          [99, 9],
          [10, 1],
        ]),
        50,
      ),
    ),
    [[10, 1]],
  );
});

test('sorting leaves the series that was sent as it was', () => {
  const sent = seriesOf([
    [30, 1],
    [10, 2],
  ]);
  timeline(sent, 100);
  assert.deepEqual(pointsOf(sent), [
    [30, 1],
    [10, 2],
  ]);
});

test('a missing series, an empty one and one that is all future are equally empty', () => {
  for (const series of [undefined, seriesOf([]), seriesOf([[11, 1]])]) {
    assert.equal(timeline(series, 10).minutes.length, 0);
  }
});

test('firstFrom finds the first of several points in the same minute', () => {
  const minutes = Int32Array.of(10, 20, 20, 20, 30);
  assert.deepEqual(
    [9, 10, 11, 20, 21, 30, 31].map((m) => firstFrom(minutes, m)),
    [0, 0, 1, 1, 4, 4, 5],
  );
});

test('walking on finds what searching finds', () => {
  const minutes = Int32Array.of(10, 20, 20, 30);
  for (const minute of [9, 10, 11, 20, 21, 30, 31]) {
    assert.equal(walkTo(minutes, minute, 0), firstFrom(minutes, minute));
  }
  assert.equal(walkTo(minutes, 25, 2), 3);
  assert.equal(walkTo(minutes, 15, 4), 4);
});

test('only values above 0 are ranks: absent, zero and negative ones are left out', () => {
  const kept = positiveOnly(
    seriesOf([
      [1, 5],
      [2, undefined],
      [3, 0],
      [4, -1],
      [5, 7],
    ]),
  );
  assert.deepEqual(pointsOf(kept), [
    [1, 5],
    [5, 7],
  ]);
});
