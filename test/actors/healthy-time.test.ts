/**
 * Healthy time: what counts as having looked, and what never does.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  beginWatch,
  type CompleteSweep,
  countHealthyTime,
  type Rounds,
  timeToLiveMs,
  unwatchedSinceMs,
  type Watch,
} from '../../src/actors/healthy-time.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** A sweep from one minute to another, planned for ten. */
function sweep(fromMinute: number, toMinute: number, plannedMinutes = 10): CompleteSweep {
  return {
    startedAtMs: fromMinute * minuteMs,
    endedAtMs: toMinute * minuteMs,
    plannedMs: plannedMinutes * minuteMs,
  };
}

/** Sweeps of one part each, oldest first as they are easier to read. */
function rounds(...parts: (readonly CompleteSweep[])[]): Rounds {
  return { parts: parts.map((sweeps) => sweeps.toReversed()), sweepIntervalMs: 5 * minuteMs };
}

/** Healthy minutes from the start of the process at minute 0 to one look. */
function healthyMinutes(atMinute: number, swept: Rounds, changes: { isHalted?: boolean } = {}) {
  const watch = beginWatch({ wallMs: 0, monotonicMs: 0 });
  const at = { wallMs: atMinute * minuteMs, monotonicMs: atMinute * minuteMs };
  const look = { ...at, rounds: swept, isHalted: false, ...changes };
  return countHealthyTime(watch, look).healthyMs / minuteMs;
}

const table: readonly [claim: string, expected: number, atMinute: number, swept: Rounds][] = [
  ['no feed: nobody looks', 0, 60, rounds()],
  ['no complete sweep', 0, 60, rounds([])],
  ['one part of two never swept', 0, 60, rounds([sweep(1, 9)], [])],
  ['a first sweep counts itself, not the time before it', 8, 60, rounds([sweep(1, 9)])],
  [
    'one after the other counts through',
    25,
    60,
    rounds([sweep(1, 9), sweep(10, 16), sweep(20, 26)]),
  ],
  ['what came after the last sweep is not counted yet', 8, 500, rounds([sweep(1, 9)])],
  ['a sweep later than twice its plan does not count', 0, 60, rounds([sweep(1, 22)])],
  ['a sweep of just twice its plan does', 20, 60, rounds([sweep(1, 21)])],
  ['after a late sweep the next one counts again', 9, 60, rounds([sweep(1, 22), sweep(23, 31)])],
  [
    'a gap longer than a round counts only the sweep after it',
    16,
    90,
    rounds([sweep(1, 9), sweep(80, 88)]),
  ],
  ['a sweep begun before the process counts from its start', 6, 60, rounds([sweep(-3, 6)])],
  [
    'two feeds in turn: what both cover',
    16,
    60,
    rounds([sweep(0, 8), sweep(16, 24)], [sweep(8, 16), sweep(24, 32)]),
  ],
  [
    'a feed that stops stops the time',
    0,
    600,
    rounds([sweep(2, 9), sweep(590, 598)], [sweep(-9, 0)]),
  ],
];

for (const [claim, expected, atMinute, swept] of table) {
  test(claim, () => assert.equal(healthyMinutes(atMinute, swept), expected));
}

test('while spending is stopped nothing counts, nor does what had not been counted before', () => {
  const swept = rounds([sweep(1, 9)]);
  assert.equal(healthyMinutes(60, swept, { isHalted: true }), 0);
  const watch = beginWatch({ wallMs: 0, monotonicMs: 0 });
  const at = (minute: number) => ({ wallMs: minute * minuteMs, monotonicMs: minute * minuteMs });
  const halted = countHealthyTime(watch, { ...at(30), isHalted: true, rounds: swept });
  const later = countHealthyTime(halted.watch, { ...at(60), isHalted: false, rounds: swept });
  assert.equal(later.healthyMs, 0);
});

test('a wall clock that jumps, either way, gives up the open span', () => {
  const watch = beginWatch({ wallMs: 0, monotonicMs: 0 });
  for (const jumpMs of [6_000, 7 * 24 * hourMs, -6_000]) {
    const wallMs = 30 * minuteMs + jumpMs;
    const swept = { ...rounds([{ ...sweep(1, 9), endedAtMs: wallMs - 1 }]), sweepIntervalMs: 1e12 };
    const look = { wallMs, monotonicMs: 30 * minuteMs, isHalted: false, rounds: swept };
    const { healthyMs, watch: next } = countHealthyTime(watch, look);
    assert.equal(healthyMs, 0);
    assert.equal(next.decidedUntilMs, wallMs);
  }
});

test('sweeps dated in the future, as the clock was set back, prove nothing', () => {
  const swept = rounds([sweep(1, 9), sweep(9, 17), sweep(990, 998), sweep(998, 1_006)]);
  assert.equal(healthyMinutes(60, swept), 16);
  assert.equal(unwatchedSinceMs(swept.parts[0] ?? [], swept, 60 * minuteMs), 17 * minuteMs);
});

test('a slewed clock is no jump', () => {
  const watch = beginWatch({ wallMs: 0, monotonicMs: 0 });
  const look = { wallMs: 60 * minuteMs + 400, monotonicMs: 60 * minuteMs, isHalted: false };
  const { healthyMs } = countHealthyTime(watch, { ...look, rounds: rounds([sweep(1, 9)]) });
  assert.equal(healthyMs, 8 * minuteMs);
});

