/**
 * A set of leases that was lost: taken anew where nobody else can have written since, and left
 * where somebody may have.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaseKeeper, leaseTimes } from '../../src/coordination/lease-keeper.ts';
import { type FencedStore, LeaseSet } from '../../src/coordination/lease-set.ts';
import { CoordinationAwayError, type Leases } from '../../src/coordination/ports.ts';
import { RememberedCoordination } from '../simulation/remembered-coordination.ts';
import { clock, coordination, keeper, optionsFor, take } from './keeper-fixture.ts';

/** A deals database that knows the newest fence, as the real one does. */
function fenced(newest: number): FencedStore & { newest: number } {
  const store = {
    newest,
    newestFence: async () => store.newest,
    raiseFence: async (fence: number) => {
      store.newest = fence;
      return true;
    },
  };
  return store;
}

test('a set that lost its lease to nobody takes it anew, and the database counts it', async () => {
  const remembered = new RememberedCoordination({ time: clock, isProvablyDead: () => false });
  const { leases } = remembered;
  const set = new LeaseSet(['data-dir', 'daemon-test'], optionsFor('first', leases));
  const taken = await take(set);
  assert.ok(taken.kind === 'taken');
  const running = new AbortController();
  const store = fenced(taken.fence);
  const renewing = set.run(running.signal, store);
  remembered.lose();
  await clock.advanceBy(leaseTimes.renewMs);
  assert.ok(set.holds());
  assert.ok(store.newest > taken.fence);
  assert.equal(set.fence, store.newest);
  assert.equal((await take(keeper('second', leases))).kind, 'held');
  running.abort();
  await renewing;
});

for (const name of ['data-dir', 'daemon-test']) {
  test(`a set whose ${name} was cleared is lost, and gives back what it was granted`, async () => {
    const set = new LeaseSet(['data-dir', 'daemon-test'], optionsFor('first'));
    const taken = await take(set);
    assert.ok(taken.kind === 'taken');
    const running = new AbortController();
    // Whoever cleared it did not know which database it writes: no newer fence is there.
    const renewing = set.run(running.signal, fenced(taken.fence));
    await coordination.leases.clear(name);
    await clock.advanceBy(leaseTimes.renewMs);
    assert.match(await set.lost, /was taken over/);
    assert.ok(!set.holds());
    const left = (await coordination.leases.list()).map((lease) => lease.name);
    assert.ok(!left.includes(name), 'it is free');
    running.abort();
    await renewing;
  });
}

test('a set whose database was written under a newer fence takes nothing anew', async () => {
  const set = new LeaseSet(['daemon-test'], optionsFor('first'));
  const taken = await take(set);
  assert.ok(taken.kind === 'taken');
  const running = new AbortController();
  const renewing = set.run(running.signal, fenced(taken.fence + 1));
  await coordination.leases.clear('daemon-test');
  await clock.advanceBy(leaseTimes.renewMs);
  assert.match(await set.lost, /was taken over/);
  assert.ok(!set.holds());
  assert.equal((await take(keeper('second'))).kind, 'taken', 'it is free');
  running.abort();
  await renewing;
});

test('a set whose lease somebody else has taken meanwhile does not take it back', async () => {
  const set = new LeaseSet(['daemon-test'], optionsFor('first'));
  const taken = await take(set);
  assert.ok(taken.kind === 'taken');
  const running = new AbortController();
  const renewing = set.run(running.signal, fenced(taken.fence));
  await coordination.leases.clear('daemon-test');
  assert.equal((await take(keeper('second'))).kind, 'taken');
  await clock.advanceBy(leaseTimes.renewMs);
  assert.match(await set.lost, /was taken over/);
  running.abort();
  await renewing;
});

test('a holder that is not to be waited for is the answer, also where others are', async () => {
  const first = new LeaseKeeper({
    ...optionsFor('first'),
    name: 'daemon-test',
    store: () => 'another',
  });
  await take(first);
  const heard: string[] = [];
  const answer = await take(new LeaseSet(['daemon-test'], optionsFor('second')), {
    onStandby: (holder) => heard.push(holder.owner.instance),
    isHeirOf: ({ store }) => store !== 'another',
  });
  assert.ok(answer.kind === 'held');
  assert.equal(answer.holder.store, 'another');
  assert.deepEqual(heard, []);
});

test('who is told to stop while the store is away hears nothing of its being back', async () => {
  const leases: Leases = {
    ...coordination.leases,
    acquire: () => Promise.reject(new CoordinationAwayError('it is locked', 'end the other')),
  };
  const told: unknown[] = [];
  const stopping = new AbortController();
  const waiting = take(new LeaseSet(['daemon-test'], optionsFor('first', leases)), {
    onAway: (...said) => told.push(said),
    signal: stopping.signal,
  });
  await clock.advanceBy(leaseTimes.retryMs);
  stopping.abort();
  assert.deepEqual(await waiting, { kind: 'aborted' });
  assert.deepEqual(told, [['it is locked', 'end the other']]);
});
