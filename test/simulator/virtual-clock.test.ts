/**
 * The virtual clock: every simulation rests on its order, its instants and its two kinds of time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';

const startMs = Date.parse('2026-05-01T12:00:00Z');

test('a callback sees its own deadline on both clocks, not the end of the advance', async () => {
  const clock = new VirtualClock(startMs);
  const seen: number[][] = [];
  clock.after(250, () => seen.push([clock.now(), clock.monotonic()]));
  await clock.advanceBy(10_000);
  assert.deepEqual(seen, [[startMs + 250, 250]]);
  assert.equal(clock.now(), startMs + 10_000);
});

test('any set of timers runs by deadline, ties in the order they were asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: -5, max: 20 }), { maxLength: 60 }),
      async (waits) => {
        const clock = new VirtualClock(startMs);
        const ran: number[] = [];
        for (const [at, ms] of waits.entries()) clock.after(ms, () => ran.push(at));
        await clock.advanceBy(20);
        const due = (at: number): number => Math.max(0, waits[at] ?? 0);
        const expected = [...waits.keys()].sort((a, b) => due(a) - due(b) || a - b);
        assert.deepEqual(ran, expected);
        assert.equal(clock.pending, 0);
      },
    ),
    { numRuns: 60 },
  );
});

test('a periodic sleeper keeps its period over one long advance', async () => {
  const clock = new VirtualClock(startMs);
  const seen: number[] = [];
  const beat = async (): Promise<void> => {
    for (let i = 0; i < 5; i += 1) {
      await clock.sleep(1_000);
      seen.push(clock.monotonic());
    }
  };
  const done = beat();
  await clock.advanceBy(60_000);
  await done;
  assert.deepEqual(seen, [1_000, 2_000, 3_000, 4_000, 5_000]);
});

test('ten thousand chained promises settle before the next deadline runs', async () => {
  const clock = new VirtualClock(startMs);
  let links = 0;
  clock.after(1, () => {
    void (async () => {
      for (let i = 0; i < 10_000; i += 1) {
        await null;
        links += 1;
      }
    })();
  });
  let linksAtNext = 0;
  clock.after(2, () => {
    linksAtNext = links;
  });
  await clock.advanceBy(5);
  assert.equal(linksAtNext, 10_000);
});

test('a deadline at the very end of the advance still runs, one past it does not', async () => {
  const clock = new VirtualClock(startMs);
  const ran: string[] = [];
  clock.after(100, () => ran.push('at'));
  clock.after(101, () => ran.push('past'));
  await clock.advanceTo(startMs + 100);
  assert.deepEqual(ran, ['at']);
  assert.equal(clock.pending, 1);
});

test('a cancelled timer never runs and no longer counts as pending', async () => {
  const clock = new VirtualClock(startMs);
  const timer = clock.after(5, () => assert.fail('ran'));
  timer.cancel();
  timer.cancel();
  assert.equal(clock.pending, 0);
  await clock.advanceBy(10);
});

test('cancelling a timer that has fired leaves the count of pending ones alone', async () => {
  const clock = new VirtualClock(startMs);
  const fired = clock.after(1, () => undefined);
  clock.after(50, () => undefined);
  await clock.advanceBy(10);
  fired.cancel();
  assert.equal(clock.pending, 1);
});

test('a step of the wall clock moves now() and neither monotonic() nor a deadline', async () => {
  const clock = new VirtualClock(startMs);
  let ranAtMs = -1;
  clock.after(1_000, () => {
    ranAtMs = clock.monotonic();
  });
  clock.stepWall(-3_600_000);
  assert.equal(clock.now(), startMs - 3_600_000);
  assert.equal(clock.monotonic(), 0);
  await clock.advanceBy(2_000);
  assert.equal(ranAtMs, 1_000);
});

test('a callback that throws rejects the advance, and the next goes on from there', async () => {
  const clock = new VirtualClock(startMs);
  const ran: number[] = [];
  clock.after(10, () => {
    throw new Error('broken');
  });
  clock.after(20, () => ran.push(clock.monotonic()));
  await assert.rejects(clock.advanceBy(100), /broken/);
  assert.equal(clock.monotonic(), 10);
  await clock.advanceBy(50);
  assert.deepEqual(ran, [20]);
});

test('work that re-arms itself without waiting is reported instead of hanging', async () => {
  const clock = new VirtualClock(startMs);
  const spin = (): void => void clock.after(0, spin);
  spin();
  await assert.rejects(clock.advanceBy(1), /time stands still/);
});

test('an aborted sleep rejects with the reason and leaves no timer behind', async () => {
  const clock = new VirtualClock(startMs);
  const controller = new AbortController();
  const sleeping = clock.sleep(1_000, controller.signal);
  const reason = new Error('enough');
  controller.abort(reason);
  await assert.rejects(sleeping, reason);
  assert.equal(clock.pending, 0);
  await assert.rejects(clock.sleep(1, controller.signal), reason);
  assert.equal(clock.pending, 0);
});

test('the past, not a number, and two advances at once are refused', async () => {
  const clock = new VirtualClock(startMs);
  await assert.rejects(clock.advanceTo(startMs - 1), RangeError);
  await assert.rejects(clock.advanceBy(Number.NaN), RangeError);
  assert.throws(() => clock.after(Number.NaN, () => undefined), /must be a number/);
  const first = clock.advanceBy(10);
  await assert.rejects(clock.advanceBy(10), /two callers/);
  await first;
});
