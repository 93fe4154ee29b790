/**
 * What a Redis may do to a daemon at work: be emptied by an operator, or be away while a page is
 * stored. Real processes; the leases live for three seconds.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { checkpointName } from '../../src/actors/cursor.ts';
import { databasePath } from '../../src/cli/data-dir.ts';
import { keyHashOf } from '../../src/cli/key-hash.ts';
import { Secret } from '../../src/config-key.ts';
import { openStore } from '../../src/store/open-store.ts';
import { RedisServer, withoutRedis } from '../coordination/redis-process.ts';
import { duelTimes as times } from './duel-rounds.ts';
import { Place } from './run-cli.ts';
import { WatchedKeepa, watchedKey, watchedToml } from './watched-keepa.ts';

const keys = `keepa-deals:{${keyHashOf(new Secret(watchedKey))}}`;
/** The sweep was looked at while Redis was away: nothing may be bought. */
const stoodStill = /"scope":"backfiller","event":"pass"[^\n]*"pages":0,"why":"unix:/;
const pageStored = (page: number) =>
  new RegExp(`"scope":"backfiller","event":"pass"[^\\n]*"page":${page},`);

let place: Place;
let keepa: WatchedKeepa;
let redis: RedisServer;
let env: Record<string, string>;

describe('a daemon at work', { skip: withoutRedis, timeout: 300_000 }, () => {
  beforeEach(async () => {
    place = new Place();
    place.write('keepa-deals.toml', watchedToml);
    keepa = await WatchedKeepa.start({ rows: 2_000, ratePerMinute: 60 });
    redis = await RedisServer.start();
    env = { ...keepa.env, KEEPA_DEALS_REDIS_URL: redis.url };
  });
  afterEach(async () => {
    await place.remove();
    await keepa.close();
    await redis.remove();
  });

  test('FLUSHALL costs nothing: the lease is taken anew, and no write is refused', async () => {
    const daemon = place.startTuned({ times }, env);
    await daemon.until(pageStored(1));
    const before = await stored();
    const beside = place.startTuned({ times }, env);
    await beside.until(/"event":"standby"/);
    redis.ask('flushall');
    await daemon.until(/"event":"lease-retaken","fence":\d+/);
    await daemon.until(pageStored(6));
    const lease = JSON.parse(redis.ask('hget', `${keys}:leases`, `daemon-${keys.slice(13, -1)}`));
    const after = await stored();
    assert.equal(after.fence, lease.fence, 'the database counts the new fence');
    assert.ok(after.fence > before.fence && after.total >= before.total);
    const cursor = JSON.parse(redis.ask('hget', `${keys}:checkpoints`, checkpointName('used')));
    assert.ok(cursor.value.page >= 6, 'its progress is there again');
    const pages = keepa.bought.flatMap(({ sweepPage }) => sweepPage ?? []);
    assert.deepEqual(pages, [...pages.keys()], 'no page was bought twice or left out');
    assert.doesNotMatch(beside.written.stderr, /"event":"pass"/);
    daemon.child.kill('SIGTERM');
    const { code, stderr } = await daemon.ended;
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /refused|owed|fence \d+ has taken over/);
  });

  test('a page whose checkpoint cannot be written is kept, and bought once', async () => {
    const daemon = place.startTuned({ times }, env);
    freezeAsPageIsBought();
    await daemon.until(/"event":"checkpoint-owed"/);
    // The place is away, so nothing more of the sweep is bought: one page is owed and no more.
    await daemon.until(stoodStill);
    const owed = await stored();
    const cursor = keepa.bought.flatMap(({ sweepPage }) => sweepPage ?? []).at(-1) ?? 0;
    assert.equal(owed.nextPage, cursor + 1, 'the rows of the last page bought are stored');
    redis.wake();
    await daemon.until(pageStored(cursor + 2));
    const pages = keepa.bought.flatMap(({ sweepPage }) => sweepPage ?? []);
    assert.deepEqual(pages, [...pages.keys()], 'no page was bought twice or left out');
    daemon.child.kill('SIGTERM');
    const { code, stderr } = await daemon.ended;
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /"event":"child-failed"/);
  });

  test('killed while a checkpoint is owed, the next life repeats one page at most', async () => {
    const daemon = place.startTuned({ times }, env);
    freezeAsPageIsBought();
    await daemon.until(/"event":"checkpoint-owed"/);
    await daemon.until(stoodStill);
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    redis.wake();
    const last = keepa.bought.flatMap(({ sweepPage }) => sweepPage ?? []).at(-1) ?? 0;
    const sofar = keepa.bought.length;
    const next = place.startTuned({ times }, env);
    await next.until(pageStored(last + 1));
    const [first] = keepa.bought.slice(sofar).flatMap(({ sweepPage }) => sweepPage ?? []);
    assert.ok(first === last || first === last + 1, `it went on at page ${first} after ${last}`);
    next.child.kill('SIGTERM');
    assert.equal((await next.ended).code, 0);
  });
});

/** Earlier no page might be bought, for want of a lease; later its checkpoint might be written. */
function freezeAsPageIsBought(): void {
  keepa.onBought = ({ sweepPage }) => {
    if (sweepPage === 2) redis.freeze();
  };
}

async function stored(): Promise<{ fence: number; total: number; nextPage: number }> {
  const store = await openStore({ path: databasePath(place.path('data')), mode: 'read' });
  try {
    const fence = await store.reader.newestFence();
    const { total } = await store.reader.countByState();
    const [feed] = await store.reader.feeds();
    return { fence, total, nextPage: feed?.sweep?.nextPage ?? 0 };
  } finally {
    await store.close();
  }
}
