/**
 * Goal: the daemon with its leases in a Redis, through all that a Redis does to people: it refuses,
 * goes away, comes back with a lock of the dead, or with none. Method: real processes, a real
 * redis-server and a simulated Keepa over HTTP.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { isLease } from '../../src/coordination/names.ts';
import type { StatusReport } from '../../src/status/report-fields.ts';
import { openStore } from '../../src/store/open-store.ts';
import {
  listener,
  type Persistence,
  RedisServer,
  withoutRedis,
} from '../coordination/redis-process.ts';
import { type Ended, Place, type Running } from './run-cli.ts';

const key = 'k3y0123456789k3y0123456789k3y0123456789';
const password = 'hunter2hunter2';
const toml = `
data_dir = "data"
[[feeds]]
name = "used-books"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
# Nothing is accepted, so that no slow live offers are bought between the pages.
[acceptance]
min_profit_cents = 100000000
`;
const limits = { skip: withoutRedis, timeout: 300_000 };
/** A page is stored, its cursor is in Redis. */
const pageStored = /"scope":"backfiller","event":"pass"[^\n]*"page":\d/;

let place: Place;
let server: RedisServer;
const servers: RedisServer[] = [];
beforeEach(() => {
  place = new Place();
  place.write('keepa-deals.toml', toml);
});
afterEach(async () => {
  await place.remove();
  for (const each of servers.splice(0)) await each.remove();
});

async function redis(persistence: Persistence, ...args: readonly string[]): Promise<RedisServer> {
  server = await RedisServer.start({ persistence, args });
  servers.push(server);
  return server;
}

async function keepa(rate = '60', ...more: string[]): Promise<Record<string, string>> {
  const market = ['--port', '0', '--rows', '2000', '--rate', rate, '--key', key, ...more];
  const running = place.start(['simulate', '--json', ...market]);
  const [, url = ''] = await running.until(/"url":"([^"]+)"/);
  return { KEEPA_DEALS_KEEPA_URL: url, KEEPA_API_KEY: key };
}

async function stop(daemon: Running, signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
  daemon.child.kill(signal);
  return daemon.ended;
}

async function status(): Promise<{ readonly code: number | null; readonly report: StatusReport }> {
  const { code, stdout } = await place.run(['status', '--json']);
  return { code, report: JSON.parse(stdout) };
}

async function locks(env: Record<string, string>) {
  const { code, stdout, stderr } = await place.run(['locks', 'list', '--json'], env);
  assert.equal(code, 0, stderr);
  const told: { name: string; pid: number; owner: string; fence: number; kept: string }[] =
    JSON.parse(stdout).locks;
  return told.filter(({ name }) => isLease(name));
}

async function newestFence(): Promise<number> {
  const store = await openStore({ path: place.path('data/deals.sqlite'), mode: 'read' });
  const newest = await store.reader.newestFence();
  await store.close();
  return newest;
}

function assertOneLine({ code, stdout, stderr }: Ended, expected: number, line: RegExp): void {
  assert.equal(code, expected, stderr);
  assert.equal(stdout, '');
  const talk = stderr.split('\n').filter((text) => text.startsWith('keepa-deals: '));
  assert.equal(talk.length, 1, stderr);
  assert.match(talk[0] ?? '', line);
  assert.ok(!stderr.includes(password), 'the password is in the output');
}

