import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Gate } from '../../src/broker/request.ts';
import {
  type BrokerWorld,
  dealCall,
  hourMs,
  outcomes,
  productCall,
  started,
  type WorldOptions,
} from './broker-world.ts';

const minuteMs = 60_000;

/** A world whose plan is unpaid whenever `isUnpaid` says so; the balance can be read all along. */
function payable(isUnpaid: () => boolean, options: WorldOptions = {}): Promise<BrokerWorld> {
  return started({
    balance: 200,
    mishap: (call) => (isUnpaid() && call.endpoint !== 'token' ? 'payment-required' : undefined),
    ...options,
  });
}

function stopOf({ broker }: BrokerWorld): string | undefined {
  return broker.snapshot().stopped?.cause;
}

/** Of the log: what was said of spending. */
function signs({ log }: BrokerWorld): string[] {
  return log.said
    .filter(({ event }) => event.startsWith('spending-'))
    .map(({ event, fields }) => `${event} ${fields.cause}`);
}

describe('a plan that is not paid', () => {
  it('once paid is served within ten minutes: the same request, and all the others', async () => {
    let isUnpaid = true;
    const world = await payable(() => isUnpaid);
    const first = world.ask('upsert', dealCall);
    const second = world.ask('backfill', productCall(3));
    await world.run(3 * hourMs);
    assert.equal(stopOf(world), 'payment-required');
    isUnpaid = false;
    await world.run(10 * minuteMs + 5_000);
    assert.equal(stopOf(world), undefined);
    assert.equal((await first).kind, 'answered');
    assert.equal((await second).kind, 'answered');
    const resumed = ['spending-stopped payment-required', 'spending-resumed payment-required'];
    assert.deepEqual(signs(world), resumed, 'each said once');
    assert.deepEqual(world.halts, [], 'no reason to end');
    const snapshot = world.broker.snapshot();
    assert.equal(snapshot.balance, world.keepa.balance);
    await world.end();
  });

  it('is asked ever more rarely, each time a read and then one request', async () => {
    const world = await payable(() => true);
    const settled = world.ask('upsert', dealCall);
    void world.ask('backfill', dealCall);
    await world.run(24 * hourMs);
    const tried = world.ledger.slice(2);
    for (const [n, { spendClass, outcome }] of tried.entries()) {
      assert.equal(`${spendClass} ${outcome}`, n % 2 ? 'upsert permanent' : 'status answered');
    }
    const readAtMs = tried.flatMap(({ spendClass, atMs }) => (spendClass === 'status' ? atMs : []));
    const waits = readAtMs.slice(1).map((atMs, n) => atMs - (readAtMs[n] ?? 0));
    for (const [n, waitMs] of waits.slice(0, 3).entries()) {
      const least = 2 ** n * minuteMs;
      assert.ok(waitMs >= least && waitMs <= 2 * least + 5_000, `${waitMs} ms after trial ${n}`);
    }
    const late = waits.slice(4);
    assert.ok(late.every((waitMs) => waitMs >= 5 * minuteMs && waitMs <= 10 * minuteMs + 5_000));
    assert.deepEqual(signs(world), ['spending-stopped payment-required']);
    assert.equal(world.keepa.spent, 0);
    assert.equal(world.broker.snapshot().classes.upsert.queued, 1, 'it keeps its place');
    await world.end();
    assert.equal((await settled).kind, 'cancelled');
  });
});

