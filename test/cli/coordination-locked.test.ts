/**
 * Goal: a daemon whose file of leases another program keeps locked (a process that was stopped
 * inside a transaction) waits for it as for a Redis that is away: it does not end, spends nothing,
 * answers who asks, and works by itself once the lock is gone. Method: real processes; the one that
 * holds the lock does nothing else, and is stopped.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { coordinationPath } from '../../src/cli/data-dir.ts';
import { duelTimes as times } from './duel-rounds.ts';
import { HeldFile } from './held-file.ts';
import { Place } from './run-cli.ts';
import { WatchedKeepa, watchedToml } from './watched-keepa.ts';

const working = /"event":"pass"/;
const away = /"event":"lease-store-away"/;
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
  return file.lock(coordinationPath(place.path('data')));
}

/** A life that made the files and ended in peace. */
async function firstLife(): Promise<void> {
  const first = place.startTuned({ times }, keepa.env);
  await first.until(working);
  first.child.kill('SIGTERM');
  await first.ended;
}

async function status() {
  const { code, stdout } = await place.run(['status', '--json']);
  const { state, reason } = JSON.parse(stdout);
  return { code, state, reason };
}

describe('a file of leases that a stopped process keeps locked', { timeout: 300_000 }, () => {
  test('a start waits for it, says so, spends nothing, and works then', async () => {
    await firstLife();
    await lock();
    const bought = keepa.bought.length;
    const heir = place.startTuned({ times }, keepa.env);
    await heir.until(away);
    const { code, state, reason } = await status();
    assert.deepEqual([code, state], [3, 'degraded']);
    assert.match(reason, /there is none: .*coordination\.sqlite: another program keeps it locked/);
    assert.match(reason, /; waiting .* \d+ s$/, 'since when');
    assert.equal(keepa.bought.length, bought, 'nothing was spent');
    await file.release();
    await heir.until(/"event":"lease-store-back"/);
    await heir.until(working);
    heir.child.kill('SIGTERM');
    const ended = await heir.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(ended.stderr.match(new RegExp(away, 'g'))?.length, 1, 'said once');
  });

  test('told to stop while it waits it ends with 0', async () => {
    await firstLife();
    await lock();
    const heir = place.startTuned({ times }, keepa.env);
    await heir.until(away);
    heir.child.kill('SIGTERM');
    const { code, stderr } = await heir.ended;
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /"event":"lease-store-back"/, 'it never was');
  });

  test('a daemon at work stops spending with its lease, says so, and heals', async () => {
    const daemon = place.startTuned({ times }, keepa.env);
    await daemon.until(working);
    await lock();
    await daemon.until(/"event":"spending-stopped"/);
    const { code, state, reason } = await status();
    assert.deepEqual([code, state], [3, 'degraded']);
    assert.match(reason, /cannot be renewed since \S+Z: .*another program keeps it locked/);
    const bought = keepa.bought.length;
    await file.release();
    await daemon.until(/"event":"spending-resumed"/);
    await keepa.next(bought);
    daemon.child.kill('SIGTERM');
    const ended = await daemon.ended;
    assert.equal(ended.code, 0, ended.stderr);
  });

  test('a command waits for nobody: it says what to do, and ends with 69', async () => {
    await firstLife();
    await lock();
    for (const command of [
      ['deals', 'rejudge'],
      ['pause'],
      ['locks', 'list'],
      ['checkpoints', 'list'],
    ]) {
      const { code, stderr } = await place.run(command);
      assert.equal(code, 69, `${command.join(' ')}: ${stderr}`);
      assert.match(
        stderr,
        /coordination\.sqlite: another program keeps it locked.*; end that program and try again/,
      );
    }
  });
});
