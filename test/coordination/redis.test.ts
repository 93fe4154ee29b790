/**
 * Coordination in Redis: the contracts on a real server, and what only a Redis can do wrong.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  CoordinationAwayError,
  CoordinationRefusedError,
  type Owner,
} from '../../src/coordination/ports.ts';
import { openSharedRedis, redisCoordination } from '../../src/coordination/redis.ts';
import { parseRedisUrl } from '../../src/coordination/redis-url.ts';
import { describeError } from '../../src/runtime/describe-error.ts';
import { checkpointsContract } from '../contract/checkpoints.ts';
import { ownerNamed } from '../contract/coordination-fixture.ts';
import { leasesContract } from '../contract/leases.ts';
import { RedisFixture } from './redis-fixture.ts';
import { listener, RedisServer, withoutRedis } from './redis-process.ts';

const a = ownerNamed('a');
const b = ownerNamed('b');
const ttlMs = 30_000;
const ask = (owner: Owner, fenceFloor = 0) => ({ owner, ttlMs, fenceFloor, doing: '' });
const password = 'hunter2/with#marks';

describe('in a real Redis', { skip: withoutRedis, timeout: 120_000 }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.remove());

  leasesContract('redis', async () => new RedisFixture(server.url));
  checkpointsContract('redis', async () => new RedisFixture(server.url));

  describe('garbage in a key of ours is set aside with a notice, and work goes on', () => {
    const spoilt: Readonly<Record<string, (fixture: RedisFixture) => Promise<unknown>>> = {
      'leases of another type': (f) => f.command('SET', f.key('leases'), 'x'),
      'an entry that is no JSON': (f) => f.command('HSET', f.key('leases'), 'daemon', '{'),
      'an entry of another shape': (f) => f.command('HSET', f.key('leases'), 'daemon', '[1]'),
      'an owner that is none': (f) =>
        f.command(
          'HSET',
          f.key('leases'),
          'daemon',
          JSON.stringify({ owner: '{}', fence: 3, renewedAtMs: 4e12, ttlMs: 4e12 }),
        ),
      'fences of another type': (f) => f.command('LPUSH', f.key('fences'), 'x'),
      'a fence that is no number': (f) => f.command('HSET', f.key('fences'), 'daemon', 'abc'),
      'a fence below zero': (f) => f.command('HSET', f.key('fences'), 'daemon', '-4'),
      'a fence beyond counting': (f) => f.command('HSET', f.key('fences'), 'daemon', '1e300'),
      'checkpoints of another type': (f) => f.command('SET', f.key('checkpoints'), 'x'),
      'a checkpoint that is no JSON': (f) => f.command('HSET', f.key('checkpoints'), 'cp', '{'),
      'a newest fence of another type': (f) => f.command('HSET', f.key('checkpoint-fence'), 'x', 1),
      'a newest fence that is no number': (f) => f.command('SET', f.key('checkpoint-fence'), 'x'),
    };
    for (const [what, spoil] of Object.entries(spoilt)) {
      test(what, async () => {
        const fixture = new RedisFixture(server.url);
        await spoil(fixture);
        const { leases, checkpoints } = await fixture.open();
        assert.deepEqual(await leases.acquire('daemon', ask(a, 6)), { granted: true, fence: 7 });
        assert.equal(await checkpoints.read('cp'), undefined);
        assert.equal(await checkpoints.write('cp', { page: 1 }, 7), true);
        assert.deepEqual(await checkpoints.read('cp'), { page: 1 });
        assert.equal((await leases.list()).length, 1);
        assert.equal(fixture.notices.length, 1, fixture.notices.join('\n'));
        assert.match(fixture.notices[0] ?? '', /it is now keepa-deals:\{.*\}:\S+\.corrupt-1$/);
        await fixture.close();
      });
    }

    test('what was set aside before is kept', async () => {
      const fixture = new RedisFixture(server.url);
      const { leases } = await fixture.open();
      for (const text of ['x', 'y']) {
        await fixture.command('DEL', fixture.key('leases'));
        await fixture.command('SET', fixture.key('leases'), text);
        await leases.acquire('daemon', ask(a));
      }
      assert.equal(await fixture.command('GET', `${fixture.key('leases')}.corrupt-1`), 'x');
      assert.equal(await fixture.command('GET', `${fixture.key('leases')}.corrupt-2`), 'y');
      await fixture.close();
    });

    test('an unreadable entry beside ours is told and left alone', async () => {
      const fixture = new RedisFixture(server.url);
      await fixture.command('HSET', fixture.key('leases'), 'other', 'x');
      const { leases } = await fixture.open();
      await leases.acquire('daemon', ask(a));
      assert.deepEqual(
        (await leases.list()).map(({ name }) => name),
        ['daemon'],
      );
      assert.match(fixture.notices.join(), /has garbage under other/);
      assert.equal(await fixture.command('HGET', fixture.key('leases'), 'other'), 'x');
      await fixture.close();
    });
  });

  test('a clock of Redis that was set back leaves no lease that lasts for years', async () => {
    const fixture = new RedisFixture(server.url);
    const { leases } = await fixture.open();
    await leases.acquire('daemon', ask(a));
    // The same as setting the clock back by a year.
    await fixture.advance(-365 * 86_400_000);
    assert.deepEqual(await leases.acquire('daemon', ask(b)), { granted: true, fence: 2 });
    await fixture.close();
  });

  test('what is kept for one API key is no concern of another', async () => {
    const [one, two] = [new RedisFixture(server.url), new RedisFixture(server.url)];
    await (await one.open()).leases.acquire('daemon', ask(a));
    const { leases } = await two.open();
    assert.deepEqual(await leases.acquire('daemon', ask(b)), { granted: true, fence: 1 });
    const shared = await openSharedRedis({
      place: parseRedisUrl(server.url),
      isProvablyDead: () => false,
      onNotice: () => undefined,
    });
    const hashes = shared.spenders.map(({ keyHash }) => keyHash);
    assert.ok(hashes.includes(one.keyHash) && hashes.includes(two.keyHash));
    await shared.close();
    await one.close();
    await two.close();
  });

  test('a holder who came while a dead one was judged is not taken for the dead one', async () => {
    const fixture = new RedisFixture(server.url);
    const { leases } = await fixture.open();
    await leases.acquire('daemon', ask(a));
    const field = [fixture.key('leases'), 'daemon'] as const;
    const entry = JSON.parse(String(await fixture.command('HGET', ...field)));
    const ofB = entry.owner.replace('"a"', '"b"');
    const judging = redisCoordination({
      place: parseRedisUrl(server.url),
      keyHash: fixture.keyHash,
      isProvablyDead: ({ instance }) => {
        server.ask('hset', ...field, JSON.stringify({ ...entry, owner: ofB }));
        return instance === 'a';
      },
      onNotice: () => undefined,
    });
    const answer = await judging.leases.acquire('daemon', ask(ownerNamed('c')));
    assert.ok(!answer.granted);
    assert.equal(answer.holder.owner.instance, 'b');
    await judging.close();
    await fixture.close();
  });

  test('a connection that falls silent is given up for a new one', async () => {
    const silent = new Set<Socket>();
    const seen = new Set<Socket>();
    const proxy = await listener((socket) => {
      seen.add(socket);
      const behind = connect(server.socketPath);
      socket.on('data', (bytes) => silent.has(socket) || behind.write(bytes));
      behind.pipe(socket);
      socket.on('close', () => behind.destroy());
    });
    const fixture = new RedisFixture(`redis://127.0.0.1:${proxy.port}`);
    const { leases } = await fixture.open();
    await leases.acquire('daemon', ask(a));
    for (const socket of seen) silent.add(socket);
    await assert.rejects(leases.list(), /no answer in time/);
    assert.equal((await leases.list()).length, 1);
    await fixture.close();
    await proxy.close();
  });

  test('a lease is still ours on a new connection, after the old one was cut', async () => {
    const fixture = new RedisFixture(server.url);
    const { leases } = await fixture.open();
    const taken = await leases.acquire('daemon', ask(a));
    assert.ok(taken.granted);
    server.ask('client', 'kill', 'type', 'normal');
    // The cut is seen at the first call or before it; the one after it is on a new connection.
    await leases.list().catch(() => undefined);
    const own = { owner: a, fence: taken.fence };
    assert.equal(await leases.renew('daemon', { ...own, ttlMs, doing: '' }), true);
    await fixture.close();
  });
});

/** Acquires once at this URL; the error it ends with. */
async function refusalAt(url: string): Promise<Error> {
  const coordination = redisCoordination({
    place: parseRedisUrl(url),
    keyHash: 'refusal',
    isProvablyDead: () => false,
    onNotice: () => undefined,
  });
  try {
    await coordination.leases.acquire('daemon', ask(a));
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.ok(!describeError(error).includes(password), 'the password is in the message');
    assert.ok(!JSON.stringify(error).includes(password), 'the password is in the error');
    return error;
  } finally {
    await coordination.close();
  }
  return assert.fail('it was granted');
}

