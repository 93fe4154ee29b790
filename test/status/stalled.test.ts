/**
 * Goal: status says stalled when the broker is stuck, soon and never otherwise (promise P13).
 * Method: the real broker in virtual time, judged every ten seconds. Breaks are made in what it
 * rests on (its timers, its transport, its store), never by telling the judgement about them; the
 * waits that look the same from outside are lived through for hours.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Gate, SpendClass } from '../../src/broker/request.ts';
import { Spending } from '../../src/broker/spending.ts';
import { createBroker, type TokenBroker } from '../../src/broker/token-broker.ts';
import type { KeepaCall, KeepaClient } from '../../src/keepa/call.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { decideState, type Judgement } from '../../src/status/state.ts';
import { dealCall, hourMs, productCall, shares, startMs } from '../broker/broker-world.ts';
import { PaperKeepa, type PaperKeepaOptions } from '../broker/paper-keepa.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';

const minuteMs = 60_000;
const tickMs = 60_200;
const everyMs = 10_000;
/** Two ticks without a start, the tick that pays for it, and one look of ours. */
const toldWithinMs = 3 * tickMs + everyMs;

interface WorldOptions extends Partial<Omit<PaperKeepaOptions, 'clock' | 'random'>> {
  readonly seed?: number;
}

/** A broker whose timers, transport and store can be made to fail. */
class BreakableWorld {
  readonly clock = new VirtualClock(startMs);
  readonly log = new RecordedLog();
  readonly keepa: PaperKeepa;
  readonly broker: TokenBroker;
  gate: Gate = { open: true };
  hasLostTimers = false;
  isMute = false;
  isStoreStuck = false;

  constructor({ seed = 1, rate = 5, balance = 100, ...more }: WorldOptions = {}) {
    const random = seededRandom(seed);
    const keepa = new PaperKeepa({ ...more, clock: this.clock, random, rate, balance });
    this.keepa = keepa;
    this.broker = createBroker({
      clock: this.#losingTimers(),
      random: random.fork('broker'),
      log: this.log,
      client: this.#goingMute(keepa),
      policy: { shares, deficitFloor: 0 },
      gate: () => this.gate,
      isFinal: () => false,
      canPass: () => true,
      record: () => (this.isStoreStuck ? never() : Promise.resolve()),
    });
    this.broker.start();
  }

  ask(spendClass: SpendClass, call: KeepaCall): void {
    void this.broker.request({ spendClass, purpose: 'test', call, commit: async () => {} });
  }

  /** Asks again as soon as it is served. */
  saturate(spendClass: SpendClass, call: KeepaCall): void {
    const request = { spendClass, purpose: 'test', call, commit: async () => {} };
    void (async () => {
      for (;;) {
        await this.broker.request(request);
        await this.clock.sleep(5);
      }
    })();
  }

  judge(): Judgement {
    const phase = { name: 'active', why: 'working', sinceMs: startMs } as const;
    const nowMs = this.clock.now();
    return decideState({
      nowMs,
      phase,
      broker: this.broker.snapshot(),
      loops: [],
      recentRequests: [],
    });
  }

  /** The states on the way, each named once a run of it, looked at every ten seconds. */
  async watch(ms: number): Promise<readonly string[]> {
    const seen: string[] = [];
    for (let passedMs = 0; passedMs < ms; passedMs += everyMs) {
      await this.clock.advanceBy(everyMs);
      const { state } = this.judge();
      if (seen.at(-1) !== state) seen.push(state);
    }
    return seen;
  }

  /** How long until it is called stalled; undefined: not within `ms`. */
  async untilStalled(ms: number): Promise<number | undefined> {
    for (let passedMs = everyMs; passedMs <= ms; passedMs += everyMs) {
      await this.clock.advanceBy(everyMs);
      if (this.judge().state === 'stalled') return passedMs;
    }
    return undefined;
  }

  #losingTimers(): Clock {
    const { clock } = this;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
      after: (ms, fn) => clock.after(ms, () => (this.hasLostTimers ? undefined : fn())),
    };
  }

  #goingMute(keepa: PaperKeepa): KeepaClient {
    return {
      call: (call, signal) => (this.isMute ? never() : keepa.call(call, signal)),
      close: () => keepa.close(),
    };
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

