/**
 * Goal: whatever is broken for a whole day, the log of that day is at most 1 MB and without the
 * key, and not because the daemon is dead: it answers all day, and its loops go on. Method: the
 * whole daemon in virtual time, broken after an hour of work and never mended, its lines through
 * the real log in both formats.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Coordination, CoordinationAwayError } from '../../src/coordination/ports.ts';
import type { Daemon, Ending } from '../../src/daemon-contract.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { healthOf } from '../../src/status/health.ts';
import { buildReport } from '../../src/status/report.ts';
import { Disk } from './fault-disk.ts';
import { RememberedCoordination, type StoreTime } from './remembered-coordination.ts';
import { Simulation, type SimulationOptions } from './simulated-daemon.ts';
import { WrittenLog } from './written-log.ts';

const hourMs = 3_600_000;
const bytesMax = 1_000_000;
const key = 'simulated-key';

const plan: SimulationOptions = { seed: 5, ratePerMinute: 5, rows: 40 };

/** A coordination that can be broken, and whose every call is broken then. */
class Breakable {
  isBroken: () => boolean = () => false;

  on(time: StoreTime): Coordination {
    const coordination = new RememberedCoordination({ time, isProvablyDead: () => false });
    const guarded = <T extends object>(port: T): T =>
      new Proxy(port, {
        get: (target, name, receiver) => {
          const call: unknown = Reflect.get(target, name, receiver);
          if (typeof call !== 'function') return call;
          return (...args: unknown[]): unknown =>
            this.isBroken()
              ? Promise.reject(new CoordinationAwayError('Redis at 127.0.0.1:6379: no answer'))
              : Reflect.apply(call, target, args);
        },
      });
    const { leases, checkpoints } = coordination;
    return {
      leases: guarded(leases),
      checkpoints: guarded(checkpoints),
      close: () => coordination.close(),
    };
  }
}

interface Broken {
  readonly simulation: Simulation;
  readonly breakable: Breakable;
}

interface Day {
  readonly json: WrittenLog;
  readonly human: WrittenLog;
  /** How the daemon came to an end, if it did. */
  readonly ending: Ending | undefined;
}

/** It answers who asks, none of its loops is frozen, and each that rests knows until when. */
async function assertAlive(daemon: Daemon, hour: number): Promise<void> {
  const sources = daemon.sources();
  const { state, reason, at } = await buildReport(sources);
  const nowMs = sources.clock.now();
  assert.equal(Date.parse(at), nowMs, 'the answer is of now');
  assert.ok(
    ['degraded', 'running', 'waiting'].includes(state),
    `hour ${hour}: ${state}: ${reason}`,
  );
  assert.deepEqual(healthOf(sources).frozen, [], `hour ${hour}`);
  const loops = sources.loops();
  assert.ok(loops.length >= 6, 'every actor is there');
  // The janitor spends nothing and waits for nobody.
  const janitor = loops.find(({ name }) => name === 'janitor');
  assert.ok((janitor?.lastPassAtMs ?? 0) > nowMs - hourMs, `hour ${hour}: the janitor works`);
}

/** An hour of work, then a day with what is broken. */
async function brokenDay(breakIt: (day: Broken) => void): Promise<Day> {
  const breakable = new Breakable();
  const simulation: Simulation = new Simulation({
    ...plan,
    // In memory: a renewal every ten seconds costs next to nothing there.
    wrap: (outside) => ({ ...outside, coordination: breakable.on(simulation.clock) }),
  });
  try {
    await simulation.start();
    await simulation.clock.advanceBy(hourMs);
    const json = new WrittenLog(simulation, 'json');
    const human = new WrittenLog(simulation, 'human');
    breakIt({ simulation, breakable });
    const { daemon } = simulation;
    let ending: Ending | undefined;
    void daemon.ended.then((how) => {
      ending = how;
    });
    for (let hour = 1; hour <= 24; hour += 1) {
      await simulation.clock.advanceBy(hourMs);
      if (ending === undefined) await assertAlive(daemon, hour);
    }
    return { json, human, ending };
  } finally {
    await simulation.abandon();
    simulation.dispose();
  }
}

function assertQuiet({ json, human, ending }: Day, expected: RegExp, code?: number): void {
  assert.equal(ending?.code, code, `its end: ${ending?.reason}`);
  for (const { text, bytes } of [json, human]) {
    assert.match(text, expected, 'what is broken is said');
    assert.ok(bytes <= bytesMax, `${bytes} bytes in a day`);
    assert.ok(!text.includes(key), 'the key is in the log');
  }
}

describe('a day of', () => {
  const answered = (status: number, body: object): Fault => ({
    kind: 'answer',
    response: { status, contentType: 'application/json', body: JSON.stringify(body) },
  });
  const faults: readonly (readonly [string, Fault, RegExp, code?: number])[] = [
    ['429', { kind: 'refused' }, /broker refused|"refused"/],
    ['500', { kind: 'error-html' }, /HTTP 500/],
    ['a Keepa that cannot be reached', { kind: 'reset-before' }, /reset/],
    ['a Keepa that never answers', { kind: 'hang' }, /answer/],
    [
      'a key that is refused',
      answered(403, { error: { type: 'ACCESS_DENIED' } }),
      /invalid-key/,
      1,
    ],
    ['a plan that is not paid', answered(402, { error: { type: 'PAYMENT' } }), /payment-required/],
  ];
  for (const [name, fault, expected, code] of faults) {
    test(name, async () => {
      const day = await brokenDay(({ simulation }) => simulation.keepa.setFaults(() => fault));
      assertQuiet(day, expected, code);
    });
  }

  test('a full disk', async () => {
    const disk = new Disk();
    const day = await brokenDay(({ simulation }) =>
      disk.fill(join(simulation.directory, 'deals.sqlite')),
    );
    assertQuiet(day, /full/);
  });

  const away: readonly (readonly [string, (nowMs: number) => boolean])[] = [
    ['a coordination that is away', () => true],
    ['one that comes and goes every minute', (nowMs) => Math.floor(nowMs / 60_000) % 2 === 0],
    ['one that fails every other second', (nowMs) => Math.floor(nowMs / 1_000) % 2 === 0],
  ];
  for (const [name, isAwayAt] of away) {
    test(name, async () => {
      const day = await brokenDay(({ simulation, breakable }) => {
        breakable.isBroken = () => isAwayAt(simulation.clock.now());
      });
      assertQuiet(day, /Redis/);
    });
  }
});
