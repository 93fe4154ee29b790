import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Gate } from '../../src/broker/request.ts';
import { BrokerWorld, dealCall, hourMs, productCall, type WorldOptions } from './broker-world.ts';
import type { Mishap } from './paper-keepa.ts';

async function started(options: WorldOptions = {}): Promise<BrokerWorld> {
  const world = new BrokerWorld({ balance: 100, ...options });
  world.broker.start();
  await world.run(1_000);
  return world;
}

/** Something that happens to the calls with these numbers (the balance read is number 1). */
function mishapAt(numbers: readonly number[], mishap: Mishap): Pick<WorldOptions, 'mishap'> {
  return { mishap: (_call, number) => (numbers.includes(number) ? mishap : undefined) };
}

function outcomes(world: BrokerWorld): string[] {
  return world.ledger.map(({ spendClass, outcome }) => `${spendClass} ${outcome}`);
}

describe('token broker: start', () => {
  it('does nothing before it is started', async () => {
    const world = new BrokerWorld({ balance: 100 });
    void world.ask('upsert', dealCall);
    await world.run(hourMs);
    assert.equal(world.keepa.calls.length, 0);
    await world.end();
  });

  it('reads the balance first, once, and only then admits', async () => {
    const world = new BrokerWorld({ balance: 100 });
    const settled = world.ask('upsert', dealCall);
    assert.equal(world.broker.snapshot().balance, undefined);
    world.broker.start();
    await world.run(5_000);
    assert.equal((await settled).kind, 'answered');
    assert.deepEqual(outcomes(world), ['status answered', 'upsert answered']);
    await world.run(3 * hourMs);
    assert.equal(world.keepa.calls.length, 2, 'nothing is asked while nobody asks');
    await world.end();
  });

  it('tries the read again with backoff, at most 12 times an hour, and spends nothing', async () => {
    const world = await started({ mishap: () => 'unavailable' });
    void world.ask('upsert', dealCall);
    await world.run(3 * hourMs);
    assert.ok(world.keepa.calls.every(({ endpoint }) => endpoint === 'token'));
    const reads = world.ledger.map(({ atMs }) => atMs);
    for (const atMs of reads) {
      const within = reads.filter((other) => other >= atMs && other < atMs + hourMs);
      assert.ok(within.length <= 12, `${within.length} reads in an hour`);
    }
    assert.ok(reads.length > 20, 'it never gives up');
    await world.end();
  });

  it('reads the balance again before it spends on a truth that is over an hour old', async () => {
    const world = await started();
    await world.run(2 * hourMs);
    world.keepa.drain(295);
    void world.ask('upsert', productCall(5, 20));
    await world.run(5_000);
    assert.deepEqual(outcomes(world), ['status answered', 'status answered']);
    assert.equal(world.keepa.balance, 5);
    await world.end();
  });
});

