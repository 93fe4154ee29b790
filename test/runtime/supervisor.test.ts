import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/runtime/random.ts';
import { Supervisor } from '../../src/runtime/supervisor.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { RecordedLog } from './recorded-log.ts';

const startMs = Date.parse('2026-05-01T12:00:00Z');
const minuteMs = 60_000;

function arrange() {
  const clock = new VirtualClock(startMs);
  const log = new RecordedLog();
  const supervisor = new Supervisor({
    clock,
    log,
    random: seededRandom(1),
    restarts: { max: 3, windowMs: 10 * minuteMs },
    backoff: { firstMs: 1_000, capMs: 30_000 },
  });
  return { clock, log, supervisor };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Whether a promise has settled, without waiting for it. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
}

test('a child that fails is started again, later each time, while the others go on', async () => {
  const { clock, supervisor } = arrange();
  const startedMs: number[] = [];
  let others = 0;
  supervisor.add({
    name: 'steady',
    run: async (signal) => {
      others += 1;
      await untilAborted(signal);
    },
  });
  supervisor.add({
    name: 'flapping',
    run: async () => {
      startedMs.push(clock.monotonic());
      throw new Error('boom');
    },
  });
  supervisor.start();
  await clock.advanceBy(minuteMs);
  const waits = startedMs.slice(1).map((at, i) => at - (startedMs[i] ?? 0));
  const ceilings = [1_000, 2_000, 4_000];
  assert.equal(waits.length, ceilings.length);
  for (const [i, ceiling] of ceilings.entries()) {
    const waitMs = waits[i] ?? 0;
    assert(waitMs >= ceiling / 2 && waitMs <= ceiling, `wait ${i}: ${waitMs}`);
  }
  assert.equal(others, 1);
  await supervisor.stop();
});

test('a child above its budget is reported, not restarted, and stops nobody else', async () => {
  const { clock, log, supervisor } = arrange();
  let isOtherRunning = false;
  supervisor.add({
    name: 'steady',
    run: async (signal) => {
      isOtherRunning = true;
      await untilAborted(signal);
      isOtherRunning = false;
    },
  });
  let starts = 0;
  supervisor.add({
    name: 'broken',
    run: async () => {
      starts += 1;
      throw new Error('boom', { cause: new Error('no such table') });
    },
  });
  supervisor.start();
  await clock.advanceBy(5 * minuteMs);
  const failure = await supervisor.failed;
  assert.deepEqual(failure, { child: 'broken', reason: 'boom: no such table', restarts: 3 });
  assert.equal(starts, 4);
  assert.equal(isOtherRunning, true);
  assert.equal(log.said.at(-1)?.event, 'child-given-up');
  assert.equal(log.said.at(-1)?.level, 'error');
  assert.equal(supervisor.snapshot()[1]?.state, 'failed');
  await supervisor.stop();
  assert.equal(supervisor.snapshot()[1]?.state, 'failed');
});

test('failures spread wider than the window never use the budget up', async () => {
  const { clock, supervisor } = arrange();
  let starts = 0;
  supervisor.add({
    name: 'weekly',
    run: async (signal) => {
      starts += 1;
      await clock.sleep(4 * minuteMs, signal);
      throw new Error('again');
    },
  });
  supervisor.start();
  await clock.advanceBy(24 * 60 * minuteMs);
  assert(starts > 300, `${starts} starts`);
  assert.equal(await isPending(supervisor.failed), true);
  await supervisor.stop();
});

test('each child spends its own budget', async () => {
  const { clock, supervisor } = arrange();
  for (const name of ['a', 'b', 'c']) {
    let failuresLeft = 2;
    supervisor.add({
      name,
      run: async (signal) => {
        failuresLeft -= 1;
        if (failuresLeft >= 0) throw new Error(`${name} failed`);
        await untilAborted(signal);
      },
    });
  }
  supervisor.start();
  await clock.advanceBy(5 * minuteMs);
  assert.deepEqual(
    supervisor.snapshot().map(({ state, restarts }) => ({ state, restarts })),
    Array.from({ length: 3 }, () => ({ state: 'running', restarts: 2 })),
  );
  assert.equal(await isPending(supervisor.failed), true);
  await supervisor.stop();
});

