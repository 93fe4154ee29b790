/**
 * Goal: a database that was restored from an old backup, beside leases and checkpoints of today,
 * is started on like any other: under a higher fence than any before, from its own cursor, so that
 * work is repeated and none skipped. Method: real processes, for each place of the coordination.
 */
import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { openStore } from '../../src/store/open-store.ts';
import type { Sweep } from '../../src/store/ports.ts';
import { RedisServer, withoutRedis } from '../coordination/redis-process.ts';
import { Place, type Running } from './run-cli.ts';
import { WatchedKeepa } from './watched-keepa.ts';

const toml = `
data_dir = "data"
[[feeds]]
name = "used-books"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
# Nothing is accepted, so that no slow live offers are bought between the pages.
[acceptance]
min_profit_cents = 100000000
`;

class Operator {
  readonly place = new Place();
  readonly #env: Readonly<Record<string, string>>;

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
    this.place.write('keepa-deals.toml', toml);
  }

  start(): Running {
    return this.place.start(['start', '--json'], this.#env);
  }

  /** The fence of the lease under which is written; notes of passes have fences of their own. */
  async fence(): Promise<number> {
    const { stdout } = await this.place.run(['locks', 'list', '--json'], this.#env);
    const locks: { name: string; fence: number }[] = JSON.parse(stdout).locks;
    const own = locks.filter(({ name }) => name === 'data-dir' || name.startsWith('daemon-'));
    return Math.max(...own.map(({ fence }) => fence));
  }

  backUp(): void {
    copyFileSync(this.place.path('data/deals.sqlite'), this.place.path('backup'));
  }

  restore(): void {
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(this.place.path(`data/deals.sqlite${suffix}`), { force: true });
    }
    copyFileSync(this.place.path('backup'), this.place.path('data/deals.sqlite'));
  }

  async sweep(): Promise<Sweep> {
    const store = await openStore({ path: this.place.path('data/deals.sqlite'), mode: 'read' });
    try {
      const [feed] = await store.reader.feeds();
      assert.ok(feed?.sweep !== undefined, 'a sweep is under way');
      return feed.sweep;
    } finally {
      await store.close();
    }
  }
}

const stored = (page: number): RegExp =>
  new RegExp(`"scope":"backfiller","event":"pass"[^\\n]*"page":${page},`);

async function restoreBetween(operator: Operator, keepa: WatchedKeepa): Promise<void> {
  const first = operator.start();
  await first.until(stored(1));
  first.child.kill('SIGTERM');
  assert.equal((await first.ended).code, 0);
  const old = await operator.sweep();
  operator.backUp();
  const second = operator.start();
  await second.until(stored(old.nextPage + 1));
  const fence = await operator.fence();
  second.child.kill('SIGKILL');
  await second.ended;
  operator.restore();
  const boughtBefore = keepa.bought.length;
  const third = operator.start();
  await third.until(stored(old.nextPage));
  assert.ok((await operator.fence()) > fence, 'a fence above every earlier one');
  third.child.kill('SIGTERM');
  const ended = await third.ended;
  assert.equal(ended.code, 0, ended.stderr);
  assert.doesNotMatch(ended.stderr, /"level":"error"/);
  const pages = keepa.bought.slice(boughtBefore).flatMap(({ sweepPage }) => sweepPage ?? []);
  assert.equal(pages[0], old.nextPage, 'the page after the last that the restored file holds');
  assert.equal((await operator.sweep()).number, old.number);
}

describe('a database restored from before today’s leases and checkpoints is gone on with', () => {
  test('in the data directory', { timeout: 300_000 }, async () => {
    const keepa = await WatchedKeepa.start({ rows: 2_000, ratePerMinute: 60 });
    const operator = new Operator(keepa.env);
    try {
      await restoreBetween(operator, keepa);
    } finally {
      await operator.place.remove();
      await keepa.close();
    }
  });

  test('in a Redis', { skip: withoutRedis, timeout: 300_000 }, async () => {
    const redis = await RedisServer.start({ persistence: 'aof' });
    const keepa = await WatchedKeepa.start({ rows: 2_000, ratePerMinute: 60 });
    const operator = new Operator({ ...keepa.env, KEEPA_DEALS_REDIS_URL: redis.url });
    try {
      await restoreBetween(operator, keepa);
    } finally {
      await operator.place.remove();
      await keepa.close();
      await redis.remove();
    }
  });
});
