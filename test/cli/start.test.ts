/**
 * Goal: the real daemon as a process, against a simulated Keepa over HTTP, behaves as its exit
 * codes and its status say. Method: child processes, a data directory each, and the questions that
 * a person would ask from another terminal.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { StatusReport } from '../../src/status/report-fields.ts';
import { type Ended, Place, type Running } from './run-cli.ts';

const key = 'k3y0123456789k3y0123456789k3y0123456789';
const toml = `
data_dir = "data"
[[feeds]]
name = "used-books"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
[feeds.screen]
min_percent_below_average = 50
`;

let place: Place;
beforeEach(() => {
  place = new Place();
  place.write('keepa-deals.toml', toml);
});
afterEach(() => place.remove());

/** A simulated Keepa on a free port; what a daemon needs to use it. */
async function keepa(...args: string[]): Promise<Record<string, string>> {
  const rows = ['--port', '0', '--rows', '300', '--key', key];
  const running = place.start(['simulate', '--json', '--latency', '5', ...rows, ...args]);
  const [, url = ''] = await running.until(/"url":"([^"]+)"/);
  return { KEEPA_DEALS_KEEPA_URL: url, KEEPA_API_KEY: key };
}

async function status(): Promise<{ readonly code: number | null; readonly report: StatusReport }> {
  const { code, stdout, stderr } = await place.run(['status', '--json']);
  assert.notEqual(stdout, '', stderr);
  return { code, report: JSON.parse(stdout) };
}

function sumOfStates({ deals: { total: _, ...states } }: StatusReport): number {
  return Object.values(states).reduce((sum, count) => sum + count, 0);
}

async function stop(daemon: Running, signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
  daemon.child.kill(signal);
  return daemon.ended;
}

/** The first sweep is complete when the backfiller finds no page that is due. */
const sweepDone = /"scope":"backfiller","event":"pass","outcome":"done","pages":0(?!,"why")/;
/** A process that does not do what a test waits for fails it, rather than hanging the suite. */
const limits = { timeout: 300_000 };