describe('the free read of a plan that is not paid', () => {
  it('proves nothing: spending goes on when a request was served', async () => {
    let isUnpaid = true;
    const world = await payable(() => isUnpaid, { balance: 6 });
    void world.ask('upsert', productCall(1));
    await world.run(20);
    world.keepa.drain(320);
    isUnpaid = false;
    await world.run(20 * minuteMs);
    assert.equal(outcomes(world).at(-1), 'status answered');
    assert.equal(stopOf(world), 'payment-required', 'nothing was affordable, so nothing is proved');
    await world.run(2 * hourMs);
    assert.deepEqual([outcomes(world).at(-1), stopOf(world)], ['upsert answered', undefined]);
    await world.end();
  });

  it('is repeated at the start until it is answered, and then all is well', async () => {
    let isUnpaid = true;
    const world = await started({ mishap: () => (isUnpaid ? 'payment-required' : undefined) });
    const settled = world.ask('upsert', dealCall);
    await world.run(2 * hourMs);
    assert.ok(world.keepa.calls.every(({ endpoint }) => endpoint === 'token'));
    assert.ok(world.keepa.calls.length <= 25, `${world.keepa.calls.length} reads`);
    assert.equal(world.broker.snapshot().balance, undefined);
    isUnpaid = false;
    await world.run(10 * minuteMs + 5_000);
    assert.equal(stopOf(world), undefined);
    assert.equal((await settled).kind, 'answered');
    await world.end();
  });
});

describe('while a plan is not paid', () => {
  it('it is said when it is tried next, and nothing is promised', async () => {
    const world = await payable(() => true);
    void world.ask('upsert', dealCall);
    for (const [spanMs, longestMs] of [
      [5_000, minuteMs],
      [2 * hourMs, 10 * minuteMs],
    ] as const) {
      await world.run(spanMs);
      const { nextAdmissionAtMs = 0, classes, startableForMs } = world.broker.snapshot();
      const inMs = nextAdmissionAtMs - world.clock.now();
      assert.ok(inMs > 0 && inMs <= longestMs, `${inMs}`);
      assert.deepEqual([classes.upsert.waitBoundMs, startableForMs], [undefined, undefined]);
      const before = world.keepa.calls.length;
      await world.run(inMs - 1_000);
      assert.equal(world.keepa.calls.length, before);
      await world.run(3_000);
      assert.equal(world.keepa.calls.length, before + 2, 'the read, and one request');
    }
    await world.end();
  });

  it('nothing is tried while spending is forbidden for another reason', async () => {
    let gate: Gate = { open: true };
    const world = await payable(() => true, { gate: () => gate });
    void world.ask('upsert', dealCall);
    await world.run(minuteMs / 4);
    gate = { open: false, why: 'a person', cause: 'paused' };
    world.broker.nudge();
    const before = world.keepa.calls.length;
    await world.run(5 * hourMs);
    assert.equal(world.keepa.calls.length, before);
    assert.equal(world.broker.snapshot().nextAdmissionAtMs, undefined);
    await world.end();
  });
});

describe('a plan that was not paid', () => {
  it('and is refused again within the hour goes on with the waits where they were', async () => {
    let isUnpaid = true;
    const world = await payable(() => isUnpaid);
    world.every(minuteMs, 'upsert', productCall(1));
    await world.run(hourMs);
    isUnpaid = false;
    await world.run(20 * minuteMs);
    assert.equal(stopOf(world), undefined);
    isUnpaid = true;
    await world.run(minuteMs + 5_000);
    assert.equal(stopOf(world), 'payment-required');
    const before = world.keepa.calls.length;
    await world.run(3 * minuteMs);
    assert.equal(world.keepa.calls.length, before, 'no trial within minutes');
    isUnpaid = false;
    await world.run(3 * hourMs);
    assert.equal(stopOf(world), undefined);
    isUnpaid = true;
    await world.run(minuteMs + 5_000);
    const afterCalm = world.keepa.calls.length;
    await world.run(2 * minuteMs);
    assert.ok(world.keepa.calls.length > afterCalm, 'long after it the waits are short again');
    await world.end();
  });

  it('blames nobody for the tokens that did not come meanwhile', async () => {
    let isUnpaid = true;
    const world = await payable(() => isUnpaid);
    void world.ask('upsert', dealCall);
    for (let minute = 0; minute < 120; minute += 1) {
      await world.run(60_200);
      world.keepa.drain(5);
    }
    isUnpaid = false;
    await world.run(10 * minuteMs + 5_000);
    assert.deepEqual([stopOf(world), world.broker.snapshot().unexplainedTokens], [undefined, 0]);
    await world.end();
  });
});