describe('token broker: one request', () => {
  it('delivers what was bought, at its price, with its line in the ledger', async () => {
    const world = await started();
    const settled = world.ask('upsert', productCall(3), { purpose: 'history' });
    await world.run(5_000);
    const settlement = await settled;
    assert.ok(settlement.kind === 'answered');
    assert.equal(settlement.bought.costTokens, 3);
    assert.equal(settlement.bought.call.asins.length, 3);
    const { atMs, tookMs, waitedMs, ...entry } = world.ledger.at(-1) ?? assert.fail();
    assert.deepEqual(entry, {
      spendClass: 'upsert',
      purpose: 'history',
      shape: 'product',
      items: 3,
      holdTokens: 3,
      costTokens: 3,
      balanceAfter: 97,
      outcome: 'answered',
      why: undefined,
      attempt: 1,
    });
    assert.ok(tookMs > 0 && waitedMs === 0 && atMs > 0);
    await world.end();
  });

  it('has never two in flight, however many are queued', async () => {
    const world = await started({ balance: 300 });
    for (let n = 0; n < 20; n += 1) void world.ask(n % 2 ? 'head' : 'backfill', dealCall);
    await world.run(60_000);
    assert.equal(world.keepa.inFlightMax, 1);
    assert.equal(world.ledger.length, 21);
    await world.end();
  });

  it('cuts a batch to what is there and says which items were bought', async () => {
    const world = await started({ balance: 20 });
    const settled = world.ask('backfill', productCall(80));
    await world.run(5_000);
    const settlement = await settled;
    assert.ok(settlement.kind === 'answered');
    assert.equal(settlement.bought.call.asins.length, 6, '30 % of 20');
    await world.end();
  });

  it('refuses at once what can never fit, with the size that would', async () => {
    const world = await started();
    const settled = world.ask('backfill', productCall(100));
    await world.run(10);
    assert.deepEqual(await settled, { kind: 'too-large', fitsItems: 90 });
    await world.end();
  });

  it('refuses an empty batch without asking Keepa', async () => {
    const world = await started();
    assert.equal((await world.ask('backfill', productCall(0))).kind, 'permanent');
    await world.end();
  });

  it('takes back what still waits, and stores what is under way', async () => {
    const world = await started({ balance: 10 });
    const waiting = new AbortController();
    const flying = new AbortController();
    const first = world.ask('upsert', productCall(4), { signal: flying.signal });
    const second = world.ask('upsert', productCall(60), { signal: waiting.signal });
    await world.run(20);
    flying.abort();
    waiting.abort();
    await world.run(5_000);
    assert.equal((await first).kind, 'answered');
    assert.equal((await second).kind, 'cancelled');
    const never = world.ask('upsert', dealCall, { signal: AbortSignal.abort() });
    assert.equal((await never).kind, 'cancelled');
    await world.end();
  });

  it('does not try again what was taken back while it was under way', async () => {
    const world = await started(mishapAt([2], 'unavailable'));
    const abort = new AbortController();
    const settled = world.ask('upsert', dealCall, { signal: abort.signal });
    await world.run(1);
    abort.abort();
    await world.run(hourMs);
    assert.equal((await settled).kind, 'cancelled');
    assert.equal(world.keepa.calls.length, 2);
    await world.end();
  });
});