describe('a life with a Redis', limits, () => {
  test('leases and cursors are there, and a clean stop gives the leases back', async () => {
    await redis('none', '--requirepass', password);
    const url = `unix://:${password}@localhost${server.socketPath}`;
    const env = { ...(await keepa()), KEEPA_DEALS_REDIS_URL: url };
    const daemon = place.start(['start'], env);
    await daemon.until(pageStored);
    const held = await locks(env);
    assert.deepEqual(
      held.map(({ name, owner, pid }) => [name.replace(/[0-9a-f]{16}/, '#'), owner, pid]),
      [
        ['data-dir', 'alive', daemon.child.pid],
        ['daemon-#', 'alive', daemon.child.pid],
      ],
    );
    assert.match(held[0]?.kept ?? '', /coordination\.sqlite$/);
    assert.match(held[1]?.kept ?? '', /redis\.sock/);
    const cursors = await place.run(['checkpoints', 'list', '--json'], env);
    const [cursor] = JSON.parse(cursors.stdout).checkpoints;
    assert.equal(cursor.name, 'sweep/used-books');
    assert.match(cursor.kept, /redis\.sock/);
    assert.equal((await status()).report.leases.length, 2);
    const ended = await stop(daemon);
    assert.equal(ended.code, 0, ended.stderr);
    assert.ok(!ended.stderr.includes(password) && !cursors.stdout.includes(password));
    assert.deepEqual(await locks(env), []);
  });

  test('garbage in its keys is set aside with a notice, and the start goes on', async () => {
    await redis('none');
    const env = { ...(await keepa()), KEEPA_DEALS_REDIS_URL: server.url };
    const first = place.start(['start'], env);
    await first.until(pageStored);
    await stop(first);
    const keys = server.ask('--raw', 'keys', 'keepa-deals:*').split('\n');
    assert.equal(keys.length, 3, keys.join());
    for (const name of keys) server.ask('set', name, 'garbage');
    const second = place.start(['start'], env);
    await second.until(pageStored);
    assert.match(second.written.stderr, /fences held something else; it is now .*\.corrupt-1/);
    assert.equal((await stop(second)).code, 0);
  });
});

