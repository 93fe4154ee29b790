/**
 * Notes beside the leases: what stands there is the last that was said, whoever stood there before,
 * and a store that is away holds nobody up. In virtual time over a real file.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Notes } from '../../src/coordination/notes.ts';
import type { Leases } from '../../src/coordination/ports.ts';
import { ownerNamed } from '../contract/coordination-fixture.ts';
import { clock, coordination } from './keeper-fixture.ts';

function notes(instance: string, leases: Leases = coordination.leases): Notes {
  return new Notes({ leases, owner: ownerNamed(instance), clock });
}

async function listed(): Promise<readonly (readonly [string, string, string])[]> {
  // Notes linger before they are written.
  await clock.advanceBy(500);
  const entries = await coordination.leases.list();
  return entries.map(({ name, owner, doing }) => [name, owner.instance, doing]);
}

test('what is put stands there until it is removed', async () => {
  const ours = notes('first');
  ours.put('upserter', 'one');
  ours.put('backfiller', 'two');
  ours.put('upserter', 'three');
  assert.deepEqual(await listed(), [
    ['backfiller', 'first', 'two'],
    ['upserter', 'first', 'three'],
  ]);
  ours.remove('upserter');
  ours.put('backfiller', 'four');
  assert.deepEqual(await listed(), [['backfiller', 'first', 'four']]);
  await ours.removeAll();
  assert.deepEqual(await listed(), []);
});

test('what is over at once is never written', async () => {
  let asked = 0;
  const counting: Leases = {
    ...coordination.leases,
    acquire: (...args) => {
      asked += 1;
      return coordination.leases.acquire(...args);
    },
  };
  const ours = notes('first', counting);
  for (let pass = 0; pass < 10; pass += 1) {
    ours.put('analyst', 'a pass');
    await clock.advanceBy(100);
    ours.remove('analyst');
    await clock.advanceBy(60_000);
  }
  assert.deepEqual([await listed(), asked], [[], 0]);
});

test('what somebody on another host left behind is replaced', async () => {
  notes('gone').put('upserter', 'for ever');
  await listed();
  notes('second').put('upserter', 'a pass');
  assert.deepEqual(await listed(), [['upserter', 'second', 'a pass']]);
});

test('of several that stand by each has a note of its own, and takes away only that', async () => {
  const [one, two, three] = [notes('one'), notes('two'), notes('three')];
  one.put('standby', 'waiting');
  await listed();
  two.put('standby', 'waiting');
  assert.deepEqual(await listed(), [
    ['standby', 'one', 'waiting'],
    ['standby-2', 'two', 'waiting'],
  ]);
  await one.removeAll();
  two.put('standby', 'waiting for another');
  assert.deepEqual(await listed(), [['standby-2', 'two', 'waiting for another']]);
  three.put('standby', 'waiting');
  assert.deepEqual(await listed(), [
    ['standby', 'three', 'waiting'],
    ['standby-2', 'two', 'waiting for another'],
  ]);
  await two.removeAll();
  assert.deepEqual(await listed(), [['standby', 'three', 'waiting']]);
});

test('a note outlives a pass of hours, and one of a dead process does not', async () => {
  const running = new AbortController();
  const ours = notes('first');
  const renewing = ours.run(running.signal);
  ours.put('backfiller', 'waiting');
  notes('dead').put('upserter', 'a pass');
  await clock.advanceBy(3 * 3_600_000);
  const left = (await coordination.leases.list()).filter(({ remainingMs }) => remainingMs > 0);
  assert.deepEqual(
    left.map(({ name }) => name),
    ['backfiller'],
  );
  running.abort();
  await renewing;
});

test('a store that is away costs one question, and the next note is written again', async () => {
  let isAway = true;
  let asked = 0;
  const flaky: Leases = {
    ...coordination.leases,
    renew: (...args) => coordination.leases.renew(...args),
    release: (...args) => coordination.leases.release(...args),
    clear: (...args) => coordination.leases.clear(...args),
    acquire: async (...args) => {
      asked += 1;
      if (isAway) throw new Error('connection refused');
      return await coordination.leases.acquire(...args);
    },
  };
  const ours = notes('first', flaky);
  for (const name of ['a', 'b', 'c']) ours.put(name, 'a pass');
  assert.deepEqual(await listed(), []);
  assert.equal(asked, 1);
  isAway = false;
  ours.put('a', 'a pass');
  assert.deepEqual(await listed(), [['a', 'first', 'a pass']]);
});
