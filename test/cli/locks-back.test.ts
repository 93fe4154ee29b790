/**
 * A lock that is there again as soon as it was deleted: `locks clear` looks, and says so.
 *
 * Method: between the command and a real Redis stands somebody who writes every entry back, just as
 * it was, before the answer to its deletion comes through.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { keyHashOf } from '../../src/cli/key-hash.ts';
import { Secret } from '../../src/config-key.ts';
import { RedisServer, withoutRedis } from '../coordination/redis-process.ts';
import { Place } from './run-cli.ts';
import { WatchedKeepa, watchedKey } from './watched-keepa.ts';

const toml = `
data_dir = "data"
[[feeds]]
name = "used"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
`;
const hash = keyHashOf(new Secret(watchedKey));
const [key, name] = [`keepa-deals:{${hash}}:leases`, `daemon-${hash}`];

/** A socket that passes everything on, and calls `onDeleted` before it passes on what follows. */
async function between(path: string, redis: RedisServer, onDeleted: () => void) {
  const server = createServer((client) => {
    const upstream = connect(redis.socketPath);
    let isDeleting = false;
    client.on('data', (bytes) => {
      isDeleting ||= bytes.includes('HDEL');
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (isDeleting) onDeleted();
      isDeleting = false;
      client.write(bytes);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  return { close: () => new Promise((resolve) => server.close(resolve)) };
}

test('a lock that is there again is no success', {
  skip: withoutRedis,
  timeout: 300_000,
}, async () => {
  await using ending = new AsyncDisposableStack();
  const place = new Place();
  ending.defer(() => place.remove());
  place.write('keepa-deals.toml', toml);
  const keepa = await WatchedKeepa.start({ rows: 500, ratePerMinute: 60 });
  ending.defer(() => keepa.close());
  const redis = await RedisServer.start();
  ending.defer(() => redis.remove());
  const daemon = place.start(['start'], { ...keepa.env, KEEPA_DEALS_REDIS_URL: redis.url });
  await daemon.until(/"event":"pass"/);
  daemon.child.kill('SIGKILL');
  await daemon.ended;
  const entry = redis.ask('hget', key, name);
  const path = place.path('between.sock');
  let deletions = 0;
  const middle = await between(path, redis, () => {
    deletions += 1;
    redis.ask('hset', key, name, entry);
  });
  ending.defer(async () => {
    await middle.close();
    rmSync(path, { force: true });
  });
  const env = { KEEPA_DEALS_REDIS_URL: `unix://${path}` };
  const { code, stdout, stderr } = await place.run(
    ['locks', 'clear', name, '--yes', '--json'],
    env,
  );
  assert.equal(deletions, 1);
  assert.deepEqual([code, stdout], [1, ''], stderr);
  assert.match(stderr, /it was deleted and is there again; somebody alive writes it/);
  assert.equal(redis.ask('hget', key, name), entry);
});
