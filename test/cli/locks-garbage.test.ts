/**
 * What stands in a Redis in the place of a lock and is none: named, cleared by force only and
 * alone, whatever somebody called it. Method: the locks of a daemon that was killed, a real Redis.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { keyHashOf } from '../../src/cli/key-hash.ts';
import { Secret } from '../../src/config-key.ts';
import { isLease } from '../../src/coordination/names.ts';
import { RedisServer, withoutRedis } from '../coordination/redis-process.ts';
import { Place } from './run-cli.ts';
import { WatchedKeepa, watchedKey, watchedToml } from './watched-keepa.ts';

const hash = keyHashOf(new Secret(watchedKey));
const [key, name] = [`keepa-deals:{${hash}}:leases`, `daemon-${hash}`];
const limits = { skip: withoutRedis, timeout: 300_000 };

let place: Place;
let keepa: WatchedKeepa;
let redis: RedisServer;
let env: Record<string, string>;
beforeEach(async () => {
  place = new Place();
  place.write('keepa-deals.toml', watchedToml);
  keepa = await WatchedKeepa.start({ rows: 500, ratePerMinute: 60 });
  redis = await RedisServer.start();
  env = { ...keepa.env, KEEPA_DEALS_REDIS_URL: redis.url };
  const daemon = place.start(['start'], env);
  await daemon.until(/"event":"pass"/);
  daemon.child.kill('SIGKILL');
  await daemon.ended;
});
afterEach(async () => {
  await place.remove();
  await keepa.close();
  await redis.remove();
});

async function lockNames(): Promise<readonly string[]> {
  const { code, stdout, stderr } = await place.run(['locks', 'list', '--json'], env);
  assert.equal(code, 0, stderr);
  const locks: readonly { readonly name: string }[] = JSON.parse(stdout).locks;
  return locks.map((lock) => lock.name).filter(isLease);
}

test('what is no lock is named, cleared by force only, and alone', limits, async () => {
  for (const [field, text] of [
    ['stray', 'x'],
    ["two words' $(touch ran)", '{}'],
    ['--all', '{}'],
    ['bell\u0007', '{}'],
  ] as const) {
    redis.ask('hset', key, field, text);
  }
  const listed = await place.run(['locks', 'list'], env);
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stderr, /has garbage under stray\n/);
  assert.match(listed.stderr, /keepa-deals locks clear stray --force\n/);
  // Anybody can choose such a name: to the shell it is one argument, and on a terminal harmless.
  assert.ok(
    listed.stderr.includes("locks clear 'two words'\\'' $(touch ran)' --force\n"),
    listed.stderr,
  );
  assert.match(listed.stderr, /keepa-deals locks clear --force -- --all\n/);
  assert.match(listed.stderr, /keepa-deals locks clear --all --force\n/);
  assert.ok(!listed.stderr.includes('\u0007'));
  for (const what of ['stray', '--all']) {
    const refused = await place.run(['locks', 'clear', what, '--yes'], env);
    assert.equal(refused.code, 75);
    assert.match(refused.stderr, /keepa-deals: (stray|--all): .* is no lock, .*; add --force/);
  }
  const strays = ['--all', 'bell\u0007', 'stray', "two words' $(touch ran)"];
  const asked = ['locks', 'clear', '--force', '--yes', '--json', '--', ...strays];
  const { code, stdout, stderr } = await place.run(asked, env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).cleared, strays);
  const left = await place.run(['locks', 'list', '--json'], env);
  assert.deepEqual(JSON.parse(left.stdout).unreadable, []);
  assert.deepEqual(
    (await lockNames()).toSorted(),
    [name, 'data-dir'].toSorted(),
    'the locks beside it are as they were',
  );
});

test('a lock is cleared although garbage elsewhere has its name', limits, async () => {
  redis.ask('hset', key, 'data-dir', 'x');
  const asked = ['locks', 'clear', 'data-dir', '--force', '--yes'];
  const { code, stderr } = await place.run(asked, env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await lockNames(), [name]);
});
