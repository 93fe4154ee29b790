/**
 * Goal: the commands that change something do it through the running daemon when there is one, and
 * as the only writer when there is none; never beside it. Method: the real daemon as a process
 * against a simulated Keepa over HTTP, and the commands as a person would type them.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { DealWriter } from '../../src/store/ports.ts';
import { books, fillJudgedStore, japan, verifiedAsin } from './judged-store.ts';
import { type Ended, Place, type Running } from './run-cli.ts';

const key = 'k3y0123456789k3y0123456789k3y0123456789';
const feeds = `
[[feeds]]
name = "used-books"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
[feeds.screen]
min_percent_below_average = 50
`;
const toml = `data_dir = "data"\n${feeds}`;
/** Nothing earns so much: every accepted row becomes a rejected one. */
const greedy = `data_dir = "data"\n[acceptance]\nmin_profit_cents = 99999999\n${feeds}`;
const limits = { timeout: 300_000 };

let place: Place;
beforeEach(() => {
  place = new Place();
  place.write('keepa-deals.toml', toml);
});
afterEach(() => place.remove());

async function keepa(...args: string[]): Promise<Record<string, string>> {
  const market = ['--port', '0', '--rows', '12', '--rate', '600', '--key', key];
  const running = place.start(['simulate', '--json', '--latency', '5', ...market, ...args]);
  const [, url = ''] = await running.until(/"url":"([^"]+)"/);
  return { KEEPA_DEALS_KEEPA_URL: url, KEEPA_API_KEY: key };
}

/**
 * A daemon whose analyst has judged what a sweep found. It is in its second life: then there are
 * candidates already when the analyst first looks, and nobody waits for its next look.
 */
async function judgingDaemon(env: Record<string, string>): Promise<Running> {
  await stop(await sweptDaemon(env));
  const daemon = place.start(['start', '--no-standby'], env);
  await daemon.until(/"scope":"analyst","event":"pass".*"stage":"(?:fresh|verify)"/);
  return daemon;
}

/** One that has swept once; nothing is judged yet. */
async function sweptDaemon(env: Record<string, string>): Promise<Running> {
  const daemon = place.start(['start', '--no-standby'], env);
  await daemon.until(/"scope":"backfiller","event":"pass","outcome":"done","pages":0(?!,"why")/);
  return daemon;
}

/** One that is at work, with or without tokens. */
async function anyDaemon(env: Record<string, string>): Promise<Running> {
  const daemon = place.start(['start', '--no-standby'], env);
  await daemon.until(/"scope":"janitor","event":"pass"/);
  return daemon;
}

async function stop(daemon: Running): Promise<Ended> {
  daemon.child.kill('SIGTERM');
  return daemon.ended;
}

async function filledData(more?: (writer: DealWriter) => Promise<void>): Promise<void> {
  mkdirSync(place.path('data'));
  await fillJudgedStore(place.path('data/deals.sqlite'), more);
}

function assertOneLine({ code, stdout, stderr }: Ended, expected: number, line: RegExp): void {
  assert.equal(code, expected, stderr);
  assert.equal(stdout, '');
  assert.equal(stderr.split('\n').length, 2, stderr);
  assert.match(stderr, line);
  assert.doesNotMatch(stderr, /\n\s+at |\.ts:\d/);
}

async function accepted(): Promise<string[]> {
  const { stdout } = await place.run(['deals', '--format', 'ndjson']);
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).asin]));
}

