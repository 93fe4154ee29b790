import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Actor, type PassReport } from '../../src/runtime/actor.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { RecordedLog } from './recorded-log.ts';

const startMs = Date.parse('2026-05-01T12:00:00Z');
const everyMinute: PassReport = { counts: { rows: 3 }, nextInMs: 60_000 };

function arrange(pass: (signal: AbortSignal) => Promise<PassReport>) {
  const clock = new VirtualClock(startMs);
  const log = new RecordedLog();
  const actor = new Actor({ name: 'sweeper', clock, log, pass });
  const controller = new AbortController();
  return { actor, clock, log, controller };
}

test('passes run at once, then each as long after the last as it asked for', async () => {
  const startedMs: number[] = [];
  const { actor, clock, controller } = arrange(async () => {
    startedMs.push(clock.monotonic());
    await clock.sleep(5_000);
    return everyMinute;
  });
  const running = actor.run(controller.signal);
  await clock.advanceBy(140_000);
  assert.deepEqual(startedMs, [0, 65_000, 130_000]);
  controller.abort();
  await running;
});

test('each pass leaves one line with its counts, its outcome and its duration', async () => {
  const { actor, clock, log, controller } = arrange(async () => {
    await clock.sleep(250);
    return everyMinute;
  });
  const running = actor.run(controller.signal);
  await clock.advanceBy(61_000);
  controller.abort();
  await running;
  const line = {
    level: 'info',
    scope: 'sweeper',
    event: 'pass',
    fields: { outcome: 'done', rows: 3, ms: 250 },
  };
  assert.deepEqual(log.said, [line, line]);
});

test('a failing pass leaves its one line, ends the run with its error, and no timer', async () => {
  const { actor, clock, log, controller } = arrange(async () => {
    throw new Error('disk full');
  });
  await assert.rejects(actor.run(controller.signal), /disk full/);
  assert.equal(clock.pending, 0);
  assert.deepEqual(
    log.said.map(({ level, event, fields }) => ({ level, event, error: fields.error })),
    [{ level: 'error', event: 'pass', error: 'disk full' }],
  );
  const snapshot = actor.snapshot();
  assert.equal(snapshot.state, 'stopped');
  assert.equal(snapshot.failures, 1);
  assert.equal(snapshot.lastError, 'disk full');
});

test('a pass that was nudged for and not begun does not run after a failure', async () => {
  let passes = 0;
  const { actor, clock, controller } = arrange(async () => {
    passes += 1;
    actor.nudge();
    throw new Error('broken');
  });
  await assert.rejects(actor.run(controller.signal), /broken/);
  await clock.advanceBy(120_000);
  assert.equal(passes, 1);
});

test('an actor can be run again after a failure', async () => {
  let passes = 0;
  const { actor, clock, controller } = arrange(async () => {
    passes += 1;
    if (passes === 1) throw new Error('first');
    return everyMinute;
  });
  await assert.rejects(actor.run(controller.signal), /first/);
  const running = actor.run(controller.signal);
  await clock.advanceBy(1);
  assert.equal(passes, 2);
  controller.abort();
  await running;
});

test('a nudge makes the next pass due at once and moves the timer with it', async () => {
  const startedMs: number[] = [];
  const { actor, clock, controller } = arrange(async () => {
    startedMs.push(clock.monotonic());
    return everyMinute;
  });
  const running = actor.run(controller.signal);
  await clock.advanceBy(10_000);
  actor.nudge();
  await clock.advanceBy(61_000);
  assert.deepEqual(startedMs, [0, 10_000, 70_000]);
  assert.equal(clock.pending, 1);
  controller.abort();
  await running;
});

test('nudges during a pass make exactly one more follow, whatever their number', async () => {
  let passes = 0;
  const { actor, clock, controller } = arrange(async () => {
    passes += 1;
    await clock.sleep(1_000);
    return everyMinute;
  });
  const running = actor.run(controller.signal);
  await clock.advanceBy(500);
  for (let i = 0; i < 10; i += 1) actor.nudge();
  assert.equal(passes, 1);
  await clock.advanceBy(3_000);
  assert.equal(passes, 2);
  assert.equal(clock.pending, 1);
  controller.abort();
  await running;
});

