/**
 * Goal: an heir that finds the deals database locked by a process which will not let go (stopped in
 * the middle of a transaction) waits and says so: it neither ends, nor spends, nor loses its lease.
 * Method: real processes; the one that holds the lock does nothing else, and is stopped.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { databasePath } from '../../src/cli/data-dir.ts';
import { duelTimes as times } from './duel-rounds.ts';
import { HeldFile } from './held-file.ts';
import { Place } from './run-cli.ts';
import { WatchedKeepa, watchedToml } from './watched-keepa.ts';

const working = /"event":"pass"/;
const locked = /"event":"database-locked"/;
const file = new HeldFile();

let place: Place;
let keepa: WatchedKeepa;
beforeEach(async () => {
  place = new Place();
  place.write('keepa-deals.toml', watchedToml);
  keepa = await WatchedKeepa.start({ rows: 2_000, ratePerMinute: 60 });
});
afterEach(async () => {
  await file.release();
  await place.remove();
  await keepa.close();
});

function lock(): Promise<void> {
  return file.lock(databasePath(place.path('data')));
}

interface Lock {
  readonly name: string;
  readonly pid: number;
  readonly fence: number;
  readonly renewedAt: string;
  readonly doing: string;
}

async function daemonLock(): Promise<Lock> {
  const { stdout } = await place.run(['locks', 'list', '--json']);
  const locks: readonly Lock[] = JSON.parse(stdout).locks;
  const found = locks.find(({ name }) => name.startsWith('daemon-'));
  assert.ok(found !== undefined, stdout);
  return found;
}

/** A life that made the database and was killed. */
async function firstLife(): Promise<void> {
  const first = place.startTuned({ times }, keepa.env);
  await first.until(working);
  first.child.kill('SIGKILL');
  await first.ended;
}

describe('a database that a stopped process keeps locked', { timeout: 300_000 }, () => {
  test('its heir waits with its lease, says for what, spends nothing, and works then', async () => {
    await firstLife();
    await lock();
    const bought = keepa.bought.length;
    const heir = place.startTuned({ times }, keepa.env);
    await heir.until(locked);
    const { code, stdout } = await place.run(['status', '--json']);
    const { state, reason, leases } = JSON.parse(stdout);
    assert.deepEqual([code, state], [3, 'degraded']);
    assert.match(reason, /another program keeps the deals database locked .*; waiting .* \d+ s$/);
    assert.equal(leases.length, 2, 'and who holds the leases is told as ever');
    const taken = await daemonLock();
    assert.equal(taken.pid, heir.child.pid);
    let renewed = taken;
    // Beyond its time to live.
    while (Date.parse(renewed.renewedAt) - Date.parse(taken.renewedAt) <= times.ttlMs) {
      renewed = await daemonLock();
    }
    assert.deepEqual([renewed.pid, renewed.fence], [taken.pid, taken.fence]);
    assert.match(renewed.doing, /keeps the deals database locked/);
    assert.equal(keepa.bought.length, bought, 'nothing was spent');
    await file.release();
    await heir.until(/"event":"database-free"/);
    await heir.until(working);
    heir.child.kill('SIGTERM');
    const ended = await heir.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(ended.stderr.match(new RegExp(locked, 'g'))?.length, 1, 'said once');
  });

  test('told to stop while it waits it ends with 0, and gives its leases back', async () => {
    await firstLife();
    await lock();
    const heir = place.startTuned({ times }, keepa.env);
    await heir.until(locked);
    heir.child.kill('SIGTERM');
    const { code, stderr } = await heir.ended;
    assert.equal(code, 0, stderr);
    const { stdout } = await place.run(['locks', 'list', '--json']);
    assert.deepEqual(JSON.parse(stdout).locks, []);
  });
});
