/**
 * Goal: the rights that the manual names are enough for all that is done in a Redis, and each of
 * them is needed.
 * Method: a user of a real server with just these rights, through the contract suites and the rest.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { CoordinationRefusedError } from '../../src/coordination/ports.ts';
import { openSharedRedis } from '../../src/coordination/redis.ts';
import { readRedisFacts } from '../../src/coordination/redis-facts.ts';
import { parseRedisUrl } from '../../src/coordination/redis-url.ts';
import { checkpointsContract } from '../contract/checkpoints.ts';
import { ownerNamed } from '../contract/coordination-fixture.ts';
import { leasesContract } from '../contract/leases.ts';
import { RedisFixture } from './redis-fixture.ts';
import { RedisServer, withoutRedis } from './redis-process.ts';

const manual = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
/** `ACL SETUSER keepa-deals on >... RIGHTS`, as an operator copies it. */
const [, rights = ''] = /ACL SETUSER keepa-deals on '>[^']*' (.*)$/m.exec(manual) ?? [];
const words = rights.replaceAll("'", '').split(' ');
const forDoctor = '+config|get';
const commands = words.filter((word) => word.startsWith('+') && word !== forDoctor);

describe('as a user with the rights of the manual', { skip: withoutRedis }, () => {
  let server: RedisServer;
  let url: string;
  before(async () => {
    server = await RedisServer.start();
    server.ask('ACL', 'SETUSER', 'keepa-deals', 'on', '>secret', ...words);
    url = `unix://keepa-deals:secret@localhost${server.socketPath}`;
  });
  after(() => server.remove());

  leasesContract('redis', async () => new RedisFixture(url, server.url));
  checkpointsContract('redis', async () => new RedisFixture(url, server.url));

  test('what the commands look at is told as well, and garbage is set aside', async () => {
    await doEverything(url, server);
    assert.equal((await readRedisFacts(parseRedisUrl(url))).isDumping, false);
    server.ask('ACL', 'SETUSER', 'keepa-deals', forDoctor.replace('+', '-'));
    assert.equal((await readRedisFacts(parseRedisUrl(url))).isDumping, undefined);
  });

  for (const right of commands) {
    test(`it needs ${right}`, async () => {
      const without = right.replace('+', '-');
      server.ask('ACL', 'SETUSER', 'keepa-deals', without);
      try {
        await assert.rejects(async () => {
          await doEverything(url, server);
          await readRedisFacts(parseRedisUrl(url));
        }, isOfRights);
      } finally {
        server.ask('ACL', 'SETUSER', 'keepa-deals', right);
      }
    });
  }
});

function isOfRights(error: unknown): boolean {
  assert(error instanceof CoordinationRefusedError);
  assert.match(error.message, /its user may not do what is needed/);
  return true;
}

/** At least once each of what is asked of a Redis, but for what only describes it. */
async function doEverything(url: string, server: RedisServer): Promise<void> {
  const fixture = new RedisFixture(url, server.url);
  const owner = ownerNamed('a');
  try {
    await fixture.command('SET', fixture.key('leases'), 'garbage');
    await fixture.command('HSET', fixture.key('checkpoints'), 'cp', '{');
    const { leases, checkpoints } = await fixture.open();
    const claim = { owner, ttlMs: 30_000, fenceFloor: 0, doing: '' };
    const acquired = await leases.acquire('daemon', claim);
    assert(acquired.granted);
    const { fence } = acquired;
    await leases.renew('daemon', { ...claim, fence });
    await checkpoints.read('cp');
    await checkpoints.write('cp', { page: 1 }, fence);
    await checkpoints.list();
    await checkpoints.remove('cp');
    await leases.release('daemon', { owner, fence });
    await leases.clear('daemon');
    const shared = await openSharedRedis({
      place: parseRedisUrl(url),
      changesNothing: true,
      isProvablyDead: () => false,
      onNotice: () => undefined,
    });
    await shared.close();
  } finally {
    await fixture.close();
  }
}
