/**
 * The holder of a lease stops before anybody else may start, in virtual time over a real file.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaseKeeper, leaseTimes } from '../../src/coordination/lease-keeper.ts';
import { LeaseSet } from '../../src/coordination/lease-set.ts';
import {
  CoordinationAwayError,
  CoordinationRefusedError,
  type Leases,
} from '../../src/coordination/ports.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { clock, coordination, keeper, optionsFor, take, turned } from './keeper-fixture.ts';

const limits = { timeout: 20_000 };

test('a holder that renews holds for hours', async () => {
  const first = keeper('first');
  const running = new AbortController();
  assert.equal((await take(first)).kind, 'taken');
  const renewing = first.run(running.signal);
  for (let minute = 0; minute < 180; minute += 1) {
    await clock.advanceBy(60_000);
    assert.ok(first.holds(), `in minute ${minute}`);
  }
  running.abort();
  await renewing;
});

test('a holder that cannot renew stops ten seconds before the lease is free', async () => {
  const first = keeper('first');
  await take(first);
  await clock.advanceBy(leaseTimes.ttlMs - leaseTimes.marginMs - 1);
  assert.ok(first.holds());
  await clock.advanceBy(1);
  assert.ok(!first.holds());
  assert.equal((await take(keeper('second'))).kind, 'held');
  await clock.advanceBy(leaseTimes.marginMs);
  assert.equal((await take(keeper('second'))).kind, 'taken');
});

test('a renewal that finds another holder ends the first one for good', async () => {
  const first = keeper('first');
  await take(first);
  await clock.advanceBy(leaseTimes.ttlMs + 1);
  assert.equal((await take(keeper('second'))).kind, 'taken');
  const running = new AbortController();
  const renewing = first.run(running.signal);
  await clock.advanceBy(leaseTimes.renewMs);
  assert.match(await first.lost, /expired or was taken over/);
  assert.ok(!first.holds());
  running.abort();
  await renewing;
});

test('one who stands by takes over as soon as it can, with a higher fence', async () => {
  const first = keeper('first');
  const taken = await take(first);
  const heard: string[] = [];
  const waiting = take(new LeaseSet(['daemon-test'], optionsFor('second')), {
    onStandby: (holder) => heard.push(holder.owner.instance),
  });
  await clock.advanceBy(5_000);
  await first.release();
  await clock.advanceBy(leaseTimes.retryMs);
  const second = await waiting;
  assert.deepEqual(heard, ['first']);
  assert.ok(taken.kind === 'taken' && second.kind === 'taken');
  assert.ok(second.fence > taken.fence);
});

test('a set is taken whole or not at all', async () => {
  const first = keeper('first');
  await take(first);
  const both = new LeaseSet(['data-dir', 'daemon-test'], optionsFor('second'));
  assert.equal((await take(both)).kind, 'held');
  assert.ok(!both.holds());
  const free = new LeaseSet(['data-dir'], optionsFor('third'));
  assert.equal((await take(free)).kind, 'taken', 'the half that was taken has been given back');
  await free.release();
  await first.release();
  assert.equal((await take(both)).kind, 'taken');
  assert.ok(both.holds());
});

test('a store that cannot be asked closes the gate without losing the lease', async () => {
  let isAway = false;
  const flaky: Leases = {
    ...coordination.leases,
    acquire: (...args) => coordination.leases.acquire(...args),
    release: (...args) => coordination.leases.release(...args),
    renew: async (...args) => {
      if (isAway) throw new Error('connection refused');
      return await coordination.leases.renew(...args);
    },
  };
  const first = keeper('first', flaky);
  const running = new AbortController();
  await take(first);
  const renewing = first.run(running.signal);
  isAway = true;
  await clock.advanceBy(21_000);
  assert.ok(!first.holds(), 'not confirmed for longer than the lease allows');
  isAway = false;
  await clock.advanceBy(leaseTimes.retryMs);
  assert.ok(first.holds(), 'still its own when the store came back in time');
  assert.equal(turned, 2, 'and says so, once each way');
  running.abort();
  await renewing;
});

test('what the holder does is told at once when it is asked to, and then as ever', async () => {
  let doing = 'opening';
  const options = { ...optionsFor('first'), doing: () => doing };
  const first = new LeaseKeeper({ ...options, name: 'daemon-test' });
  const running = new AbortController();
  await take(first);
  // Also what was to be told before it renews at all.
  first.tell();
  doing = 'waiting';
  const renewing = first.run(running.signal);
  const told = async () => (await coordination.leases.list())[0];
  await clock.advanceBy(1);
  assert.equal((await told())?.doing, 'waiting');
  doing = 'working';
  first.tell();
  await clock.advanceBy(1);
  assert.equal((await told())?.doing, 'working');
  const renewedAtMs = (await told())?.renewedAtMs ?? 0;
  await clock.advanceBy(leaseTimes.renewMs - 2);
  assert.equal((await told())?.renewedAtMs, renewedAtMs, 'it asks no oftener than before');
  await clock.advanceBy(2);
  assert.ok(((await told())?.renewedAtMs ?? 0) > renewedAtMs);
  running.abort();
  await renewing;
});

test('who stands by hears of each new holder, once', async () => {
  const first = keeper('first');
  await take(first);
  const heard: string[] = [];
  const waiting = new AbortController();
  const standing = take(new LeaseSet(['daemon-test'], optionsFor('third')), {
    onStandby: (holder) => heard.push(holder.owner.instance),
    signal: waiting.signal,
  });
  await clock.advanceBy(5_000);
  await first.release();
  await take(keeper('second'));
  await clock.advanceBy(5_000);
  assert.deepEqual(heard, ['first', 'second']);
  waiting.abort();
  assert.equal((await standing).kind, 'aborted');
});

test('a store that is coming up is asked again in milliseconds, then more rarely', async () => {
  const askedMs: number[] = [];
  let awayUntilMs = 400;
  const { leases } = coordination;
  const loading: Leases = {
    ...leases,
    release: (...args) => leases.release(...args),
    acquire: async (...args) => {
      askedMs.push(clock.monotonic());
      if (clock.monotonic() < awayUntilMs) throw new CoordinationAwayError('not ready (LOADING)');
      return await leases.acquire(...args);
    },
  };
  awayUntilMs += clock.monotonic();
  const fromMs = clock.monotonic();
  const taking = take(new LeaseSet(['daemon-test'], optionsFor('first', loading)));
  await clock.advanceBy(1_000);
  assert.equal((await taking).kind, 'taken');
  assert.deepEqual(
    askedMs.map((ms) => ms - fromMs),
    [0, 25, 75, 175, 375, 775],
  );
});

for (const before of ['it stands by', 'the store is away'] as const) {
  test(`${before}: a store that becomes unfit is asked on, and why is told`, limits, async () => {
    const first = keeper('first');
    await take(first);
    let failure: Error | undefined;
    const unfit: Leases = {
      ...coordination.leases,
      release: (...args) => coordination.leases.release(...args),
      acquire: async (...args) => {
        if (failure !== undefined) throw failure;
        return await coordination.leases.acquire(...args);
      },
    };
    if (before === 'the store is away') failure = new CoordinationAwayError('refused');
    const told: (string | undefined)[] = [];
    const waiting = take(new LeaseSet(['daemon-test'], optionsFor('second', unfit)), {
      onStandby: () => undefined,
      onAway: (why) => told.push(why),
    });
    await clock.advanceBy(5_000);
    const mending = { todo: 'promote it', isMisconfigured: false };
    failure = new CoordinationRefusedError('read-only', mending);
    await clock.advanceBy(5_000);
    failure = undefined;
    await first.release();
    await clock.advanceBy(2 * leaseTimes.retryMs);
    assert.equal((await waiting).kind, 'taken');
    const reasons = ['read-only; promote it', undefined];
    assert.deepEqual(told, before === 'it stands by' ? reasons : ['refused', ...reasons]);
  });
}

test('a mistake of our own configuration ends the wait, whenever it shows', async () => {
  const reasons = [
    new CoordinationAwayError('not there yet'),
    new CoordinationRefusedError('wrong password', { todo: 'set it', isMisconfigured: true }),
  ];
  const mistaken: Leases = {
    ...coordination.leases,
    acquire: () => Promise.reject(reasons.shift()),
  };
  const waiting = take(new LeaseSet(['daemon-test'], optionsFor('first', mistaken)));
  const ended = assert.rejects(waiting, /wrong password/);
  await clock.advanceBy(leaseTimes.retryMs);
  await ended;
});

test('a store that is unfit at the first question ends the wait before it began', async () => {
  const mending = { todo: 'promote it', isMisconfigured: false };
  const unfit: Leases = {
    ...coordination.leases,
    acquire: () => Promise.reject(new CoordinationRefusedError('read-only', mending)),
  };
  const set = new LeaseSet(['daemon-test'], optionsFor('first', unfit));
  await assert.rejects(take(set), /read-only/);
});

test('a lease that cannot be given back keeps no other, and that is told', limits, async () => {
  const { leases } = coordination;
  const away: Leases = {
    ...leases,
    acquire: (...args) => leases.acquire(...args),
    release: async (name, ...rest) => {
      if (name !== 'data-dir') throw new CoordinationAwayError(`${name} is away`);
      return await leases.release(name, ...rest);
    },
  };
  const set = new LeaseSet(['data-dir', 'daemon-test'], optionsFor('first', away));
  await take(set);
  await assert.rejects(set.release(), /^CoordinationAwayError: daemon-test is away$/);
  const left = (await leases.list()).map(({ name }) => name);
  assert.deepEqual(left, ['daemon-test']);
});

test('a process that was stopped for long is told that its lease is confirmed again', async () => {
  let stoppedMs = 0;
  const stopping: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, fn) => clock.after(ms, fn),
    sleep: (ms, signal) => clock.sleep(ms + stoppedMs, signal),
  };
  const options = { ...optionsFor('first'), name: 'daemon-test' };
  const first = new LeaseKeeper({ ...options, clock: stopping });
  const running = new AbortController();
  await take(first);
  stoppedMs = 15_000;
  const renewing = first.run(running.signal);
  await clock.advanceBy(leaseTimes.renewMs + stoppedMs - 1);
  assert.ok(!first.holds(), 'whoever asks meanwhile is refused');
  await clock.advanceBy(1);
  assert.ok(first.holds());
  assert.equal(turned, 2, 'once each way');
  running.abort();
  await renewing;
});
