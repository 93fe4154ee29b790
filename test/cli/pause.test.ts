/**
 * Goal: `pause` and `resume` hold for real processes, with a daemon, without one and over its
 * death. Method: the real daemon against a simulated Keepa over HTTP, and the commands as a person
 * would type them; what was spent is read from the ledger, which Keepa's own balance checks.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fillJudgedStore } from './judged-store.ts';
import { Place, type Running } from './run-cli.ts';
import { smallMarket, toml } from './small-market.ts';

const limits = { timeout: 300_000 };

let place: Place;
beforeEach(() => {
  place = new Place();
  place.write('keepa-deals.toml', toml);
});
afterEach(() => place.remove());

async function json(...args: string[]) {
  const { code, stdout, stderr } = await place.run([...args, '--json']);
  return { code, stderr, report: JSON.parse(stdout === '' ? 'null' : stdout) };
}

async function kill(daemon: Running): Promise<void> {
  daemon.child.kill('SIGKILL');
  await daemon.ended;
}

describe('with a daemon', limits, () => {
  test('it stops spending, also in the life after a kill, until somebody resumes', async () => {
    const env = await smallMarket(place);
    const daemon = place.start(['start', '--no-standby'], env);
    await daemon.until(/"scope":"backfiller","event":"pass","outcome":"done","feed"/);
    const paused = await place.run(['pause', '--for', '2h', '--reason', 'a trip']);
    assert.equal(paused.code, 0, paused.stderr);
    assert.match(paused.stdout, /^paused until .*\(in 2 h 00 min\) \(a trip\): no token is spent/);
    await daemon.until(/"event":"paused".*"reason":"a trip"/);

    const { code, report } = await json('status');
    assert.equal(code, 0);
    assert.equal(report.state, 'paused');
    assert.equal(report.pause.reason, 'a trip');
    assert.equal(report.nextActionAt, report.pause.until);
    await kill(daemon);
    const before = (await json('tokens')).report;
    const dead = await json('status');
    assert.equal(dead.code, 3);
    assert.equal(dead.report.state, 'stopped');
    assert.deepEqual(dead.report.pause, report.pause);

    const heir = place.start(['start', '--no-standby'], env);
    await heir.until(/"scope":"janitor","event":"pass"/);
    await heir.until(/"event":"spending-stopped","cause":"paused"/);
    assert.deepEqual((await json('status')).report.pause, report.pause);
    const after = (await json('tokens')).report;
    assert.equal(after.requests, before.requests);
    assert.deepEqual(after.classes, before.classes);
    const refused = await place.run(['why', 'B000000001', '--refresh', '--yes', '--domain', 'com']);
    assert.notEqual(refused.code, 0);

    const resumed = await place.run(['resume']);
    assert.match(resumed.stdout, /^resumed; it was paused .* ago\n$/);
    await heir.until(/"event":"spending-resumed","cause":"paused"/);
    await heir.until(/"scope":"upserter","event":"pass","outcome":"done"/);
    assert.equal((await json('status')).report.pause, null);
    assert.equal((await place.run(['resume'])).stdout, 'it was not paused\n');
  });
});

describe('without a daemon', limits, () => {
  beforeEach(async () => {
    mkdirSync(place.path('data'));
    await fillJudgedStore(place.path('data/deals.sqlite'));
  });

  test('it is written down for the next one', async () => {
    const { code, report, stderr } = await json('pause', '--until', '2999-01-01T00:00:00+01:00');
    assert.equal(code, 0, stderr);
    assert.equal(report.schema, 1);
    assert.equal(report.pause.until, '2998-12-31T23:00:00.000Z');
    const daemon = place.start(['start', '--no-standby'], await smallMarket(place));
    await daemon.until(/"event":"paused","since".*"isRemembered":true/);
    daemon.child.kill('SIGTERM');
    assert.equal((await daemon.ended).code, 0);
    const ended = (await json('resume')).report;
    assert.deepEqual([ended.pause, ended.ended.until], [null, report.pause.until]);
    assert.equal((await json('status')).report.pause, null);
  });

  test('what makes no sense is refused with 2, and nothing is written', async () => {
    const wrong = [
      ['--for', '2'],
      ['--for', '0s'],
      ['--until', 'tomorrow'],
      ['--until', '2026-01-01T00:00:00'],
      ['--until', '2020-01-01T00:00:00Z'],
      ['--for', '2h', '--until', '2999-01-01T00:00:00Z'],
      ['--reason', 'two\nlines'],
      ['--reason', 'x'.repeat(201)],
    ];
    for (const args of wrong) {
      const { code, stdout, stderr } = await place.run(['pause', ...args]);
      assert.equal(code, 2, args.join(' '));
      assert.equal(stdout, '');
      assert.doesNotMatch(stderr, /\n\s+at |\.ts:\d/);
    }
    assert.equal((await json('status')).report.pause, null);
  });
});
