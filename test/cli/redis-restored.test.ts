/**
 * The lock that outlived everybody: the daemon is killed with its lease held, Redis ends and comes
 * back with what it kept, or with nothing. Its heir works at once where the holder is proven dead,
 * by the time to live where it is not, and never are there two that write.
 *
 * Method: real processes on a real redis-server; the leases live for three seconds. When a lease
 * was taken is read from the lease itself, by the clock that judges it.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { isLease } from '../../src/coordination/names.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Persistence, RedisServer, withoutRedis } from '../coordination/redis-process.ts';
import { stopBetweenWrites, duelTimes as times, wake } from './duel-rounds.ts';
import { Place, type Running } from './run-cli.ts';
import { WatchedKeepa, watchedToml } from './watched-keepa.ts';

const working = /"event":"pass"/;
const pageStored = /"scope":"backfiller","event":"pass"[^\n]*"page":\d/;
const ways: readonly (readonly [string, Persistence, 'SIGTERM' | 'SIGKILL', boolean])[] = [
  ['dumped at SIGTERM', 'rdb', 'SIGTERM', true],
  ['appended, at kill -9 of both', 'aof', 'SIGKILL', true],
  ['lost at kill -9 of both', 'rdb', 'SIGKILL', false],
];

interface Lock {
  readonly name: string;
  readonly owner: string;
  readonly fence: number;
  readonly acquiredAt: string;
  readonly renewedAt: string;
}

let place: Place;
let keepa: WatchedKeepa;
let redis: RedisServer;
let env: Record<string, string>;

async function open(persistence: Persistence): Promise<void> {
  redis = await RedisServer.start({ persistence });
  env = { ...keepa.env, KEEPA_DEALS_REDIS_URL: redis.url };
}

async function locks(): Promise<readonly Lock[]> {
  const { code, stdout, stderr } = await place.run(['locks', 'list', '--json'], env);
  assert.equal(code, 0, stderr);
  const all: readonly Lock[] = JSON.parse(stdout).locks;
  return all.filter(({ name }) => isLease(name));
}

async function stop(daemon: Running, signal: NodeJS.Signals): Promise<number | null> {
  daemon.child.kill(signal);
  return (await daemon.ended).code;
}

/** A first life that stored a page, killed with its leases; then Redis, and Redis again. */
async function outlived(persistence: Persistence, signal: 'SIGTERM' | 'SIGKILL') {
  await open(persistence);
  const first = place.startTuned({ times }, env);
  await first.until(pageStored);
  const fence = (await locks()).find(({ name }) => name.startsWith('daemon-'))?.fence ?? 0;
  await stop(first, 'SIGKILL');
  const left = await locks();
  await redis.stop(signal);
  await redis.restart();
  return { fence, left, killedAtMs: systemClock().now() };
}

describe('a lock of the dead that Redis brings back', {
  skip: withoutRedis,
  timeout: 300_000,
}, () => {
  beforeEach(async () => {
    place = new Place();
    place.write('keepa-deals.toml', watchedToml);
    keepa = await WatchedKeepa.start({ rows: 2_000, ratePerMinute: 60 });
  });
  afterEach(async () => {
    await place.remove();
    await keepa.close();
    await redis.remove();
  });

  for (const [how, persistence, signal, isKept] of ways) {
    test(`${how}: on this host it is nobody's for one question`, async () => {
      const { fence } = await outlived(persistence, signal);
      const kept = (await locks()).filter(({ name }) => name.startsWith('daemon-'));
      assert.deepEqual(
        kept.map(({ owner }) => owner),
        isKept ? ['dead'] : [],
      );
      // Who may not stand by has one question, and no wait, to get it; the lease lives for 30 s.
      const heir = place.start(['start', '--no-standby'], env);
      await heir.until(working);
      assert.doesNotMatch(heir.written.stderr, /"event":"(standby|lease-store-away)"/);
      const taken = (await locks()).find(({ name }) => name.startsWith('daemon-'));
      assert.ok((taken?.fence ?? 0) > fence, 'the fence has grown');
      assert.equal(await stop(heir, 'SIGTERM'), 0);
    });

    test(`${how}: from another host it is taken when it has run out, not before`, async () => {
      const { fence, left, killedAtMs } = await outlived(persistence, signal);
      const heir = place.startTuned({ times, host: 'another-host' }, env);
      const [, starting = ''] = await heir.until(/"time":"([^"]+)"[^\n]*"event":"starting"/);
      await heir.until(working);
      const held = await locks();
      assert.equal(held.length, 2);
      for (const lock of held) {
        assert.ok(lock.fence > fence, 'the fence has grown');
        const before = left.find(({ name }) => name === lock.name);
        // One that Redis lost is in nobody's way; that of the files still keeps the heir out.
        const ranOutMs = Date.parse(before?.renewedAt ?? '') + times.ttlMs;
        const takenMs = Date.parse(lock.acquiredAt);
        if (isKept || lock.name === 'data-dir') assert.ok(takenMs >= ranOutMs, lock.name);
        const couldMs = Math.max(killedAtMs + times.ttlMs, Date.parse(starting));
        assert.ok(takenMs <= couldMs + 3_000, `${lock.name}: ${takenMs - couldMs} ms late`);
      }
      assert.equal(await stop(heir, 'SIGTERM'), 0);
    });
  }

  test('lost while its holder is stopped: the heir waits, the holder writes no more', async () => {
    await open('rdb');
    const mine = { ...env, ...(await keepa.doorFor('holder')) };
    const holder = { ...place.startTuned({ times }, mine), who: 'holder' };
    await holder.until(pageStored);
    await stopBetweenWrites(holder, place.path('data'));
    const left = (await locks()).find(({ name }) => name === 'data-dir');
    await redis.stop('SIGKILL');
    await redis.restart();
    const sofar = keepa.bought.length;
    const heir = place.startTuned({ times, host: 'another-host' }, env);
    const { atMs } = await keepa.next(sofar);
    assert.ok(atMs >= Date.parse(left?.renewedAt ?? '') + times.ttlMs, 'not before it ran out');
    await heir.until(working);
    heir.child.kill('SIGSTOP');
    const { commits, bought, code } = await wake(holder, place.path('data'), keepa);
    assert.deepEqual({ commits, bought, code }, { commits: 0, bought: 0, code: 1 });
    heir.child.kill('SIGCONT');
    assert.equal(await stop(heir, 'SIGTERM'), 0);
  });

  test('lost while its holder works: it takes the lease anew, and a standby does not', async () => {
    await open('rdb');
    const holder = place.startTuned({ times }, env);
    await holder.until(pageStored);
    const beside = place.startTuned({ times, host: 'another-host' }, env);
    await beside.until(/"event":"standby"/);
    await redis.stop('SIGKILL');
    await redis.restart();
    await holder.until(/"event":"lease-retaken"/);
    assert.doesNotMatch(beside.written.stderr, working);
    assert.equal(await stop(beside, 'SIGTERM'), 0);
    assert.equal(await stop(holder, 'SIGTERM'), 0);
    assert.doesNotMatch(holder.written.stderr, /"event":"[a-z]+-refused"/);
  });
});
