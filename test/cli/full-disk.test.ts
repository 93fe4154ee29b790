/**
 * Goal: while nothing can be stored, no token is spent, reading goes on, `status` says why and
 * exits 3; and all is well again by itself once there is room. Method: the real daemon on a small
 * file system of its own that is filled to the last byte, against a simulated Keepa that counts.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import type { StatusReport } from '../../src/status/report-fields.ts';
import { type Ended, Place } from './run-cli.ts';
import { WatchedKeepa } from './watched-keepa.ts';

/** Room for the start and some pages of 150 rows. */
const size = 'size=4m';

function fill(path: string): void {
  const block = Buffer.alloc(4_096);
  for (;;) {
    try {
      appendFileSync(path, block);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      return;
    }
  }
}

class Watched {
  readonly place: Place;
  readonly env: Record<string, string>;
  constructor(place: Place, env: Record<string, string>) {
    this.place = place;
    this.env = env;
  }

  async status(): Promise<{ report: StatusReport; ended: Ended }> {
    const ended = await this.place.run(['status', '--json'], this.env);
    return { report: JSON.parse(ended.stdout), ended };
  }

  /** The first report of which it is true; at most a minute and a half of them. */
  async until(
    isSo: (report: StatusReport) => boolean,
  ): Promise<{ report: StatusReport; ended: Ended }> {
    const clock = systemClock();
    const givenUpMs = clock.monotonic() + 90_000;
    for (;;) {
      const seen = await this.status();
      if (isSo(seen.report)) return seen;
      assert.ok(clock.monotonic() < givenUpMs, `${seen.report.state}: ${seen.report.reason}`);
    }
  }
}

test('a full disk stops the spending, is said, and is got over', async (t) => {
  const place = new Place();
  const data = place.path('data');
  mkdirSync(data);
  const mounted = spawnSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', data]);
  if (mounted.status !== 0) {
    await place.remove();
    t.skip('only root may mount a small file system');
    return;
  }
  const keepa = await WatchedKeepa.start({ rows: 600, ratePerMinute: 60 });
  try {
    place.write(
      'keepa-deals.toml',
      `data_dir = "data"
      [[feeds]]
      name = "used"
      domain = "com"
      selection = { priceTypes = [2], dateRange = 3 }`,
    );
    const watched = new Watched(place, keepa.env);
    const daemon = place.start(['start', '--json'], keepa.env);
    await watched.until(({ deals }) => deals.total > 0);
    fill(place.path('data/ballast'));
    const { report, ended } = await watched.until(({ state }) => state === 'degraded');
    const bought = keepa.bought.length;
    assert.equal(ended.code, 3);
    assert.match(report.reason, /full/);
    const { code, stdout } = await place.run(['deals', '--state', 'all', '--format', 'ndjson']);
    assert.equal(code, 0, 'what is stored can be read');
    assert.ok(stdout.split('\n').length > report.deals.total, 'every row of it');
    await watched.until(({ state }) => state === 'degraded');
    assert.equal(keepa.bought.length, bought, 'nothing is bought meanwhile');
    rmSync(place.path('data/ballast'));
    const healed = await watched.until(({ state }) => state === 'running' || state === 'waiting');
    assert.equal(healed.ended.code, 0);
    await keepa.next(bought);
    daemon.child.kill('SIGTERM');
    assert.equal((await daemon.ended).code, 0);
    const { report: last } = await watched.status();
    assert.ok(last.deals.total >= report.deals.total, 'no row is lost');
  } finally {
    await place.remove().catch(() => undefined);
    spawnSync('/usr/bin/umount', ['--lazy', data]);
    rmSync(place.directory, { recursive: true, force: true });
    await keepa.close();
  }
});
