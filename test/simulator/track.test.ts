/**
 * Series: reading them at a time, and averaging them, against counting minute by minute.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { minuteAt } from '../../src/simulator/keepa-minute.ts';
import { Market } from '../../src/simulator/market.ts';
import { meansOf, Track } from '../../src/simulator/track.ts';
import { startMs } from './asking.ts';

function trackOf(points: readonly (readonly [number, number])[]): Track {
  const track = new Track();
  for (const [minute, value] of points) track.push(minute, value);
  return track;
}

describe('track', () => {
  test('a value holds until the next point, and there is none before the first', () => {
    const track = trackOf([
      [10, 500],
      [20, -1],
      [30, 700],
    ]);
    const read = [9, 10, 19, 20, 29, 30, 999].map((minute) => track.at(minute));
    assert.deepEqual(read, [-1, 500, 500, -1, -1, 700, 700]);
  });

  test('a second point in the same minute replaces the first', () => {
    const track = trackOf([
      [10, 500],
      [10, 600],
    ]);
    assert.deepEqual([track.length, track.at(10)], [1, 600]);
  });

  test('means are those of counting every minute that had an offer', () => {
    const step = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: -1, max: 9_000 }));
    const windows = fc.uniqueArray(fc.integer({ min: 1, max: 300 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), windows, (steps, unsorted) => {
        let minute = 0;
        const points = steps.map(([gap, value]) => {
          minute += gap;
          return [minute, value] as const;
        });
        const track = trackOf(points);
        const now = minute + 25;
        const sizes = unsorted.toSorted((a, b) => a - b);
        const counted = sizes.map((size) => {
          const values = Array.from({ length: size }, (_, i) => track.at(now - 1 - i));
          const offered = values.filter((value) => value >= 0);
          const sum = offered.reduce((a, b) => a + b, 0);
          return offered.length === 0 ? -1 : Math.round(sum / offered.length);
        });
        assert.deepEqual(meansOf(track, now, sizes), counted);
      }),
    );
  });

  test('before the first point there never was anything: -2', () => {
    assert.deepEqual(meansOf(trackOf([[10, 500]]), 9, [5, 50]), [-2, -2]);
  });
});

describe('rank', () => {
  const now = minuteAt(startMs);
  const ranks = new Market({ seed: 3, rows: 60, startMinute: now })
    .listedAt(now)
    .flatMap((product) => product.rank ?? []);

  test('the rank at a time is the last point of the series at that time', () => {
    fc.assert(
      fc.property(
        fc.nat(ranks.length - 1),
        fc.integer({ min: 0, max: 300 * 1_440 }),
        fc.integer({ min: 0, max: 90 * 1_440 }),
        (which, ago, span) => {
          const rank = ranks[which];
          const minute = now - ago;
          assert.equal(rank?.between(minute - span, minute).at(minute), rank?.rankAt(minute));
        },
      ),
    );
  });

  test('it falls as often as is counted, and never falls in between', () => {
    for (const rank of ranks) {
      const from = now - 90 * 1_440;
      const series = rank.between(from, now);
      let falls = 0;
      for (let i = 1; i < series.length; i += 1) {
        const isFall = series.nthValue(i) < series.nthValue(i - 1);
        if (isFall && series.nthMinute(i) > from) falls += 1;
      }
      assert.equal(falls, rank.dropsIn(from, now));
    }
  });
});
