import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Gate } from '../../src/broker/request.ts';
import {
  BrokerWorld,
  dealCall,
  hourMs,
  mishapAt,
  outcomes,
  productCall,
  started,
} from './broker-world.ts';

const minuteMs = 60_000;

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

  it('repeats the read ever more rarely, for as long as it takes, and spends nothing', async () => {
    const world = await started({ mishap: () => 'unavailable' });
    void world.ask('upsert', dealCall);
    await world.run(3 * hourMs);
    assert.ok(world.keepa.calls.every(({ endpoint }) => endpoint === 'token'));
    const reads = world.ledger.map(({ atMs }) => atMs);
    const later = reads.filter((atMs) => atMs >= world.clock.now() - hourMs);
    assert.ok(reads.length <= 44 && later.length <= 12, `${reads.length}, ${later.length} at last`);
    assert.ok(reads.length > 20, 'it never gives up');
    await world.end();
  });

  it('reads within ten minutes of the end of an outage, whatever reads that cost', async () => {
    let isOut = true;
    const world = await started({ mishap: () => (isOut ? 'unavailable' : undefined) });
    void world.ask('upsert', dealCall);
    await world.run(hourMs / 2);
    isOut = false;
    await world.run(11 * 60_000);
    assert.deepEqual(outcomes(world).slice(-2), ['status answered', 'upsert answered']);
    await world.end();
  });

  it('that finds nothing left is in an episode, and reads again before it buys', async () => {
    // The first read and the lumps since then promise a page; a stranger takes every lump.
    const world = await started({ balance: -9 });
    void world.ask('head', dealCall);
    for (let minute = 0; minute < 60; minute += 1) {
      await world.run(60_200);
      world.keepa.drain(5);
    }
    assert.equal(world.keepa.refusals, 0);
    await world.run(hourMs);
    assert.deepEqual([outcomes(world).at(-1), world.keepa.refusals], ['head answered', 0]);
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
});

describe('token broker: taking a request back', () => {
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

describe('token broker: gate', () => {
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

  it('tells a pause from a lease that is not confirmed, the graver first', async () => {
    let gate: Gate = { open: false, cause: 'paused', why: 'a person' };
    const world = await started({ gate: () => gate });
    const stopped = () => world.broker.snapshot().stopped;
    const said = () =>
      world.log.said
        .filter(({ event }) => /^(spending|stop)-/.test(event))
        .map(({ event, fields }) => `${event} ${String(fields.cause)}`);
    assert.deepEqual([stopped()?.cause, stopped()?.why], ['paused', 'a person']);
    gate = { open: false, why: 'no lease' };
    world.broker.nudge();
    await world.run(100);
    assert.deepEqual([stopped()?.cause, stopped()?.why], ['gate', 'no lease']);
    assert.deepEqual(said(), [
      'spending-stopped paused',
      'spending-stopped gate',
      'stop-replaced paused',
    ]);
    gate = { open: true };
    world.broker.nudge();
    await world.run(100);
    assert.equal(stopped(), undefined);
    assert.equal(said().at(-1), 'spending-resumed gate');
    assert.equal(said().length, 4, 'spending goes on once');
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
});

describe('token broker: waits', () => {
  it('counts no time in which spending was stopped as a wait', async () => {
    let gate: Gate = { open: true };
    const world = await started({ rate: 1, balance: 0, gate: () => gate });
    void world.ask('upsert', productCall(1, 20));
    const longest = () => world.broker.snapshot().classes.upsert.longestWaitMs;
    await world.run(10 * minuteMs);
    gate = { open: false, cause: 'paused', why: 'a person' };
    world.broker.nudge();
    await world.run(100);
    const before = longest();
    assert.ok(before >= 10 * minuteMs && before < 11 * minuteMs, `${before} ms until the pause`);
    await world.run(24 * 60 * minuteMs);
    assert.equal(longest(), before, 'the pause is none');
    gate = { open: true };
    world.broker.nudge();
    await world.run(5 * minuteMs);
    assert.equal(longest(), before, 'and what follows it begins anew');
    await world.run(24 * 60 * minuteMs);
    assert.ok(longest() < 60 * minuteMs, `${longest()} ms all in all`);
    await world.end();
  });
});

describe('token broker: stop', () => {
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
    assert.deepEqual(await settled, {
      kind: 'dead',
      why: 'aborted',
      attempts: 1,
      answersBefore: 1,
    });
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
    const world = await started({ balance: 1 });
    const askedAtMs = world.clock.now();
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
    const { longestWaitMs } = world.broker.snapshot().classes.backfill;
    assert.ok(longestWaitMs >= nextAdmissionAtMs - askedAtMs, `${longestWaitMs} ms`);
    await world.end();
  });
});

describe('token broker: what it shows of a time in which nothing is sent', () => {
  it('counts the time before which nothing is sent into the bound', async () => {
    const world = await started({ mishap: (_, n) => (n === 1 ? undefined : 'unavailable') });
    await world.run(2 * hourMs);
    void world.ask('upsert', dealCall);
    const waits: number[] = [];
    for (let minute = 0; minute < 60; minute += 1) {
      await world.run(60_000);
      const { classes, nextAdmissionAtMs = 0 } = world.broker.snapshot();
      const waitMs = nextAdmissionAtMs - world.clock.now();
      const { waitBoundMs = 0 } = classes.upsert;
      assert.ok(waitBoundMs >= waitMs, `${waitBoundMs} ms, and ${waitMs} ms at least`);
      waits.push(waitMs);
    }
    assert.ok(Math.max(...waits) > 4 * 60_000, 'an old truth is read anew, and that is in vain');
    await world.end();
  });
});

describe('token broker: what it shows of the hour', () => {
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
