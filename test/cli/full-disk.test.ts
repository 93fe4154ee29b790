/**
 * Goal: while nothing can be stored, no token is spent, reading goes on, `status` says why and
 * exits 3; and all is well again by itself once there is room. Method: the real daemon on a small
 * file system of its own that is filled to the last byte, against a simulated Keepa that counts.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
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

/** A place whose data directory is a small file system of its own, and a Keepa that counts. */
class SmallDisk {
  readonly place: Place;
  readonly keepa: WatchedKeepa;
  readonly watched: Watched;
  readonly #data: string;

  private constructor(place: Place, data: string, keepa: WatchedKeepa) {
    this.place = place;
    this.keepa = keepa;
    this.#data = data;
    this.watched = new Watched(place, keepa.env);
  }

  /** Undefined where one may not mount, and the test is skipped. */
  static async mount(t: TestContext): Promise<SmallDisk | undefined> {
    const place = new Place();
    const data = place.path('data');
    mkdirSync(data);
    const mounted = spawnSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', data]);
    if (mounted.status !== 0) {
      await place.remove();
      t.skip('only root may mount a small file system');
      return undefined;
    }
    const keepa = await WatchedKeepa.start({ rows: 600, ratePerMinute: 60 });
    place.write('keepa-deals.toml', toml);
    return new SmallDisk(place, data, keepa);
  }

  fill(): void {
    fill(join(this.#data, 'ballast'));
  }

  free(): void {
    rmSync(join(this.#data, 'ballast'));
  }

  async remove(): Promise<void> {
    await this.place.remove().catch(() => undefined);
    spawnSync('/usr/bin/umount', ['--lazy', this.#data]);
    rmSync(this.place.directory, { recursive: true, force: true });
    await this.keepa.close();
  }
}

const toml = `data_dir = "data"
[[feeds]]
name = "used"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }`;

test('a full disk stops the spending, is said, and is got over', async (t) => {
  const disk = await SmallDisk.mount(t);
  if (disk === undefined) return;
  try {
    const { place, keepa, watched } = disk;
    const daemon = place.start(['start', '--json'], keepa.env);
    await watched.until(({ deals }) => deals.total > 0);
    disk.fill();
    const { report, ended } = await watched.until(({ state }) => state === 'degraded');
    const bought = keepa.bought.length;
    assert.equal(ended.code, 3);
    assert.match(report.reason, /full/);
    const { code, stdout } = await place.run(['deals', '--state', 'all', '--format', 'ndjson']);
    assert.equal(code, 0, 'what is stored can be read');
    assert.ok(stdout.split('\n').length > report.deals.total, 'every row of it');
    await watched.until(({ state }) => state === 'degraded');
    assert.equal(keepa.bought.length, bought, 'nothing is bought meanwhile');
    disk.free();
    const healed = await watched.until(({ state }) => state === 'running' || state === 'waiting');
    assert.equal(healed.ended.code, 0);
    await keepa.next(bought);
    daemon.child.kill('SIGTERM');
    assert.equal((await daemon.ended).code, 0);
    const { report: last } = await watched.status();
    assert.ok(last.deals.total >= report.deals.total, 'no row is lost');
  } finally {
    await disk.remove();
  }
});

/**
 * How the life before has ended, and so what of its files is there for the next; and what it then
 * has no room for first.
 */
const before: readonly {
  readonly name: string;
  readonly how?: NodeJS.Signals;
  readonly isTemporaryFull?: boolean;
  readonly event: string;
}[] = [
  { name: 'no life before', event: 'lease-store-away' },
  { name: 'after a stop', how: 'SIGTERM', event: 'lease-store-away' },
  { name: 'after a kill', how: 'SIGKILL', event: '(lease-store-away|database-full)' },
  { name: 'and /tmp is on it', how: 'SIGTERM', isTemporaryFull: true, event: 'database-full' },
];

for (const { name, how, isTemporaryFull, event } of before) {
  test(`a start on a full disk waits, says so, and works then: ${name}`, async (t) => {
    const disk = await SmallDisk.mount(t);
    if (disk === undefined) return;
    try {
      const { place, keepa, watched } = disk;
      if (how !== undefined) {
        const first = place.start(['start', '--json'], keepa.env);
        await watched.until(({ deals }) => deals.total > 0);
        first.child.kill(how);
        await first.ended;
      }
      disk.fill();
      const bought = keepa.bought.length;
      const env = { ...keepa.env, ...(isTemporaryFull ? { TMPDIR: place.path('data') } : {}) };
      const heir = place.start(['start', '--json'], env);
      await heir.until(new RegExp(`"event":"${event}".* is full`));
      const { report, ended } = await watched.until(({ state }) => state === 'degraded');
      assert.equal(ended.code, 3);
      assert.match(report.reason, /disk under .* is full; waiting .*\d+ s$/);
      assert.equal(keepa.bought.length, bought, 'nothing is bought meanwhile');
      disk.free();
      const healed = await watched.until(({ state }) => state === 'running' || state === 'waiting');
      assert.equal(healed.ended.code, 0);
      await keepa.next(bought);
      heir.child.kill('SIGTERM');
      const { code, stderr } = await heir.ended;
      assert.equal(code, 0, stderr);
    } finally {
      await disk.remove();
    }
  });
}