describe('a life', limits, () => {
  test('it fetches, says so, and ends with 0 at SIGTERM, without the key anywhere', async () => {
    const daemon = place.start(['start'], await keepa('--rate', '60'));
    await daemon.until(sweepDone);
    const alive = await status();
    assert.equal(alive.code, 0);
    assert.match(alive.report.state, /^(running|waiting)$/);
    assert.equal(alive.report.pid, daemon.child.pid);
    assert.equal(alive.report.tokens.refillRate, 60);
    assert.ok(alive.report.deals.total > 250, `${alive.report.deals.total} rows`);
    assert.equal(sumOfStates(alive.report), alive.report.deals.total);

    const ended = await stop(daemon);
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(ended.stdout, '');
    const dead = await status();
    assert.equal(dead.code, 3);
    assert.equal(dead.report.state, 'stopped');
    assert.match(dead.report.reason, /it ended: SIGTERM/);
    // Rows may have been judged, or been new, between the question and the stop.
    assert.equal(sumOfStates(dead.report), dead.report.deals.total);
    assert.ok(dead.report.deals.total >= alive.report.deals.total, 'a row was lost');
    assert.ok(!ended.stderr.includes(key));
    for (const name of readdirSync(place.path('data'))) {
      assert.ok(!readFileSync(join(place.path('data'), name)).includes(key), name);
    }
  });

  test('after kill -9 its state is stopped, and the next start works at once', async () => {
    const env = await keepa('--rate', '60');
    const first = place.start(['start'], env);
    await first.until(sweepDone);
    await stop(first, 'SIGKILL');
    const dead = await status();
    assert.deepEqual([dead.code, dead.report.state], [3, 'stopped']);
    assert.match(dead.report.reason, new RegExp(`process ${first.child.pid} is gone`));
    const second = place.start(['start', '--no-standby'], env);
    await second.until(/"scope":"upserter","event":"pass"/);
    assert.equal((await status()).report.pid, second.child.pid);
    assert.equal((await stop(second, 'SIGINT')).code, 0);
  });

  test('without tokens it is waiting, with the clock time of what it waits for', async () => {
    const daemon = place.start(['start'], await keepa('--rate', '5', '--tokens', '3'));
    await daemon.until(/"event":"listening"/);
    for (;;) {
      const { code, report } = await status();
      if (report.state === 'starting' || report.state === 'running') continue;
      assert.equal(report.state, 'waiting', report.reason);
      assert.equal(code, 0);
      assert.match(report.reason, /waiting for \d+ tokens, the balance is 3$/);
      assert.equal(report.tokens.balance, 3);
      assert.ok((report.tokens.needed ?? 0) > 3);
      const aheadMs = Date.parse(report.nextActionAt ?? '') - Date.parse(report.at);
      assert.ok(aheadMs > 0 && aheadMs < 120_000, `${aheadMs} ms ahead`);
      break;
    }
    const text = await place.run(['status']);
    assert.match(text.stdout, /^waiting: .*\nnext action +\d\d:\d\d:\d\d \(in /);
    assert.equal((await stop(daemon)).code, 0);
  });

  test('one that hangs is stalled, not waiting and not gone', async () => {
    const daemon = place.start(['start'], await keepa('--rate', '60'));
    await daemon.until(sweepDone);
    daemon.child.kill('SIGSTOP');
    const { code, report } = await status();
    assert.deepEqual([code, report.state], [3, 'stalled']);
    assert.match(report.reason, new RegExp(`process ${daemon.child.pid} hangs: no answer`));
    daemon.child.kill('SIGCONT');
    assert.equal((await stop(daemon)).code, 0);
  });

  test('a second one on the same data stands by, and takes over when the first ends', async () => {
    const env = await keepa('--rate', '60');
    const first = place.start(['start'], env);
    await first.until(sweepDone);
    const refused = await place.run(['start', '--no-standby', '--log-level', 'error'], env);
    assert.equal(refused.code, 75);
    assert.match(refused.stderr, /^keepa-deals: already running: process \d+ .*\n$/);
    const standby = place.start(['start'], env);
    await standby.until(/"event":"standby"/);
    assert.equal((await status()).report.pid, first.child.pid);
    assert.equal((await stop(first)).code, 0);
    await standby.until(/"event":"pass"/);
    assert.equal((await stop(standby)).code, 0);
  });

  test('a second signal ends it at once, also while Keepa owes an answer', async () => {
    const mute = createServer();
    const asked = once(mute, 'request');
    await new Promise<void>((resolve) => void mute.listen(0, '127.0.0.1', resolve));
    const address = mute.address();
    assert.ok(typeof address === 'object' && address !== null);
    const url = `http://127.0.0.1:${address.port}`;
    const env = { KEEPA_DEALS_KEEPA_URL: url, KEEPA_API_KEY: key };
    const daemon = place.start(['start'], env);
    await asked;
    daemon.child.kill('SIGTERM');
    await daemon.until(/"event":"stopping"/);
    const { code, stderr } = await stop(daemon, 'SIGINT');
    mute.closeAllConnections();
    mute.close();
    assert.equal(code, 1);
    assert.match(stderr, /"event":"stop-forced","why":"a second SIGINT"/);
  });
});

describe('what ends it before it begins', limits, () => {
  test('a key that Keepa refuses: 77, one line, and the key is not in it', async () => {
    const env = { ...(await keepa()), KEEPA_API_KEY: 'wr0ng0123456789wr0ng0123456789' };
    const { code, stdout, stderr } = await place.run(['start', '--log-level', 'error'], env);
    assert.equal(code, 77, stderr);
    assert.equal(stdout, '');
    const talk = stderr.split('\n').filter((line) => line.startsWith('keepa-deals: '));
    assert.equal(talk.length, 1, stderr);
    assert.match(talk[0] ?? '', /Keepa refuses the key/);
    assert.doesNotMatch(stderr, /wr0ng/);
  });

  test('a database of a newer version: 78, and it is left as it was', async () => {
    const env = await keepa('--rate', '60');
    const daemon = place.start(['start'], env);
    await daemon.until(sweepDone);
    await stop(daemon);
    const { default: SqliteFile } = await import('better-sqlite3');
    const path = join(place.path('data'), 'deals.sqlite');
    const file = new SqliteFile(path);
    file.exec("insert into schema_migrations (name, timestamp) values ('9999-later', '')");
    file.close();
    const before = readFileSync(path);
    const { code, stderr } = await place.run(['start', '--log-level', 'error'], env);
    assert.equal(code, 78, stderr);
    assert.equal(stderr.split('\n').length, 2, stderr);
    assert.match(stderr, /run the newer version of keepa-deals again/);
    assert.deepEqual(readFileSync(path), before);
    rmSync(path);
  });
});
