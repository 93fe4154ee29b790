/**
 * Who comes second: it waits, or is told why it may not, and goes on where the first one ended.
 * Real processes, on both kinds of coordination; time to live of the leases: three seconds.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { RedisServer, withoutRedis } from '../coordination/redis-process.ts';
import { duelTimes as times } from './duel-rounds.ts';
import { Place, type Running } from './run-cli.ts';
import { WatchedKeepa, watchedToml } from './watched-keepa.ts';

const working = /"event":"pass"/;
const limits = { timeout: 300_000 };

let place: Place;
let keepa: WatchedKeepa;
let redis: RedisServer | undefined;
beforeEach(async () => {
  place = new Place();
  place.write('keepa-deals.toml', watchedToml);
  keepa = await WatchedKeepa.start({ rows: 2_000, ratePerMinute: 60 });
});
afterEach(async () => {
  await place.remove();
  await keepa.close();
  await redis?.remove();
  redis = undefined;
});

async function environment(kept: 'embedded' | 'redis'): Promise<Record<string, string>> {
  if (kept === 'embedded') return keepa.env;
  redis = await RedisServer.start();
  return { ...keepa.env, KEEPA_DEALS_REDIS_URL: redis.url };
}

async function stop({ child, ended }: Running, signal: NodeJS.Signals = 'SIGTERM') {
  child.kill(signal);
  return await ended;
}

/** What the status of the data directory says of leases: name and pid. */
async function leases(): Promise<readonly (readonly [string, number])[]> {
  let told: { name: string; pid: number }[];
  // A status that would have to wait for the leases leaves them out.
  do {
    const { stdout } = await place.run(['status', '--json']);
    told = JSON.parse(stdout).leases;
  } while (told.length === 0);
  return told.map(({ name, pid }) => [name.replace(/-[0-9a-f]{16}$/, ''), pid] as const);
}

async function locks(
  env: Record<string, string>,
): Promise<readonly { readonly name: string; readonly pid: number; readonly doing: string }[]> {
  const { stdout } = await place.run(['locks', 'list', '--json'], env);
  return JSON.parse(stdout).locks;
}

/** A note comes and goes a moment after what it says. */
async function untilNoted(env: Record<string, string>, standbys: readonly Running[]) {
  const wanted = standbys.map(({ child }) => child.pid).toSorted();
  let noted: readonly (number | undefined)[];
  do {
    const all = await locks(env);
    noted = all.flatMap(({ name, pid }) => (name.startsWith('standby') ? [pid] : [])).toSorted();
  } while (JSON.stringify(noted) !== JSON.stringify(wanted));
}

for (const kept of ['embedded', 'redis'] as const) {
  const skip = kept === 'redis' ? withoutRedis : false;
  describe(`a second start, leases ${kept}`, { ...limits, skip }, () => {
    test('waits, spends nothing, is seen, and takes over from a clean stop at once', async () => {
      const env = await environment(kept);
      const first = place.startTuned({ times }, env);
      await first.until(working);
      const second = place.startTuned({ times }, env);
      await second.until(/"event":"standby"/);
      const refused = await place.run(['start', '--no-standby', '--log-level', 'error'], env);
      assert.equal(refused.code, 75);
      assert.match(refused.stderr, new RegExp(`already running: process ${first.child.pid} on`));
      assert.doesNotMatch(second.written.stderr, working);
      const [pid = 0, waiting = 0] = [first.child.pid, second.child.pid];
      const seen = await leases();
      assert.deepEqual(
        seen.filter(([name]) => name === 'standby'),
        [['standby', waiting]],
      );
      assert.ok(seen.some(([name, owner]) => name === 'daemon' && owner === pid));
      assert.equal((await stop(first)).code, 0);
      const stoppedAtMs = systemClock().now();
      await second.until(working);
      assert.ok(systemClock().now() - stoppedAtMs < times.ttlMs, 'it waited on');
      // Its note goes a moment after its standing by is over.
      await untilNoted(env, []);
      assert.ok((await locks(env)).every((lock) => lock.pid === waiting));
      assert.equal((await stop(second)).code, 0);
    });

    test('of two that wait each is listed by itself, and both take their turn', async () => {
      const env = await environment(kept);
      const first = place.startTuned({ times }, env);
      await first.until(working);
      const second = place.startTuned({ times }, env);
      await second.until(/"event":"standby"/);
      await untilNoted(env, [second]);
      const third = place.startTuned({ times }, env);
      await third.until(/"event":"standby"/);
      await untilNoted(env, [second, third]);
      const waiting = (await leases()).filter(([name]) => name.startsWith('standby'));
      const pids = [second.child.pid ?? 0, third.child.pid ?? 0];
      assert.deepEqual(
        waiting,
        ['standby', 'standby-2'].map((name, at) => [name, pids[at]]),
      );
      await stop(first, 'SIGKILL');
      const [heir, left] = await Promise.race([
        second.until(working).then(() => [second, third] as const),
        third.until(working).then(() => [third, second] as const),
      ]);
      // It waits for the new holder now, and only its own note is left.
      await left.until(new RegExp(`"event":"standby","holder":"process ${heir.child.pid} on`));
      await untilNoted(env, [left]);
      const isTold = new RegExp(`waiting for process ${heir.child.pid} on`);
      const noted = async () =>
        (await locks(env)).find(({ name }) => name.startsWith('standby'))?.doing ?? '';
      // Until then it says for whom it waited before.
      while (!isTold.test(await noted()));
      assert.equal((await stop(heir)).code, 0);
      await left.until(working);
      await untilNoted(env, []);
      assert.equal((await stop(left)).code, 0);
    });

    test('under another host id it takes over when the lease has run out, not before', async () => {
      const env = await environment(kept);
      const first = place.startTuned({ times }, env);
      await first.until(working);
      const second = place.startTuned({ times, host: 'another-host' }, env);
      await second.until(/"event":"standby"/);
      await stop(first, 'SIGKILL');
      const killedAt = keepa.bought.length;
      const [diedMs, { atMs }] = [systemClock().now(), await keepa.next(killedAt)];
      assert.ok(atMs - diedMs < times.ttlMs + 3_000, `${atMs - diedMs} ms to take over`);
      await second.until(working);
      assert.equal((await stop(second)).code, 0);
    });

    test('with another database of the same key: 75, and why; --own-store waits', async () => {
      const env = await environment(kept);
      const first = place.startTuned({ times }, env);
      await first.until(working);
      const other = { host: kept === 'redis' ? 'another-host' : undefined };
      const tuning = { times, ...(other.host === undefined ? {} : { host: other.host }) };
      const dataDir = place.path('other');
      const refused = await place.startTuned({ ...tuning, flags: { dataDir } }, env).ended;
      assert.equal(refused.code, 75, refused.stderr);
      assert.match(refused.stderr, /keepa-deals: already running: process \d+ on .* with another/);
      assert.match(refused.stderr, /spend its tokens twice; .*: --own-store/);
      assert.ok(!readdirSync(dataDir).includes('deals.sqlite'), 'it has made a database');
      const waiting = place.startTuned({ ...tuning, flags: { dataDir, ownStore: true } }, env);
      await waiting.until(/"event":"standby"/);
      const { stdout } = await place.run(['status', '--json', '--data-dir', dataDir]);
      assert.equal(JSON.parse(stdout).state, 'standby');
      assert.match(JSON.parse(stdout).reason, /^waiting for process \d+ on host \S+ to end$/);
      assert.equal((await stop(first)).code, 0);
      await waiting.until(working);
      assert.equal((await stop(waiting)).code, 0);
    });
  });
}