describe('a broker that is stuck is stalled', () => {
  it('when its timers are lost while it waits for tokens', async () => {
    const world = new BreakableWorld({ balance: 0 });
    world.ask('backfill', dealCall);
    assert.deepEqual(await world.watch(30_000), ['waiting']);
    world.hasLostTimers = true;
    // A share of 30 % earns the page's five tokens by the fourth tick.
    const tookMs = await world.untilStalled(hourMs);
    assert.ok(tookMs !== undefined && tookMs >= 2 * tickMs, `${tookMs} ms`);
    assert.ok(tookMs <= 4 * tickMs + toldWithinMs, `${tookMs} ms`);
    assert.match(world.judge().reason, /backfill: could have been started .* ago and was not/);
  });

  it('when they are lost before it even looks at what was asked', async () => {
    const world = new BreakableWorld();
    await world.clock.advanceBy(minuteMs);
    world.hasLostTimers = true;
    world.ask('head', dealCall);
    const tookMs = await world.untilStalled(hourMs);
    assert.ok(tookMs !== undefined && tookMs <= 2 * tickMs + everyMs, `${tookMs} ms`);
  });

  it('when they are lost during a backoff', async () => {
    const isDown = { down: true };
    const world = new BreakableWorld({ mishap: () => (isDown.down ? 'unavailable' : undefined) });
    isDown.down = false;
    await world.clock.advanceBy(minuteMs);
    isDown.down = true;
    world.ask('head', dealCall);
    await world.clock.advanceBy(1_000);
    world.hasLostTimers = true;
    const tookMs = await world.untilStalled(hourMs);
    assert.ok(tookMs !== undefined && tookMs <= toldWithinMs, `${tookMs} ms`);
  });

  it('when it looks at every tick and starts nothing, two ticks after it could', async (t) => {
    const world = new BreakableWorld({ rate: 1, balance: 0 });
    await world.clock.advanceBy(20_000);
    t.mock.method(Spending.prototype, 'nextStep', () => undefined);
    world.ask('backfill', dealCall);
    const tookMs = await world.untilStalled(hourMs);
    // Five lumps of one token are the first that can pay a page.
    assert.ok(tookMs !== undefined && tookMs >= 6 * tickMs, `${tookMs} ms`);
    const since = world.broker.snapshot().startableForMs ?? 0;
    assert.ok(since > 2 * tickMs && since <= 2 * tickMs + everyMs, `${since} ms`);
  });
});

describe('a broker whose request never ends is stalled', () => {
  it('when the transport answers neither within its deadline nor after it', async () => {
    const world = new BreakableWorld();
    await world.clock.advanceBy(minuteMs);
    world.isMute = true;
    world.ask('head', dealCall);
    await world.clock.advanceBy(1_000);
    assert.deepEqual(await world.watch(150_000 + tickMs - 2 * everyMs), ['running']);
    assert.notEqual(await world.untilStalled(3 * everyMs), undefined);
    assert.match(world.judge().reason, /a request \(test\) has been under way for/);
  });
});

describe('a broker that breaks in the middle of its work is stalled', () => {
  it('when an answer is never stored', async () => {
    const world = new BreakableWorld();
    await world.clock.advanceBy(minuteMs);
    world.isStoreStuck = true;
    world.ask('head', dealCall);
    assert.ok(((await world.untilStalled(hourMs)) ?? hourMs) <= 150_000 + tickMs + 2 * everyMs);
  });

  it('whenever the break comes, and not before it', async () => {
    const plan = fc.record({
      seed: fc.nat(1_000),
      rate: fc.constantFrom(1, 5, 60),
      breakAfterMs: fc.integer({ min: 0, max: hourMs }),
      kind: fc.constantFrom('timers', 'transport', 'store'),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ seed, rate, breakAfterMs, kind }) => {
        const world = new BreakableWorld({ seed, rate, balance: 0 });
        world.saturate('upsert', productCall(1, 20));
        world.saturate('backfill', dealCall);
        const before = await world.watch(breakAfterMs);
        assert.ok(!before.includes('stalled'), `${before}`);
        world.hasLostTimers = kind === 'timers';
        world.isMute = kind === 'transport';
        world.isStoreStuck = kind === 'store';
        // At most the saving of a page or a verification, then a flight beyond every limit.
        const tookMs = await world.untilStalled((40 / rate) * tickMs + 150_000 + 4 * tickMs);
        assert.notEqual(tookMs, undefined, world.judge().reason);
      }),
      { numRuns: 12, seed: 20_260_601 },
    );
  });
});

