/** Rounds: which stage works, how often an idle actor looks, and what a look costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passOver, type Round } from '../../src/actors/rounds.ts';
import { Actor } from '../../src/runtime/actor.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';

/** An actor of one stage whose work the test hands out; it remembers when it was asked for any. */
function arrange() {
  const clock = new VirtualClock(0);
  const log = new RecordedLog();
  const asked: number[] = [];
  const rounds: Round[] = [];
  let writes = 0;
  const work = (): Promise<Round | undefined> => {
    asked.push(Math.floor(clock.monotonic() / 1_000));
    return Promise.resolve(rounds.shift());
  };
  const pass = passOver([{ name: 'only', work }], { clock, log, reader: { writes: () => writes } });
  const actor = new Actor({ name: 'worker', clock, log, pass });
  const stop = new AbortController();
  const running = actor.run(stop.signal);
  const isOver = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  const write = (): void => {
    writes += 1;
  };
  return { clock, log, asked, rounds, actor, isOver, write };
}

test('idle, it looks after 1, 2, 4 seconds and so on, and every minute in the end', async () => {
  const { clock, actor, isOver } = arrange();
  const looks: number[] = [];
  let passes = 0;
  for (let second = 0; second <= 250; second += 1) {
    if (actor.snapshot().passes > passes) looks.push(second);
    passes = actor.snapshot().passes;
    await clock.advanceBy(second === 0 ? 1 : 1_000);
  }
  assert.deepEqual(looks, [1, 2, 4, 8, 16, 32, 64, 124, 184, 244]);
  await isOver();
});

test('a look asks for work only when something was written, or after five minutes', async () => {
  const { clock, asked, write, isOver } = arrange();
  await clock.advanceBy(20_000);
  assert.deepEqual(asked, [0]);
  write();
  await clock.advanceBy(100_000);
  assert.deepEqual(asked, [0, 31], 'at the next look');
  await clock.advanceBy(300_000);
  assert.deepEqual(asked, [0, 31, 363]);
  await isOver();
});

test('work that was found brings the next look back to a second', async () => {
  const { clock, actor, rounds, write, isOver } = arrange();
  await clock.advanceBy(400_000);
  write();
  rounds.push({ counts: { rows: 1 } });
  while (rounds.length > 0) await clock.advanceBy(100);
  const { nextPassAtMs = 0 } = actor.snapshot();
  assert.ok(nextPassAtMs - clock.now() <= 1_000, `${nextPassAtMs - clock.now()} ms`);
  await isOver();
});

test('of idle looks only the first is told, until work was found', async () => {
  const { clock, log, rounds, write, isOver } = arrange();
  const stages = (): unknown[] => log.said.map(({ fields }) => fields.stage);
  await clock.advanceBy(600_000);
  assert.deepEqual(stages(), ['none']);
  rounds.push({ counts: { rows: 1 } });
  write();
  await clock.advanceBy(600_000);
  assert.deepEqual(stages(), ['none', 'only', 'none']);
  await isOver();
});

test('a stage in trouble steps back, and the one behind it has its turn', async () => {
  const clock = new VirtualClock(0);
  const log = new RecordedLog();
  const done: string[] = [];
  const first = () => {
    done.push('first');
    return Promise.resolve({ counts: {}, trouble: { why: 'refused', pauseMs: 90_000 } });
  };
  const second = () => {
    done.push('second');
    return Promise.resolve({ counts: { rows: 1 } });
  };
  const stages = [
    { name: 'first', work: first },
    { name: 'second', work: second },
  ];
  const pass = passOver(stages, { clock, log, reader: { writes: () => 0 } });
  const { signal } = new AbortController();
  await pass(signal);
  await pass(signal);
  await clock.advanceBy(89_999);
  await pass(signal);
  await clock.advanceBy(1);
  await pass(signal);
  assert.deepEqual(done, ['first', 'second', 'second', 'first']);
});
