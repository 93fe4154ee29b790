/**
 * A lease that Redis wrote to its disk and brought back: who can prove its holder dead has it at
 * the first question, without any time passing (promise P7); who cannot waits for its expiry.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseTimes } from '../../src/coordination/lease-keeper.ts';
import { LeaseSet } from '../../src/coordination/lease-set.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { ownerNamed } from '../contract/coordination-fixture.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';
import { RedisFixture } from './redis-fixture.ts';
import { RedisServer, withoutRedis } from './redis-process.ts';

/** Time stands still, and nobody may wait for it. */
const standing: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after: () => assert.fail('it waits'),
  sleep: () => assert.fail('it waits'),
};
const ways = [
  ['dumped', 'rdb', 'SIGTERM'],
  ['appended', 'aof', 'SIGKILL'],
] as const;

for (const [how, persistence, signal] of ways) {
  test(`one that was ${how} is had at the first question`, { skip: withoutRedis }, async () => {
    await using ending = new AsyncDisposableStack();
    const server = await RedisServer.start({ persistence });
    ending.defer(() => server.remove());
    const fixture = new RedisFixture(server.url);
    ending.defer(() => fixture.close());
    const { leases } = await fixture.open();
    const claim = { ttlMs: leaseTimes.ttlMs, fenceFloor: 0, doing: 'dying' };
    const dead = ownerNamed('dead');
    const taken = await leases.acquire('daemon-test', { owner: dead, ...claim });
    assert.ok(taken.granted);
    await server.stop(signal);
    await server.restart();
    const [restored] = await leases.list();
    assert.deepEqual([restored?.owner, restored?.fence], [dead, taken.fence], 'it is back');
    assert.ok((restored?.remainingMs ?? 0) > 0, 'and has not run out');
    const elsewhere = await leases.acquire('daemon-test', { owner: ownerNamed('other'), ...claim });
    assert.ok(!elsewhere.granted, 'who cannot prove anything has to wait');
    fixture.kill(dead);
    const heir = new LeaseSet(['daemon-test'], {
      leases,
      owner: ownerNamed('heir'),
      clock: standing,
      log: new RecordedLog(),
      times: leaseTimes,
      doing: () => 'working',
      onTurned: () => undefined,
    });
    const had = await heir.take({
      fenceFloor: async () => 0,
      onStandby: () => assert.fail('it stands by'),
      onAway: () => assert.fail('Redis is away'),
      signal: new AbortController().signal,
    });
    assert.ok(had.kind === 'taken' && had.fence > taken.fence);
  });
}