function assertRefused(error: Error, why: RegExp, isMisconfigured: boolean): void {
  assert.ok(error instanceof CoordinationRefusedError, `${error.name}: ${error.message}`);
  assert.match(error.message, why);
  assert.equal(error.isMisconfigured, isMisconfigured);
}

describe('a Redis that refuses says why, and the password is in no message', {
  skip: withoutRedis,
  timeout: 120_000,
}, () => {
  const encoded = encodeURIComponent(password);
  const servers: RedisServer[] = [];
  after(async () => {
    for (const server of servers) await server.remove();
  });

  async function guarded(...args: readonly string[]): Promise<RedisServer> {
    const server = await RedisServer.start({ args });
    servers.push(server);
    return server;
  }

  test('password, user and database', async () => {
    const server = await guarded('--requirepass', password, '--databases', '4');
    const at = (login: string, db: number) =>
      `unix://${login}localhost${server.socketPath}?db=${db}`;
    assertRefused(await refusalAt(at(`:${encoded}x@`, 0)), /refuses the user or the pass/, true);
    assertRefused(await refusalAt(at(`me:${encoded}@`, 0)), /refuses the user or the pass/, true);
    assertRefused(await refusalAt(at('', 0)), /asks for a password/, true);
    assertRefused(await refusalAt(at(`:${encoded}@`, 4)), /no database of that number/, true);
    const fixture = new RedisFixture(at(`default:${encoded}@`, 3));
    const { leases } = await fixture.open();
    assert.equal((await leases.acquire('daemon', ask(a))).granted, true);
    const inThree = ['--no-auth-warning', '-a', password, '-n', '3', 'dbsize'];
    assert.equal(server.ask(...inThree), '2', 'it is in the database of the URL');
    await fixture.close();
  });

  test('a password where there is none', async () => {
    const server = await guarded();
    const error = await refusalAt(`unix://:${encoded}@localhost${server.socketPath}`);
    assertRefused(error, /has no password, and redis_url has one/, true);
  });

  test('a user who may not run scripts', async () => {
    const server = await guarded();
    server.ask(
      'acl',
      'setuser',
      'reader',
      'on',
      `>${password}`,
      '~*',
      '+@read',
      '+ping',
      '+select',
    );
    const error = await refusalAt(`unix://reader:${encoded}@localhost${server.socketPath}`);
    assertRefused(error, /its user may not/, true);
  });

  test('a read-only replica, whose leases can still be listed', async () => {
    const server = await guarded();
    const fixture = new RedisFixture(server.url);
    const { leases } = await fixture.open();
    await leases.acquire('daemon', ask(a));
    server.ask('replicaof', '127.0.0.1', '1');
    assertRefused(await refusalAt(server.url), /read-only replica/, false);
    assert.equal((await leases.list()).length, 1);
    await assert.rejects(leases.clear('daemon'), /read-only replica/);
    await fixture.close();
  });

  test('a full one that may not evict', async () => {
    const server = await guarded('--maxmemory', '1', '--maxmemory-policy', 'noeviction');
    assertRefused(await refusalAt(server.url), /memory is full/, false);
  });

  test('one that cannot save and therefore refuses writes', async () => {
    const server = await guarded('--save', '3600 1', '--dbfilename', 'a-directory');
    mkdirSync(join(server.directory, 'a-directory'));
    server.ask('set', 'x', 'y');
    server.ask('bgsave');
    const hasFailed = () => /rdb_last_bgsave_status:err/.test(server.ask('info', 'persistence'));
    for (let looks = 0; looks < 1_000 && !hasFailed(); looks += 1);
    assertRefused(await refusalAt(server.url), /cannot save to its disk/, false);
  });

  test('what is no Redis', async () => {
    const http = await listener((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    assertRefused(await refusalAt(`redis://127.0.0.1:${http.port}`), /is no Redis/, true);
    await http.close();
  });

  test('one that takes the connection and never answers', async () => {
    const mute = await listener(() => undefined);
    const error = await refusalAt(`redis://:${encoded}@127.0.0.1:${mute.port}/0`);
    assertRefused(error, /^redis:\/\/127\.0\.0\.1:\d+\/0: .*does not answer/, false);
    await mute.close();
  });

  test('one without TLS where the URL asks for it', async () => {
    const plain = await listener((socket) => {
      socket.once('data', () => socket.end('-ERR unknown command\r\n'));
    });
    assertRefused(await refusalAt(`rediss://127.0.0.1:${plain.port}`), /speaks no TLS/, true);
    await plain.close();
  });
});

describe('a Redis that is away', { skip: withoutRedis, timeout: 120_000 }, () => {
  test('one that is not there, ends, or hangs is away; it is found again', async () => {
    const server = await RedisServer.start();
    const fixture = new RedisFixture(server.url);
    const { leases } = await fixture.open();
    assert.equal((await leases.acquire('daemon', ask(a))).granted, true);
    const away = (why: RegExp) => (error: unknown) => {
      assert.ok(error instanceof CoordinationAwayError, describeError(error));
      assert.match(error.message, why);
      return true;
    };
    await server.stop();
    await assert.rejects(leases.list(), away(/closed|socket|refused/));
    await assert.rejects(leases.list(), away(/no such socket|refused/));
    await server.restart();
    assert.deepEqual(await leases.list(), []);
    server.freeze();
    await assert.rejects(leases.list(), away(/no answer in time/));
    server.wake();
    assert.deepEqual(await leases.list(), []);
    await fixture.close();
    await server.remove();
  });

  test('one that is loading is worth waiting for', async () => {
    const loading = await listener((socket) => {
      socket.on('data', () => socket.write('-LOADING Redis is loading the dataset\r\n'.repeat(2)));
    });
    const error = await refusalAt(`redis://127.0.0.1:${loading.port}`);
    assert.ok(error instanceof CoordinationAwayError);
    assert.match(error.message, /not ready \(LOADING\)/);
    await loading.close();
  });
});