describe('token broker: outcomes', () => {
  it('puts a refused request back into its place and sends it when the tokens are there', async () => {
    const world = await started();
    world.keepa.drain(112);
    const settled = world.ask('upsert', dealCall);
    const later = world.ask('upsert', productCall(1));
    await world.run(1_000);
    assert.equal(world.keepa.refusals, 1);
    await world.run(30 * 60_000);
    assert.equal((await settled).kind, 'answered');
    assert.equal((await later).kind, 'answered');
    assert.equal(world.keepa.refusals, 1, 'one 429 in the episode');
    assert.ok(world.keepa.bucket.lowestBalance >= -12, 'nothing of ours went below');
    const paid = world.ledger.filter(({ spendClass }) => spendClass === 'upsert');
    assert.deepEqual(
      paid.map(({ outcome, attempt, shape }) => `${outcome} ${attempt} ${shape}`),
      ['refused 1 deal', 'answered 1 deal', 'answered 1 product'],
    );
    await world.end();
  });

  it('survives refusals that the balance does not explain without a hot loop', async () => {
    const world = await started({
      mishap: (call) => (call.endpoint === 'deal' ? 'refused-without-envelope' : undefined),
    });
    void world.ask('upsert', dealCall);
    await world.run(2 * hourMs);
    const refused = world.ledger.filter(({ outcome }) => outcome === 'refused');
    assert.ok(refused.length >= 10 && refused.length <= 20, `${refused.length} refusals`);
    await world.end();
  });

  it('settles a lost call at its hold, tries it again, and learns from the next answer', async () => {
    const world = await started(mishapAt([2], 'billed-and-lost'));
    const settled = world.ask('upsert', productCall(2, 20));
    await world.run(60_000);
    assert.equal((await settled).kind, 'answered');
    const [, lost, answered] = world.ledger;
    assert.deepEqual([lost?.outcome, lost?.costTokens, lost?.attempt], ['maybe-billed', 24, 1]);
    assert.deepEqual([answered?.outcome, answered?.attempt], ['answered', 2]);
    const snapshot = world.broker.snapshot();
    assert.equal(snapshot.balance, world.keepa.balance);
    assert.equal(snapshot.unexplainedTokens, 0);
    await world.end();
  });

  it('gives up after six attempts, spaced ever wider, and says why', async () => {
    const world = await started({
      mishap: (call) => (call.endpoint === 'deal' ? 'unavailable' : undefined),
    });
    const settled = world.ask('upsert', dealCall);
    await world.run(hourMs);
    assert.deepEqual(await settled, { kind: 'dead', why: 'scripted', attempts: 6 });
    const times = world.ledger.slice(1).map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((atMs, n) => atMs - (times[n] ?? 0));
    for (const [n, gap] of gaps.entries()) {
      assert.ok(gap >= 1_000 * 2 ** n && gap <= 2_000 * 2 ** n + 1_500, `${gap} after ${n}`);
    }
    assert.equal(world.broker.snapshot().balance, world.keepa.balance, 'nothing was billed');
    await world.end();
  });

  it('lets nobody wait behind a request in backoff', async () => {
    const world = await started(mishapAt([2], 'unavailable'));
    const failing = world.ask('upsert', dealCall);
    await world.run(700);
    const passing = world.ask('upsert', productCall(1));
    await world.run(700);
    assert.equal((await passing).kind, 'answered');
    assert.deepEqual(outcomes(world), ['status answered', 'upsert unavailable', 'upsert answered']);
    await world.run(10_000);
    assert.equal((await failing).kind, 'answered');
    await world.end();
  });

  it('ends what Keepa refuses for good, without another try', async () => {
    for (const reason of ['bad-request', 'not-found', 'out-of-range'] as const) {
      const world = await started(mishapAt([2], reason));
      const settled = world.ask('upsert', dealCall);
      await world.run(hourMs);
      assert.deepEqual(await settled, { kind: 'permanent', reason, why: 'scripted' });
      assert.equal(world.keepa.calls.length, 2);
      assert.equal(world.broker.snapshot().stopped, undefined);
      await world.end();
    }
  });

  it('stops all spending when the key or the plan is refused, says so, and keeps the queue', async () => {
    for (const reason of ['invalid-key', 'payment-required'] as const) {
      const world = await started(mishapAt([2], reason));
      const settled = world.ask('upsert', dealCall);
      const next = world.ask('upsert', dealCall);
      await world.run(5 * hourMs);
      assert.equal((await settled).kind, 'permanent');
      assert.equal(world.keepa.calls.length, 2);
      const { stopped, classes, nextAdmissionAtMs } = world.broker.snapshot();
      assert.deepEqual([stopped?.cause, stopped?.why], [reason, 'scripted']);
      assert.deepEqual([classes.upsert.queued, nextAdmissionAtMs], [1, undefined]);
      assert.deepEqual(
        world.halts.map(({ cause }) => cause),
        [reason],
      );
      await world.end();
      assert.equal((await next).kind, 'cancelled');
    }
  });

  it('says at the start that the key is refused', async () => {
    const world = await started({ mishap: () => 'invalid-key' });
    await world.run(hourMs);
    assert.equal(world.keepa.calls.length, 1);
    assert.equal(world.halts.length, 1);
    await world.end();
  });

  it('settles a malformed answer by its envelope, else at its hold, and tries again', async () => {
    for (const mishap of ['malformed', 'malformed-with-envelope'] as const) {
      const world = await started(mishapAt([2], mishap));
      const settled = world.ask('upsert', productCall(1, 20));
      await world.run(60_000);
      assert.equal((await settled).kind, 'answered');
      const charged = mishap === 'malformed' ? 12 : 7;
      assert.deepEqual(
        [world.ledger[1]?.outcome, world.ledger[1]?.costTokens],
        ['malformed', charged],
      );
      assert.equal(world.broker.snapshot().balance, world.keepa.balance);
      assert.equal(world.broker.snapshot().unexplainedTokens, 0);
      await world.end();
    }
  });
});