describe('a broker that merely waits is not', () => {
  it('for hours of saving on the poorest plan', async () => {
    const world = new BreakableWorld({ rate: 1, balance: 0 });
    world.ask('interactive', productCall(1, 20));
    const states = await world.watch(6 * hourMs);
    assert.deepEqual(states, ['waiting', 'running'], 'the wait has an end');
  });

  it('for a debt that somebody else caused, refused or not', async () => {
    const world = new BreakableWorld({ balance: 100 });
    world.saturate('backfill', dealCall);
    await world.clock.advanceBy(10 * minuteMs);
    world.keepa.drain(250);
    const states = await world.watch(2 * hourMs);
    assert.ok(!states.includes('stalled'), `${states}`);
    assert.ok(world.keepa.refusals >= 1);
  });

  it('for the end of a backoff', async () => {
    const world = new BreakableWorld({
      mishap: ({ endpoint }) => (endpoint === 'token' ? undefined : 'unavailable'),
    });
    world.saturate('head', dealCall);
    const states = await world.watch(2 * hourMs);
    assert.ok(!states.includes('stalled'), `${states}`);
    assert.ok(states.includes('waiting'));
  });

  it('for a Keepa that answers nothing for hours, not even the balance', async () => {
    const outage = { from: startMs + 20 * minuteMs, to: startMs + 5 * hourMs };
    let nowMs = (): number => startMs;
    const isOut = (): boolean => nowMs() >= outage.from && nowMs() < outage.to;
    const world = new BreakableWorld({ mishap: () => (isOut() ? 'unavailable' : undefined) });
    nowMs = () => world.clock.now();
    world.saturate('head', dealCall);
    world.saturate('upsert', productCall(1, 20));
    const states = await world.watch(8 * hourMs);
    assert.ok(!states.includes('stalled'), `${states}`);
  });
});

describe('a broker that waits for others is not stalled', () => {
  it('for the lease: it says that nothing may be spent', async () => {
    const world = new BreakableWorld();
    world.saturate('backfill', dealCall);
    await world.clock.advanceBy(10 * minuteMs);
    world.gate = { open: false, why: 'the daemon lease is not confirmed' };
    const states = await world.watch(hourMs);
    assert.ok(states.every((state) => ['waiting', 'running', 'degraded'].includes(state)));
    assert.equal(states.at(-1), 'degraded');
    assert.match(world.judge().reason, /lease is not confirmed/);
    assert.equal(
      world.broker.snapshot().classes.backfill.waitBoundMs,
      undefined,
      'no promise then',
    );
    world.gate = { open: true };
    world.broker.nudge();
    assert.ok(!(await world.watch(hourMs)).includes('stalled'));
  });

  it('for the next poll, with nothing queued', async () => {
    const world = new BreakableWorld();
    assert.deepEqual(await world.watch(6 * hourMs), ['running']);
    assert.match(world.judge().reason, /nothing is due yet/);
  });

  it('for an answer that takes all of its time', async () => {
    const world = new BreakableWorld({ processingMs: () => 149_000 });
    world.saturate('head', dealCall);
    world.saturate('upsert', productCall(1, 20));
    assert.ok(!(await world.watch(4 * hourMs)).includes('stalled'));
  });

  it('while the wall clock is stepped, whatever is under way', async () => {
    const steps = fc.array(fc.integer({ min: -3 * hourMs, max: 3 * hourMs }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.nat(1_000), steps, async (seed, deltas) => {
        const world = new BreakableWorld({ seed, processingMs: () => 40_000 });
        world.saturate('head', dealCall);
        world.saturate('upsert', productCall(1, 20));
        for (const delta of deltas) {
          world.clock.stepWall(delta);
          assert.ok(!(await world.watch(15 * minuteMs)).includes('stalled'), world.judge().reason);
        }
      }),
      { numRuns: 8, seed: 7 },
    );
  });
});