describe('through the daemon', limits, () => {
  test('rejudge, why --refresh and tokens work on a live one, and cost what they say', async () => {
    const daemon = await judgingDaemon(await keepa());
    const [asin = ''] = await accepted();
    assert.notEqual(asin, '');

    const spentBefore = JSON.parse((await place.run(['tokens', '--json'])).stdout);
    const rejudged = await place.run(['deals', 'rejudge', '--json']);
    assert.equal(rejudged.code, 0, rejudged.stderr);
    const { judged, complete } = JSON.parse(rejudged.stdout);
    assert.ok(judged > 0);
    assert.equal(complete, true);
    assert.match(rejudged.stderr, /by the rules that the daemon works by/);

    const asked = await place.run(['why', asin, '--refresh']);
    assertOneLine(
      asked,
      2,
      /anew costs about [\d.]+ tokens? .*nobody can be asked here; say --yes/,
    );

    const bought = await place.run(['why', asin, '--refresh', '--yes', '--json']);
    assert.equal(bought.code, 0, bought.stderr);
    assert.match(bought.stderr, /^buying \S+ anew costs about 1 token .*\n/);
    assert.match(bought.stderr, /queued; waiting until .* at the latest/);
    assert.match(bought.stderr, /it cost 1 token\n/);
    const [latest] = JSON.parse(bought.stdout)
      .past.filter(({ kind }: { kind: string }) => kind === 'bought')
      .slice(-1);
    assert.equal(latest.costTokens, 1);

    const verified = await place.run(['why', asin, '--refresh', '--verify', '--yes']);
    assert.equal(verified.code, 0, verified.stderr);
    assert.match(verified.stderr, /it cost (?:[6-9]|1\d) tokens/);

    const spent = JSON.parse((await place.run(['tokens', '--json'])).stdout);
    assert.equal(spent.classes.interactive.requests, 2);
    assert.equal(spent.refillRate, 600);
    assert.equal(spent.unexplainedTokens, 0);
    assert.equal(spentBefore.classes.interactive.requests, 0, 're-judging asked for nothing');
    const ended = await stop(daemon);
    assert.equal(ended.code, 0);
    for (const { stdout, stderr } of [rejudged, asked, bought, verified, ended]) {
      assert.ok(!`${stdout}${stderr}`.includes(key));
    }
  });

  test('a row that its feed turned down is not bought, and why is said', async () => {
    place.write('keepa-deals.toml', toml.replace('= 50', '= 99'));
    const daemon = await sweptDaemon(await keepa());
    const all = await place.run(['deals', '--state', 'rejected', '--format', 'ndjson']);
    const [asin] = all.stdout
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
    assert.match(asin.reason, /^screen:/);
    const { code, stderr } = await place.run(['why', asin.asin, '--refresh', '--yes']);
    assert.equal(code, 69);
    assert.match(stderr, /the daemon: its feed turns the row down \(screen:[a-z-]+\)/);
    const { stdout } = await place.run(['tokens', '--json']);
    assert.equal(JSON.parse(stdout).classes.interactive.requests, 0);
    assert.equal((await stop(daemon)).code, 0);
  });

  test('while it waits for tokens the bound is said, and its stop ends the waiting', async () => {
    const env = await keepa('--rate', '5', '--tokens', '3');
    await filledData();
    const daemon = await anyDaemon(env);
    const asking = place.start(['why', verifiedAsin, '--refresh', '--verify', '--yes'], env);
    await asking.until(/queued; waiting until/);
    daemon.child.kill('SIGTERM');
    const { code, stderr } = await asking.ended;
    assert.equal(code, 69, stderr);
    assert.match(stderr, /the daemon: it was told to stop|did not answer to the end/);
    assert.equal((await daemon.ended).code, 0);
  });

  test('one that hangs is not written beside', async () => {
    const daemon = await anyDaemon(await keepa());
    daemon.child.kill('SIGSTOP');
    const refused = await place.run(['deals', 'rejudge']);
    assertOneLine(refused, 75, /the deals database: the daemon hangs: no answer/);
    const notBought = await place.run(['why', verifiedAsin, '--refresh', '--yes']);
    assert.equal(notBought.code, 1, 'never seen in this market');
    daemon.child.kill('SIGCONT');
    assert.equal((await stop(daemon)).code, 0);
  });
});

describe('without a daemon', limits, () => {
  test('rejudge does it itself, says what changed, and leaves the lease free', async () => {
    await filledData();
    const before = await accepted();
    assert.ok(before.includes(verifiedAsin));
    place.write('greedy.toml', greedy);
    const changed = await place.run(['deals', 'rejudge', '--config', 'greedy.toml']);
    assert.match(
      changed.stdout,
      /^2 rows judged again, 1 of them changed\n {2}accepted -> rejected: 1\n/,
    );
    assert.match(changed.stdout, /1 rows have evidence that cannot be read/);
    assert.equal(changed.code, 1, 'one row could not be judged');
    assert.ok(!(await accepted()).includes(verifiedAsin));

    const env = { KEEPA_API_KEY: key };
    const back = await place.run(['deals', 'rejudge', '--json'], env);
    const { judged, unreadable, changes } = JSON.parse(back.stdout);
    assert.deepEqual([judged, unreadable], [2, 0], 'what could not be read was forgotten');
    assert.deepEqual(changes, [{ from: 'rejected', to: 'accepted', rows: 2 }]);
    assert.ok((await accepted()).includes(verifiedAsin));

    const daemon = await anyDaemon(await keepa());
    assert.equal((await stop(daemon)).code, 0);
  });

  test('another writer that nobody can ask keeps it out, with and without the key', async () => {
    const env = await keepa();
    const daemon = await anyDaemon(env);
    // Its socket is gone, as with another data directory's name for it: only the lease speaks.
    const { unlinkSync } = await import('node:fs');
    unlinkSync(place.path('data/control.sock'));
    for (const given of [{}, { KEEPA_API_KEY: key }, { KEEPA_API_KEY: 'another0123456789' }]) {
      const refused = await place.run(['deals', 'rejudge'], given);
      assertOneLine(refused, 75, /the deals database: process \d+ on host \S+ holds it/);
    }
    assert.equal((await stop(daemon)).code, 0, 'and it was not disturbed');
    const done = await place.run(['deals', 'rejudge']);
    assert.equal(done.code, 0, done.stderr);
  });

  test('a killed daemon keeps nobody out', async () => {
    const daemon = await anyDaemon(await keepa());
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    const { code, stdout } = await place.run(['deals', 'rejudge']);
    assert.equal(code, 0);
    assert.match(stdout, /^\d+ rows judged again/);
  });

  test('without a database there is nothing to judge, and none is made', async () => {
    assertOneLine(await place.run(['deals', 'rejudge']), 78, /does not exist/);
    assertOneLine(await place.run(['deals', 'confirm-held', '--yes']), 78, /does not exist/);
    assert.ok(!existsSync(place.path('data')));
  });
});