describe('token broker: the store', () => {
  it('buys nothing before the last answer is stored, and says why', async () => {
    let isBroken = true;
    let writes = 0;
    const world = await started({
      commit: () => {
        writes += 1;
        return isBroken ? Promise.reject(new Error('disk full')) : Promise.resolve();
      },
    });
    const first = world.ask('upsert', dealCall);
    const second = world.ask('upsert', dealCall);
    await world.run(10 * 60_000);
    assert.equal(world.keepa.calls.length, 2);
    assert.ok(writes > 10);
    const { stopped } = world.broker.snapshot();
    assert.equal(stopped?.cause, 'store');
    assert.match(stopped?.why ?? '', /disk full/);
    isBroken = false;
    await world.run(60_000);
    assert.equal((await first).kind, 'answered');
    assert.equal((await second).kind, 'answered');
    assert.equal(world.broker.snapshot().stopped, undefined);
    await world.end();
  });

  it('writes the ledger after the answer and repeats that too', async () => {
    const order: string[] = [];
    let failures = 2;
    const world = await started({
      commit: async () => void order.push('commit'),
      record: async ({ spendClass }) => {
        if (spendClass !== 'upsert') return;
        order.push('record');
        failures -= 1;
        if (failures >= 0) throw new Error('busy');
      },
    });
    const settled = world.ask('upsert', dealCall);
    await world.run(10_000);
    assert.equal((await settled).kind, 'answered');
    assert.deepEqual(order, ['commit', 'record', 'record', 'record']);
    await world.end();
  });

  it('ends a request whose write can never succeed, and does not repeat the write', async () => {
    let writes = 0;
    const world = await started({
      commit: () => {
        writes += 1;
        return Promise.reject(new Error('stale fence'));
      },
      isFinal: (error) => error instanceof Error && error.message === 'stale fence',
    });
    const settled = world.ask('upsert', dealCall);
    await world.run(10_000);
    assert.deepEqual(await settled, { kind: 'dead', why: 'stale fence', attempts: 1 });
    assert.equal(writes, 1);
    await world.end();
  });
});

describe('token broker: gate and stop', () => {
  it('admits nothing while the gate is closed, and reads the balance when it opens', async () => {
    let gate: Gate = { open: true };
    const world = await started({ balance: 200, gate: () => gate });
    gate = { open: false, why: 'paused' };
    world.broker.nudge();
    const settled = world.ask('upsert', dealCall);
    await world.run(hourMs);
    assert.equal(world.keepa.calls.length, 1);
    assert.deepEqual(world.broker.snapshot().stopped?.why, 'paused');
    world.keepa.drain(290);
    gate = { open: true };
    world.broker.nudge();
    await world.run(100);
    assert.equal(world.keepa.calls.at(-1)?.endpoint, 'token', 'somebody else may have spent');
    await world.run(30 * 60_000);
    assert.equal((await settled).kind, 'answered');
    assert.equal(world.keepa.refusals, 0);
    assert.equal(world.broker.snapshot().stopped, undefined);
    assert.equal(world.broker.snapshot().unexplainedTokens, 0, 'that was not unexplained');
    await world.end();
  });

  it('settles and stores what was in flight when the gate closed', async () => {
    let gate: Gate = { open: true };
    const world = await started({ gate: () => gate });
    const settled = world.ask('upsert', dealCall);
    await world.run(1);
    gate = { open: false, why: 'lease lost' };
    world.broker.nudge();
    await world.run(5_000);
    assert.equal((await settled).kind, 'answered');
    assert.equal(world.ledger.at(-1)?.outcome, 'answered');
    await world.end();
  });

  it('drains: stores what is in flight, cancels the rest, takes nothing new', async () => {
    const world = await started();
    const flying = world.ask('upsert', dealCall);
    const waiting = world.ask('backfill', dealCall);
    await world.run(1);
    const drained = world.broker.drain();
    assert.equal((await world.ask('head', dealCall)).kind, 'cancelled');
    await world.run(5_000);
    await drained;
    assert.equal((await flying).kind, 'answered');
    assert.equal((await waiting).kind, 'cancelled');
    assert.equal(world.keepa.calls.length, 2);
    assert.equal(world.clock.pending, 0, 'no timer is left behind');
  });

  it('gives up on a call that does not come back within the grace of a stop', async () => {
    const world = await started({ processingMs: () => 115_000 });
    const settled = world.ask('upsert', dealCall);
    await world.run(1_000);
    const drained = world.broker.drain();
    await world.run(21_000);
    await drained;
    assert.deepEqual(await settled, { kind: 'dead', why: 'aborted', attempts: 1 });
    assert.equal(world.ledger.at(-1)?.outcome, 'maybe-billed');
  });

  it('gives up on a store that cannot write when it has to stop', async () => {
    const world = await started({ commit: () => Promise.reject(new Error('disk full')) });
    const settled = world.ask('upsert', dealCall);
    await world.run(5_000);
    const drained = world.broker.drain();
    await world.run(21_000);
    await drained;
    assert.equal((await settled).kind, 'dead');
  });

  it('can be drained before it was started, and twice', async () => {
    const world = new BrokerWorld();
    const settled = world.ask('upsert', dealCall);
    await Promise.all([world.broker.drain(), world.broker.drain()]);
    assert.equal((await settled).kind, 'cancelled');
  });
});