describe('what ends the start', limits, () => {
  const env = { KEEPA_DEALS_KEEPA_URL: 'http://127.0.0.1:1', KEEPA_API_KEY: key };
  const start = (url: string) =>
    place.run(['start', '--log-level', 'error', '--redis-url', url], env);

  test('a wrong password or database: 78', async () => {
    await redis('none', '--requirepass', password);
    const at = (secret: string, db: number) =>
      `unix://:${secret}@localhost${server.socketPath}?db=${db}`;
    assertOneLine(await start(at('wr0ngwr0ng', 0)), 78, /refuses the user or the password; corr/);
    assertOneLine(await start(at(password, 99)), 78, /no database of that number; correct/);
  });

  test('a read-only replica and a full one: 69', async () => {
    await redis('none');
    server.ask('replicaof', '127.0.0.1', '1');
    assertOneLine(await start(server.url), 69, /read-only replica; name the primary/);
    server.ask('replicaof', 'no', 'one');
    server.ask('config', 'set', 'maxmemory', '1');
    assertOneLine(await start(server.url), 69, /memory is full.*; give it room/);
  });

  test('what is no Redis: 78; what never answers: 69', async () => {
    const http = await listener((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const mute = await listener(() => undefined);
    try {
      const at = (port: number) => `redis://:${password}@127.0.0.1:${port}`;
      assertOneLine(await start(at(http.port)), 78, /is no Redis; correct redis_url/);
      assertOneLine(await start(at(mute.port)), 69, /does not answer; is a Redis listening/);
    } finally {
      await http.close();
      await mute.close();
    }
  });
});

describe('a Redis that is away', limits, () => {
  test('at the start: nothing is spent, status says for what it waits, and it heals', async () => {
    await redis('none');
    await server.stop();
    const env = { ...(await keepa()), KEEPA_DEALS_REDIS_URL: server.url };
    const daemon = place.start(['start'], env);
    await daemon.until(/"event":"lease-store-away"/);
    const { code, report } = await status();
    assert.deepEqual([code, report.state], [3, 'degraded']);
    assert.match(report.reason, /^no token is spent without a lease.*no such socket.*for \d+ s$/);
    assert.equal(report.tokens.spentLastHour, 0);
    await server.restart();
    await daemon.until(pageStored);
    assert.equal((await stop(daemon)).code, 0);
  });

  test('while it runs: once the lease has run out nothing is spent, until it is back', async () => {
    await redis('aof');
    const env = { ...(await keepa('600')), KEEPA_DEALS_REDIS_URL: server.url };
    const daemon = place.start(['start'], env);
    await daemon.until(pageStored);
    await server.stop('SIGKILL');
    await daemon.until(/"event":"spending-stopped","cause":"gate"/);
    const { code, report } = await status();
    assert.deepEqual([code, report.state], [3, 'degraded']);
    assert.match(report.reason, /^no token is spent: the lease cannot be renewed since 20.*Z:/);
    await server.restart();
    await daemon.until(/"event":"spending-resumed"/);
    assert.equal((await status()).code, 0);
    const ended = await stop(daemon);
    assert.equal(ended.code, 0, ended.stderr);
    const failures = ended.stderr.match(/"event":"lease-renewal-failed"/g) ?? [];
    assert.ok(failures.length <= 4, `${failures.length} lines about one outage`);
  });
});

describe('locks and checkpoints', limits, () => {
  let env: Record<string, string>;
  let daemon: Running;
  let name: string;
  let fence: number;
  beforeEach(async () => {
    await redis('none');
    env = { ...(await keepa('5', '--tokens', '25')), KEEPA_DEALS_REDIS_URL: server.url };
    daemon = place.start(['start'], env);
    await daemon.until(pageStored);
    const held = (await locks(env)).find((lock) => lock.name.startsWith('daemon-'));
    assert.ok(held !== undefined);
    ({ name, fence } = held);
  });

  test('a live owner: 75 without force; with it the owner writes nothing more', async () => {
    const refused = await place.run(['locks', 'clear', name, '--yes'], env);
    assertOneLine(refused, 75, /holds it and may be alive; .*--force/);
    const unasked = await place.run(['locks', 'clear', name, '--force'], env);
    assertOneLine(unasked, 2, /nobody can be asked here; say --yes/);
    assert.equal((await locks(env)).length, 2, 'nothing was cleared so far');
    const cleared = await place.run(['locks', 'clear', name, '--force', '--yes', '--json'], env);
    assert.equal(cleared.code, 0, cleared.stderr);
    assert.deepEqual(JSON.parse(cleared.stdout), { schema: 1, cleared: [name] });
    assert.ok(
      (await newestFence()) > fence,
      'the database refuses the fence of the lease that was cleared',
    );
    const { code, stderr } = await daemon.ended;
    assert.equal(code, 1, stderr);
  });

  test('a live owner whose database is not here ends all the same, and when is said', async () => {
    const elsewhere = ['--data-dir', 'elsewhere'];
    const asked = ['locks', 'clear', name, '--force', '--yes', ...elsewhere];
    const cleared = await place.run(asked, env);
    assert.equal(cleared.code, 0, cleared.stderr);
    assert.match(cleared.stderr, /there is no database .*: it stops when it next renews the lock/);
    assert.equal(await newestFence(), fence, 'no write of its own is refused');
    const { code, stderr } = await daemon.ended;
    assert.equal(code, 1, stderr);
    assert.doesNotMatch(stderr, /"event":"(lease-retaken|write-refused)"/);
  });

  test('a live owner, and a Redis that refuses: what was done all the same is said', async () => {
    server.ask('replicaof', '127.0.0.1', '1');
    const ended = await place.run(['locks', 'clear', name, '--force', '--yes'], env);
    assert.equal(ended.code, 69, ended.stderr);
    assert.match(
      ended.stderr,
      /could not be deleted \(.*read-only replica\); the lock stands, and/,
    );
    assert.match(ended.stderr, /refuses what its owner writes from now on; .*and clear it again/);
    // The owner may have met its first refusal by now, and have given back what it can.
    assert.ok((await locks(env)).some((lock) => lock.name === name));
    assert.ok((await newestFence()) > fence);
  });

  test('a dead owner: cleared by name, and by --all', async () => {
    await stop(daemon, 'SIGKILL');
    const misspelt = await place.run(['locks', 'clear', `${name}x`, '--yes'], env);
    assertOneLine(misspelt, 1, new RegExp(`did you mean ${name}\\?`));
    assert.equal((await place.run(['locks', 'clear', name, '--yes'], env)).code, 0);
    assert.deepEqual(
      (await locks(env)).map((lock) => lock.name),
      ['data-dir'],
    );
    assert.equal((await place.run(['locks', 'clear', '--all', '--yes'], env)).code, 0);
    assert.deepEqual(await locks(env), []);
    assertOneLine(await place.run(['locks', 'clear'], env), 2, /names of locks, or --all/);
  });

  test('a read-only Redis: clearing fails loudly, and listing does not', async () => {
    await stop(daemon, 'SIGKILL');
    server.ask('replicaof', '127.0.0.1', '1');
    assert.equal((await locks(env)).length, 2);
    const ended = await place.run(['locks', 'clear', name, '--yes'], env);
    assert.equal(ended.code, 69);
    assert.match(ended.stderr, /read-only replica/);
    assert.equal((await locks(env)).length, 2);
  });

  test('a Redis that is away is named, and what is kept here is listed all the same', async () => {
    await stop(daemon, 'SIGKILL');
    await server.stop();
    const trouble = /^keepa-deals: .*no such socket; is that Redis running\?\n$/;
    const listed = await place.run(['locks', 'list'], env);
    assert.deepEqual(
      [listed.code, listed.stdout.match(/^data-dir +\d+ +dead /gm)?.length],
      [69, 1],
    );
    assert.match(listed.stderr, trouble);
    const json = await place.run(['locks', 'list', '--json'], env);
    const { locks: kept, unread } = JSON.parse(json.stdout);
    assert.deepEqual(
      [json.code, kept.map((lock: { name: string }) => lock.name), unread.length],
      [69, ['data-dir'], 1],
    );
    assert.match(unread[0], /no such socket/);
    const progress = await place.run(['checkpoints', 'list'], env);
    assert.equal(progress.code, 69);
    assert.match(progress.stderr, trouble, 'and nobody says that no progress is saved');
    const cleared = await place.run(['locks', 'clear', '--all', '--yes'], env);
    assertOneLine(cleared, 69, /no such socket/);
  });

  test('checkpoints reset: both memories go back to page 0, or neither does', async () => {
    const busy = await place.run(['checkpoints', 'reset', 'used-books', '--yes'], env);
    assert.equal(busy.code, 75, busy.stderr);
    const value = async (): Promise<unknown> => {
      const { stdout } = await place.run(['checkpoints', 'list', '--json'], env);
      return JSON.parse(stdout).checkpoints[0]?.value;
    };
    assert.notEqual(await value(), undefined);
    await stop(daemon);
    const misspelt = await place.run(['checkpoints', 'reset', 'used-boks', '--yes'], env);
    assertOneLine(misspelt, 1, /did you mean used-books\?/);
    const unasked = await place.run(['checkpoints', 'reset', 'used-books'], env);
    assertOneLine(unasked, 2, /pages of sweep 1 are bought again, .*: nobody can be asked/);
    assert.notEqual(await value(), undefined);
    const { code, stdout, stderr } = await place.run(
      ['checkpoints', 'reset', 'used-books', '--yes', '--json'],
      env,
    );
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).page, 0);
    assert.equal(await value(), undefined);
    assert.equal((await status()).report.feeds[0]?.sweep?.nextPage, 0);
  });

  test('checkpoints reset that Redis refuses halfway: the sweep begins again', async () => {
    await stop(daemon);
    const asBefore = (await status()).report.feeds[0]?.sweep?.nextPage ?? 0;
    assert.ok(asBefore > 0);
    server.ask('replicaof', '127.0.0.1', '1');
    const refused = await place.run(['checkpoints', 'reset', 'used-books', '--yes'], env);
    assert.equal(refused.code, 69);
    assert.match(refused.stderr, /read-only replica/);
    // The database was first, and the older of the two wins: it is as if both had been set back.
    assert.equal((await status()).report.feeds[0]?.sweep?.nextPage, 0);
    const { stdout } = await place.run(['checkpoints', 'list', '--json'], env);
    assert.ok(JSON.parse(stdout).checkpoints[0]?.value.page > 0, 'the checkpoint is still there');
  });
});