test('a child that returns uninvited has failed and is started again', async () => {
  const { clock, log, supervisor } = arrange();
  let starts = 0;
  supervisor.add({
    name: 'quitter',
    run: async (signal) => {
      starts += 1;
      if (starts > 1) await untilAborted(signal);
    },
  });
  supervisor.start();
  await clock.advanceBy(minuteMs);
  assert.equal(starts, 2);
  assert.equal(log.said[0]?.fields.error, 'ended uninvited');
  await supervisor.stop();
});

test('a child that throws before its first await fails like any other', async () => {
  const { clock, supervisor } = arrange();
  supervisor.add({
    name: 'sync',
    run: () => {
      throw new Error('at once');
    },
  });
  supervisor.start();
  await clock.advanceBy(minuteMs);
  assert.equal((await supervisor.failed).reason, 'at once');
  await supervisor.stop();
});

test('stop ends the children in reverse order, each awaited', async () => {
  const { clock, supervisor } = arrange();
  const trace: string[] = [];
  for (const name of ['first', 'second', 'third']) {
    supervisor.add({
      name,
      run: async (signal) => {
        await untilAborted(signal);
        trace.push(`${name} told`);
        await clock.sleep(1_000);
        trace.push(`${name} ended`);
      },
    });
  }
  supervisor.start();
  await clock.advanceBy(1);
  const stopping = supervisor.stop();
  assert.equal(supervisor.stop(), stopping);
  await clock.advanceBy(10_000);
  await stopping;
  assert.deepEqual(trace, [
    'third told',
    'third ended',
    'second told',
    'second ended',
    'first told',
    'first ended',
  ]);
});

test('stop does not wait for a backoff to pass', async () => {
  const { clock, supervisor } = arrange();
  supervisor.add({
    name: 'flapping',
    run: async () => {
      throw new Error('boom');
    },
  });
  supervisor.start();
  await clock.advanceBy(0);
  assert.equal(supervisor.snapshot()[0]?.state, 'waiting');
  assert((supervisor.snapshot()[0]?.nextStartAtMs ?? 0) > startMs);
  await supervisor.stop();
  assert.equal(clock.pending, 0);
  assert.equal(supervisor.snapshot()[0]?.state, 'stopped');
  assert.equal(supervisor.snapshot()[0]?.nextStartAtMs, undefined);
});

test('what a child throws while stopping is logged and holds up nothing', async () => {
  const { clock, log, supervisor } = arrange();
  supervisor.add({
    name: 'clumsy',
    run: async (signal) => {
      await untilAborted(signal);
      throw new Error('could not close');
    },
  });
  supervisor.add({
    name: 'polite',
    run: async (signal) => {
      await untilAborted(signal);
      throw signal.reason;
    },
  });
  supervisor.start();
  await clock.advanceBy(1);
  await supervisor.stop();
  assert.deepEqual(
    log.said.map(({ event, fields }) => [event, fields.child, fields.error]),
    [['child-failed-stopping', 'clumsy', 'could not close']],
  );
});

test('stopping a supervisor that was never started resolves and forbids a start', async () => {
  const { supervisor } = arrange();
  supervisor.add({ name: 'unborn', run: async () => assert.fail('ran') });
  await supervisor.stop();
  assert.throws(() => supervisor.start(), /starts once/);
});

test('adding after the start is refused', async () => {
  const { supervisor } = arrange();
  supervisor.start();
  assert.throws(() => supervisor.add({ name: 'late', run: untilAborted }), /after the start/);
  await supervisor.stop();
});