describe('held rows', limits, () => {
  /** No sweep lists them any more, and their time is up: all are due at once, which is too much. */
  const holdAll = async (writer: DealWriter): Promise<void> => {
    const atMs = Date.now() + 1_000;
    for (const feed of [books, japan]) {
      const { number } = await writer.beginSweep(feed, { atMs, plannedMs: 60_000 });
      const sweep = { number, page: 0, ends: 'complete' } as const;
      await writer.storePage({ feed, rows: [], seenAtMs: atMs, sweep });
    }
    await writer.addHealthyTime({ ms: 1_000_000, asOfMs: atMs });
    const { counts } = await writer.endRows({
      atMs,
      ttlHealthyMs: 1,
      endedPartMax: 0.2,
      suspendedFeeds: [],
      partialFeeds: [],
      retentionMs: 1_000_000,
    });
    assert.ok(counts.held > 0, JSON.stringify(counts));
  };

  test('they are hidden until asked for, counted, and let go by a yes alone', async () => {
    await filledData(holdAll);
    const hidden = await place.run(['deals', '--state', 'all']);
    assert.match(hidden.stderr, /none passes the filters \(5 rows are held; --held shows them/);
    const shown = await place.run(['deals', '--state', 'all', '--held', '--format', 'ndjson']);
    const records = shown.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(new Set(records.map(({ held }) => held)), new Set([true]));
    assert.match((await place.run(['why', verifiedAsin])).stdout, /accepted \(held: it would end/);

    const asked = await place.run(['deals', 'confirm-held']);
    assertOneLine(asked, 2, /5 held rows would end: nobody can be asked here; say --yes/);
    const done = await place.run(['deals', 'confirm-held', '--yes', '--json']);
    assert.equal(done.code, 0, done.stderr);
    assert.equal(done.stderr, '5 held rows would end\n');
    assert.deepEqual(JSON.parse(done.stdout), { schema: 1, confirmed: 5 });
  });

  test('the running daemon takes the yes as well', async () => {
    await filledData(holdAll);
    const daemon = await anyDaemon(await keepa());
    const done = await place.run(['deals', 'confirm-held', '--yes']);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /^5 held rows may end in the daemon's next round\n$/);
    await daemon.until(/"event":"held-confirmed","rows":5/);
    assert.equal((await stop(daemon)).code, 0);
  });

  const script = '/usr/bin/script';
  const skip = existsSync(script) ? false : 'there is no script(1) to make a terminal with';
  test('a person at a terminal is asked, and only y is a yes', { skip }, async () => {
    await filledData(holdAll);
    for (const [answer, code] of [
      ['n', 1],
      ['', 1],
      ['y', 0],
    ] as const) {
      const { said, ended } = await atTerminal(script, answer);
      assert.match(said, /5 held rows would end/);
      assert.match(said, /Go on\? \[y\/N\]/);
      assert.equal(ended, code, said);
      assert.match(said, code === 0 ? /5 held rows may end/ : /nothing was changed/);
    }
  });

  async function atTerminal(
    path: string,
    answer: string,
  ): Promise<{ readonly said: string; readonly ended: number }> {
    const { execFile } = await import('node:child_process');
    const main = new URL('../../src/main.ts', import.meta.url).pathname;
    const command = `${process.execPath} ${main} deals confirm-held`;
    const args = ['-qec', command, place.path('typescript')];
    return new Promise((resolve) => {
      const env = { HOME: place.directory, PATH: process.env.PATH ?? '', TERM: 'dumb' };
      const child = execFile(path, args, { cwd: place.directory, env }, (error) => {
        const said = readFileSync(place.path('typescript'), 'utf8');
        resolve({ said, ended: error === null ? 0 : Number(error.code) });
      });
      let heard = '';
      child.stdout?.on('data', (text) => {
        const isAsked = !heard.includes('[y/N]') && `${heard}${text}`.includes('[y/N]');
        heard += text;
        if (isAsked) child.stdin?.end(`${answer}\n`);
      });
    });
  }
});