test('the time to live is the configured one, but at least three of the longest rounds', () => {
  const late = sweep(-99, 0);
  const swept = rounds([late, sweep(0, 30, 15), sweep(30, 40)], [sweep(40, 100, 30)]);
  assert.equal(timeToLiveMs(72 * hourMs, swept), 72 * hourMs);
  assert.equal(timeToLiveMs(hourMs, swept), 3 * (30 + 60 + 5) * minuteMs);
  assert.equal(timeToLiveMs(hourMs, rounds([])), hourMs);
});

test('an outage of hours is no round, however many parts leave time to spare', () => {
  const parts = Array.from({ length: 20 }, (_, part) => [
    sweep(part, part + 1),
    sweep(300 + part, 301 + part),
  ]);
  assert.equal(healthyMinutes(400, rounds(...parts)), 0);
});

test('a part is unwatched when its last sweep is older than a late round, or there is none', () => {
  const one = [sweep(0, 8)];
  const swept = rounds(one, [sweep(8, 16)]);
  // 5 minutes between sweeps and twice the 8 that each of two parts took.
  assert.equal(unwatchedSinceMs(one, swept, (8 + 37) * minuteMs), undefined);
  assert.equal(unwatchedSinceMs(one, swept, (8 + 37) * minuteMs + 1), 8 * minuteMs);
  // A part that is swept in no time is planned for 10 all the same.
  const quick = rounds([sweep(8, 8)], [sweep(8, 8)]);
  assert.equal(unwatchedSinceMs([sweep(8, 8)], quick, (8 + 25) * minuteMs), undefined);
  assert.equal(unwatchedSinceMs([sweep(8, 8)], quick, (8 + 25) * minuteMs + 1), 8 * minuteMs);
  assert.equal(unwatchedSinceMs([], swept, hourMs), 0);
});

/** A life of a part: sweeps of any length and plan, any pause between them; oldest first. */
const life = fc
  .array(
    fc.record({ pause: fc.nat(90), took: fc.nat(40), planned: fc.integer({ min: 1, max: 30 }) }),
    {
      maxLength: 12,
    },
  )
  .map((steps) => {
    let minute = -30;
    return steps.map(({ pause, took, planned }) => {
      const from = minute + pause;
      minute = from + took;
      return sweep(from, minute, planned);
    });
  });

/** Looks at these sweeps, each look seeing what had ended by then. */
function countOver(parts: readonly (readonly CompleteSweep[])[], looks: readonly number[]): number {
  let watch: Watch = beginWatch({ wallMs: 0, monotonicMs: 0 });
  let total = 0;
  for (const wallMs of looks) {
    const ended = parts.map((part) => part.filter(({ endedAtMs }) => endedAtMs <= wallMs));
    const look = { wallMs, monotonicMs: wallMs, isHalted: false, rounds: rounds(...ended) };
    const counted = countHealthyTime(watch, look);
    assert.ok(counted.healthyMs >= 0);
    assert.ok(counted.watch.decidedUntilMs >= watch.decidedUntilMs, 'never goes back');
    watch = counted.watch;
    total += counted.healthyMs;
    assert.ok(total <= wallMs, `${total} healthy of ${wallMs} ms`);
  }
  return total;
}

const lookTimes = fc
  .array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 40 })
  .map((steps) => {
    let minute = 0;
    return steps.map((step) => {
      minute += step;
      return minute * minuteMs;
    });
  });

test('healthy time is never more than the time that passed, and never negative', () => {
  fc.assert(
    fc.property(fc.array(life, { maxLength: 3 }), lookTimes, (parts, looks) => {
      countOver(parts, looks);
    }),
  );
});

test('looking more often never finds more healthy time than there was', () => {
  const everyMinute = Array.from({ length: 1_200 }, (_, minute) => (minute + 1) * minuteMs);
  fc.assert(
    fc.property(life, (part) => {
      const last = part.at(-1)?.endedAtMs ?? 0;
      assert.ok(countOver([part], everyMinute) <= Math.max(0, last));
    }),
    { numRuns: 30 },
  );
});

test('two feeds that are swept in turn count in full, however often one looks', () => {
  const one = [0, 1, 2, 3].map((round) => sweep(20 * round, 20 * round + 10));
  const other = [0, 1, 2, 3].map((round) => sweep(20 * round + 10, 20 * round + 20));
  const everyMinute = Array.from({ length: 90 }, (_, minute) => (minute + 1) * minuteMs);
  assert.equal(countOver([one, other], everyMinute), 60 * minuteMs);
  assert.equal(countOver([one, other], [90 * minuteMs]), 60 * minuteMs);
});

test('another feed never adds healthy time', () => {
  fc.assert(
    fc.property(life, life, lookTimes, (one, other, looks) => {
      // The second feed makes a round longer, so the first is held to that longer round alone.
      const longer = one.map((part) => ({ ...part, plannedMs: 1e9 }));
      const same = other.map((part) => ({ ...part, plannedMs: 1e9 }));
      assert.ok(countOver([longer, same], looks) <= countOver([longer], looks));
    }),
  );
});

test('time without a sweep that ends is never healthy, however long', () => {
  fc.assert(
    fc.property(life, lookTimes, (part, looks) => {
      const lastEnd = Math.max(0, part.at(-1)?.endedAtMs ?? 0);
      const late = looks.map((ms) => ms + lastEnd + 1);
      const [first = 0, ...rest] = late;
      assert.equal(countOver([part], [first, ...rest]), countOver([part], [first]));
    }),
  );
});
