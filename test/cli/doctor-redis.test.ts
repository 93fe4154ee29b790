/**
 * Goal: doctor tells every way in which a Redis is not fit for leases, and changes nothing in it.
 * Method: a real redis-server, set up as people set theirs up.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { keyHashOf } from '../../src/cli/key-hash.ts';
import { Secret } from '../../src/config-key.ts';
import { redisCoordination } from '../../src/coordination/redis.ts';
import { parseRedisUrl } from '../../src/coordination/redis-url.ts';
import { readProcessIdentity } from '../../src/runtime/process-identity.ts';
import {
  RedisServer,
  type RedisServerOptions,
  withoutRedis,
} from '../coordination/redis-process.ts';
import { DoctorSetup, doctorKey } from './doctor-setup.ts';

const limits = { timeout: 300_000, skip: withoutRedis };
const keyHash = keyHashOf(new Secret(doctorKey));
const password = 'p4ssw0rd-of-redis';

let setup: DoctorSetup;
let server: RedisServer | undefined;
beforeEach(() => {
  setup = new DoctorSetup();
});
afterEach(async () => {
  await setup.remove();
  await server?.remove();
  server = undefined;
});

async function withRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  server = await RedisServer.start(options);
  setup.env.KEEPA_DEALS_REDIS_URL = server.url;
  return server;
}

function levelsOf(findings: readonly { readonly id: string; readonly level: string }[]): unknown {
  const ours = findings.filter(({ id }) => id.startsWith('redis'));
  return Object.fromEntries(ours.map(({ id, level }) => [id, level]));
}

describe('Redis', limits, () => {
  test('that keeps what it is told is well', async () => {
    await withRedis({ persistence: 'aof', args: ['--maxmemory', '50mb'] });
    const { report } = await setup.look();
    const expected = { redis: 'ok', 'redis-persistence': 'ok', 'redis-memory': 'ok' };
    assert.deepEqual(levelsOf(report.findings), expected);
  });

  test('that keeps nothing on disk and evicts what it likes', async () => {
    const args = ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'];
    await withRedis({ persistence: 'none', args });
    const look = await setup.look();
    assert.equal(look.code, 3);
    assert.match(look.found('note', 'redis-persistence').what, /keeps nothing on disk/);
    assert.match(look.found('warning', 'redis-memory').what, /throw any key away \(allkeys-lru/);
  });

  test('whose memory is nearly used up', async () => {
    const redis = await withRedis();
    redis.ask('CONFIG', 'SET', 'maxmemory', String(1024 * 1024));
    const look = await setup.look();
    assert.match(look.found('warning', 'redis-memory').what, /nearly full/);
  });

  test('that refuses the password, which no output holds', async () => {
    const redis = await withRedis({ args: ['--requirepass', 'another-one'] });
    setup.secrets.push(password);
    setup.env.KEEPA_DEALS_REDIS_URL = `unix://:${password}@localhost${redis.socketPath}`;
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'redis').what, /refuses the user or the password/);
    const value = look.report.configuration.find(({ key }) => key === 'redis_url');
    assert.deepEqual([value?.value, value?.origin], ['set', 'KEEPA_DEALS_REDIS_URL']);
  });

  test('that asks for a password where there is none', async () => {
    await withRedis({ args: ['--requirepass', password] });
    const look = await setup.look();
    assert.match(look.found('error', 'redis').what, /asks for a password/);
  });

  test('that is not there', async () => {
    const redis = await withRedis();
    await redis.stop();
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'redis').what, /connection refused|no such socket/);
  });

  test('that does not answer', async () => {
    const redis = await withRedis();
    redis.freeze();
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'redis').what, /does not answer/);
  });

  test('that hides its configuration', async () => {
    await withRedis({ args: ['--rename-command', 'CONFIG', ''] });
    const { report } = await setup.look();
    assert.equal(report.findings.find(({ id }) => id === 'redis-persistence')?.level, 'skipped');
  });

  test('with garbage in the place of our leases, which stays where it is', async () => {
    const redis = await withRedis();
    const key = `keepa-deals:{${keyHash}}:leases`;
    redis.ask('SET', key, 'garbage');
    const look = await setup.look();
    const { what, todo } = look.found('warning', 'leases');
    assert.match(what, /holds something else/);
    assert.match(todo ?? '', /^keepa-deals locks list, and checkpoints list, show/);
    assert.equal(redis.ask('TYPE', key), 'string');
    assert.equal(redis.ask('DBSIZE'), '1');
  });

  test('with garbage under a name of its own, which no start sets aside', async () => {
    const redis = await withRedis();
    redis.ask('HSET', `keepa-deals:{${keyHash}}:leases`, 'stray', '{');
    const { what, why } = (await setup.look()).found('warning', 'leases');
    assert.match(what, /has garbage under stray$/);
    assert.match(why ?? '', /a start sets aside only what it would read itself$/);
  });

  test('with the lease of a dead owner, and one of another key that is none of ours', async () => {
    const { url } = await withRedis();
    const self = readProcessIdentity();
    const dead = { ...self, startedAt: '1', instance: 'dead' };
    for (const hash of [keyHash, 'f'.repeat(16)]) {
      const coordination = redisCoordination({
        place: parseRedisUrl(url),
        keyHash: hash,
        isProvablyDead: () => false,
        onNotice: (notice) => assert.fail(notice),
      });
      const claim = { owner: dead, ttlMs: 30_000, fenceFloor: 0, doing: 'testing' };
      await coordination.leases.acquire(`daemon-${hash}`, claim);
      await coordination.close();
    }
    const look = await setup.look();
    assert.equal(look.code, 3);
    const { what } = look.found('warning', 'leases');
    assert.match(what, new RegExp(`is dead and still holds daemon-${keyHash}$`));
  });
});