test('a nudge outside a run does nothing', async () => {
  const { actor, clock } = arrange(async () => assert.fail('ran'));
  actor.nudge();
  await clock.advanceBy(1_000);
});

test('an abort lets the pass in progress end, logs it as aborted, then resolves', async () => {
  let hasEnded = false;
  const { actor, clock, log, controller } = arrange(async (signal) => {
    await clock.sleep(60_000, signal).catch(() => undefined);
    await clock.sleep(2_000);
    hasEnded = true;
    throw signal.reason;
  });
  const running = actor.run(controller.signal);
  await clock.advanceBy(1_000);
  controller.abort();
  let hasResolved = false;
  void running.then(() => {
    hasResolved = true;
  });
  await clock.advanceBy(1_000);
  assert.equal(hasResolved, false);
  await clock.advanceBy(1_000);
  await running;
  assert.equal(hasEnded, true);
  assert.deepEqual(
    log.said.map(({ fields }) => fields.outcome),
    ['aborted'],
  );
  assert.equal(actor.snapshot().failures, 0);
});

test('an abort between passes resolves the run and leaves no timer', async () => {
  const { actor, clock, controller } = arrange(async () => everyMinute);
  const running = actor.run(controller.signal);
  await clock.advanceBy(1_000);
  controller.abort();
  await running;
  assert.equal(clock.pending, 0);
  actor.nudge();
  await clock.advanceBy(120_000);
  assert.equal(actor.snapshot().passes, 1);
});

test('a fault beside the abort is a failure, not an abort', async () => {
  const { actor, clock, controller } = arrange(async () => {
    await clock.sleep(1_000);
    throw new Error('disk full');
  });
  const running = actor.run(controller.signal);
  await clock.advanceBy(500);
  controller.abort();
  const rejected = assert.rejects(running, /disk full/);
  await clock.advanceBy(1_000);
  await rejected;
});

test('a run on an aborted signal resolves without a pass', async () => {
  const { actor, controller } = arrange(async () => assert.fail('ran'));
  controller.abort();
  await actor.run(controller.signal);
});

test('a next pass that is due at no possible time is a failure with one line', async () => {
  const { actor, log, controller } = arrange(async () => ({ counts: {}, nextInMs: Number.NaN }));
  await assert.rejects(actor.run(controller.signal), /cannot be due in NaN/);
  assert.equal(log.said.length, 1);
});

test('two runs of one actor at once are refused', async () => {
  const { actor, controller } = arrange(async () => everyMinute);
  const running = actor.run(controller.signal);
  await assert.rejects(actor.run(controller.signal), /running already/);
  controller.abort();
  await running;
});

test('the snapshot tells what happened and when the next pass is due', async () => {
  const { actor, clock, controller } = arrange(async () => {
    await clock.sleep(1_000);
    return everyMinute;
  });
  assert.deepEqual(actor.snapshot(), { name: 'sweeper', state: 'idle', passes: 0, failures: 0 });
  const running = actor.run(controller.signal);
  await clock.advanceBy(500);
  const during = { name: 'sweeper', state: 'running', passes: 1, failures: 0 };
  assert.deepEqual(actor.snapshot(), { ...during, lastPassAtMs: startMs });
  await clock.advanceBy(1_000);
  assert.deepEqual(actor.snapshot(), {
    ...during,
    state: 'idle',
    lastPassAtMs: startMs,
    lastSuccessAtMs: startMs + 1_000,
    nextPassAtMs: startMs + 61_000,
  });
  controller.abort();
  await running;
  assert.equal(actor.snapshot().nextPassAtMs, undefined);
  assert.equal(actor.snapshot().state, 'stopped');
});
