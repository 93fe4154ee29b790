/**
 * Goal: what the real process tells a service manager and does at SIGHUP. Method: child processes
 * against a simulated Keepa over HTTP, and a real datagram socket for NOTIFY_SOCKET.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { listenAt, noListener } from '../runtime/notify-listener.ts';
import { fillStore } from './filled-store.ts';
import { Place, type Running } from './run-cli.ts';

const key = 'k3y0123456789k3y0123456789k3y0123456789';

const selection = '{ priceTypes = [2], dateRange = 3 }';

function toml({ feeds = ['books'], more = '' } = {}): string {
  const sections = feeds.map(
    (name) => `[[feeds]]\nname = "${name}"\ndomain = "com"\nselection = ${selection}\n`,
  );
  return `data_dir = "data"\n${more}\n${sections.join('')}`;
}

let place: Place;
beforeEach(() => {
  place = new Place();
  place.write('keepa-deals.toml', toml());
});
afterEach(() => place.remove());

async function keepa(): Promise<Record<string, string>> {
  const running = place.start(['simulate', '--json', '--port', '0', '--rows', '40', '--key', key]);
  const [, url = ''] = await running.until(/"url":"([^"]+)"/);
  return { KEEPA_DEALS_KEEPA_URL: url, KEEPA_API_KEY: key };
}

/** Sends SIGHUP and resolves with the line that says what became of it. */
async function reload(daemon: Running): Promise<Record<string, unknown>> {
  const before = daemon.written.stderr.length;
  daemon.child.kill('SIGHUP');
  for (;;) {
    const lines = daemon.written.stderr.slice(before).split('\n');
    const line = lines.find((text) => /"event":"reload(ed|-refused|-failed)".*}$/.test(text));
    if (line !== undefined) return JSON.parse(line);
    const child = daemon.child.stderr;
    assert.ok(child !== null && daemon.child.exitCode === null, daemon.written.stderr);
    await once(child, 'data');
  }
}

const sweepDone = /"scope":"backfiller","event":"pass","outcome":"done","pages":0(?!,"why")/;
const limits = { timeout: 300_000 };

describe('a service manager', { ...limits, skip: noListener }, () => {
  test('hears of readiness, state, life, a reload and the end, and never of the key', async () => {
    const socket = place.path('notify.sock');
    const manager = await listenAt(socket);
    const watchdog = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1500000' };
    const daemon = place.start(['start', '--json'], { ...(await keepa()), ...watchdog });
    await manager.until(({ READY }) => READY === '1');
    const { STATUS = '' } = await manager.until(({ STATUS: text }) =>
      /^(run|wait)/.test(text ?? ''),
    );
    assert.match(STATUS, / \d+ of 1200 tokens; /);
    await manager.until(({ WATCHDOG }) => WATCHDOG === '1');
    const from = manager.messages.length;
    assert.equal((await reload(daemon)).event, 'reloaded');
    const { MONOTONIC_USEC } = await manager.until(({ RELOADING }) => RELOADING === '1', from);
    const bootMs = Number(process.hrtime.bigint() / 1_000_000n);
    assert.ok(Math.abs(Number(MONOTONIC_USEC) / 1_000 - bootMs) < limits.timeout);
    await manager.until(({ READY }) => READY === '1', from);
    daemon.child.kill('SIGTERM');
    const { code, stderr } = await daemon.ended;
    assert.equal(code, 0, stderr);
    await manager.until(({ STOPPING }) => STOPPING === '1', from);
    assert.deepEqual(Object.keys(manager.messages.at(-1) ?? {}), ['STOPPING', 'STATUS']);
    assert.ok(!JSON.stringify(manager.messages).includes(key));
    await manager.close();
  });
});

describe('SIGHUP', limits, () => {
  test('takes a new feed in, and costs and the log level, in the same process', async () => {
    const daemon = place.start(['start', '--json'], await keepa());
    await daemon.until(sweepDone);
    const more = 'log.level = "debug"\ncosts.prep_cents = 100\nhttp = 1';
    place.write('keepa-deals.toml', toml({ feeds: ['books', 'more'], more }));
    const said = await reload(daemon);
    assert.equal(said.event, 'reloaded');
    assert.equal(said.applied, 'feeds, costs, log');
    assert.equal(said.needsRestart, 'http');
    for (;;) {
      const { stdout } = await place.run(['status', '--json', '--data-dir', place.path('data')]);
      const { feeds, pid } = JSON.parse(stdout);
      assert.equal(pid, daemon.child.pid);
      const names = feeds.map(
        ({ name, lastSweepAt }: Record<string, unknown>) => lastSweepAt && name,
      );
      if (names.includes('more')) break;
    }
  });

  test('with a mistake in the file changes nothing, and says why in one line', async () => {
    const daemon = place.start(['start', '--json'], await keepa());
    await daemon.until(sweepDone);
    place.write('keepa-deals.toml', `${toml()}\n[acceptence]\nmin_profit_cents = 1\n`);
    const refused = await reload(daemon);
    assert.equal(refused.event, 'reload-refused');
    assert.match(String(refused.why), /acceptence: unknown key; did you mean acceptance\?$/);
    place.write('keepa-deals.toml', toml());
    const said = await reload(daemon);
    assert.equal(said.applied, 'nothing has changed');
    daemon.child.kill('SIGTERM');
    assert.equal((await daemon.ended).code, 0);
  });
});

test('a reader that has gone ends the command with 0 and without a word', limits, async () => {
  await fillStore(place.path('deals.sqlite'));
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const command = `"${process.execPath}" "${main}" deals --state all --data-dir .`;
  // By the time of the first write nobody reads any more.
  const child = spawn('sh', ['-c', `{ ${command}; echo "code $?" >&2; } | true`], {
    cwd: place.directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  await once(child, 'close');
  assert.equal(said, 'code 0\n');
});