describe('token broker: what it shows', () => {
  it('tells when the next admission is, and admits then', async () => {
    const world = await started({ balance: 0 });
    const settled = world.ask('backfill', dealCall);
    await world.run(1);
    const { nextAdmissionAtMs, tokensNeeded, balance, classes } = world.broker.snapshot();
    assert.ok(nextAdmissionAtMs !== undefined && tokensNeeded !== undefined);
    assert.ok(tokensNeeded > (balance ?? 0));
    assert.deepEqual([classes.backfill.queued, classes.backfill.headHoldTokens], [1, 5]);
    await world.clock.advanceTo(nextAdmissionAtMs - 1);
    assert.equal(world.broker.snapshot().inFlight, undefined);
    await world.run(2);
    assert.equal(world.broker.snapshot().inFlight?.spendClass, 'backfill');
    await world.run(5_000);
    assert.equal((await settled).kind, 'answered');
    assert.equal(world.broker.snapshot().classes.backfill.longestWaitMs > 60_000, true);
    await world.end();
  });

  it('shows the hour, the clocks and the counts', async () => {
    const world = await started({ clockOffsetMs: 5_000_000 });
    void world.ask('upsert', productCall(4));
    await world.run(5_000);
    const shown = world.broker.snapshot();
    assert.deepEqual(
      [shown.balance, shown.capacity, shown.refillRate, shown.netRate],
      [96, 300, 5, 5],
    );
    assert.deepEqual([shown.spentLastHour, shown.refusals, shown.unexplainedTokens], [4, 0, 0]);
    assert.ok(Math.abs((shown.clockOffsetMs ?? 0) - 5_000_000) < 50);
    assert.ok((shown.nextRefillAtMs ?? 0) > world.clock.now(), 'on our wall clock');
    assert.equal(shown.nextAdmissionAtMs, undefined);
    const credits = Object.values(shown.classes).reduce((sum, { credit }) => sum + credit, 0);
    assert.equal(credits + shown.commons, 96);
    await world.end();
  });

  it('carries what it learned of prices into the next run', async () => {
    const world = await started({ balance: 300, rate: 20, costOf: () => 30 });
    for (let n = 0; n < 3; n += 1) {
      void world.ask('upsert', productCall(1, 20));
      await world.run(60_000);
    }
    const learned = JSON.parse(JSON.stringify(world.broker.learnedCosts()));
    await world.end();
    const next = await started({ balance: 300, rate: 20, learned });
    void next.ask('upsert', productCall(1, 20));
    await next.run(1);
    assert.equal(next.broker.snapshot().inFlight?.purpose, 'test');
    await next.run(5_000);
    assert.equal(next.ledger.at(-1)?.holdTokens, 30);
    await next.end();
  });

  it('says little: no line for a request that went well', async () => {
    const world = await started();
    for (let n = 0; n < 5; n += 1) void world.ask('upsert', dealCall);
    await world.run(60_000);
    assert.deepEqual(world.log.said, []);
    await world.end();
  });
});
