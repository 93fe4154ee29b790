/** Series: strides, sentinels, landed prices, and the difference between absent and empty. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeHistory } from '../../src/keepa/wire-csv.ts';
import { newYear } from './wire-fixtures.ts';

const at = newYear.keepa;

/** A csv that is null but for the given series. */
function csv(series: Record<number, unknown>, length = 36): unknown[] {
  return Array.from({ length }, (_, index) => series[index] ?? null);
}

test('a pair is a time in Unix minutes and a value, in the order sent', () => {
  const { priceUsed } = decodeHistory(csv({ 2: [at, 2050, at - 60, 1999, at + 5, 0] }));
  assert.deepEqual(
    [...(priceUsed?.minutes ?? [])],
    [newYear.minutes, newYear.minutes - 60, newYear.minutes + 5],
  );
  assert.deepEqual([...(priceUsed?.values ?? [])], [2050, 1999, 0]);
});

test('-1, -2 and null are NaN and 0 stays 0, in every named series', () => {
  const points = [at, -1, at + 1, -2, at + 2, null, at + 3, 0];
  const history = decodeHistory(
    csv({ 0: points, 1: points, 2: points, 3: points, 11: points, 12: points }),
  );
  const { amazon, priceNew, priceUsed, rank, countNew, countUsed } = history;
  for (const series of [amazon, priceNew, priceUsed, rank, countNew, countUsed]) {
    assert.deepEqual([...(series?.values ?? [])], [NaN, NaN, NaN, 0]);
  }
});

test('an odd negative is kept as sent: the rules that read the series refuse it', () => {
  assert.deepEqual([...(decodeHistory(csv({ 3: [at, -7] })).rank?.values ?? [])], [-7]);
});

test('a triplet is price and shipping together, and unknown where either is', () => {
  const triplets = [
    ...[at, 2402, 399],
    ...[at, 2402, 0],
    ...[at, -1, -1],
    // Recorded: adding these up would make a price of -1, and one that is too cheap.
    ...[at, -1, 0],
    ...[at, 12_500, -1],
    ...[at, 12_500, -2],
  ];
  for (const index of [7, 18, 19, 20, 21, 22, 32]) {
    const series = decodeHistory(csv({ [index]: triplets })).other.get(index);
    assert.deepEqual([...(series?.values ?? [])], [2801, 2402, NaN, NaN, NaN, NaN], `${index}`);
  }
});

test('the rest of a series that ends in the middle of a point is lost, and nothing else', () => {
  const history = decodeHistory(csv({ 2: [at, 1, at], 22: [at, 1, 2, at, 3], 12: [at] }));
  assert.equal(history.priceUsed?.minutes.length, 1);
  assert.equal(history.other.get(22)?.minutes.length, 1);
  assert.equal(history.countUsed?.minutes.length, 0);
});

test('null, missing and beyond the end are absent; an empty series is there', () => {
  const history = decodeHistory(csv({ 1: [], 9: [] }, 10));
  assert.deepEqual(Object.keys(history).sort(), ['other', 'priceNew']);
  assert.equal(history.priceNew?.values.length, 0);
  assert.deepEqual([...history.other.keys()], [9]);
  assert.deepEqual(decodeHistory([]), { other: new Map() });
});

test('every price a feed can be about is kept, and nothing that is no price', () => {
  const all = Array.from({ length: 36 }, () => []);
  const others = [...decodeHistory(all).other.keys()];
  assert.deepEqual(others, [5, 6, 7, 8, 9, 10, 18, 19, 20, 21, 22, 32, 33]);
});

test('what is no series of numbers is refused by its place', () => {
  const bad: [unknown, RegExp][] = [
    [7, /^csv\[2\]: is not a list/],
    [{}, /^csv\[2\]: is not a list/],
    [[at, '20.50'], /^csv\[2\]: a value that is not a number/],
    [[at, 1e300], /^csv\[2\]: a value that is out of range/],
    [[at, -(2 ** 53)], /^csv\[2\]: a value that is out of range/],
    [[null, 2050], /^csv\[2\]: not a time/],
    [[-1, 2050], /^csv\[2\]: not a time/],
    [[1.5, 2050], /^csv\[2\]: not a time/],
    [[2 ** 31, 2050], /^csv\[2\]: not a time/],
  ];
  for (const [series, message] of bad) {
    assert.throws(() => decodeHistory(csv({ 2: series })), { name: 'ShapeError', message });
  }
});
