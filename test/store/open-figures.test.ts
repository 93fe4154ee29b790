/**
 * Goal: a dead daemon's figures are those that a living one would report. Method: one filled
 * database, read on both ways.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openFigures } from '../../src/store/open-figures.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { FigureReader } from '../../src/store/ports.ts';
import { feed, fillStore, fullRow, request, run, seenAtMs } from '../cli/filled-store.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-figures-'));
  path = join(directory, 'deals.sqlite');
});
afterEach(() => rmSync(directory, { recursive: true }));

const allOf = (reader: FigureReader): Promise<readonly unknown[]> =>
  Promise.all([
    reader.countByState(),
    reader.heldRows(),
    reader.judgingTotals(),
    reader.gaps(),
    reader.feeds(),
    reader.freshness(seenAtMs + 1_000),
    reader.spentSince(seenAtMs - 1),
    reader.lastAnswered(),
    reader.recentRequests(5),
    reader.lastRun(),
    reader.runsSince(0),
  ]);

test('the bare file tells the same figures as the store', async () => {
  await fillStore(path, async (writer) => {
    await writer.openGap({ feed: feed.name, fromMs: seenAtMs - 5_000 });
    await writer.recordRequest({ ...request, outcome: 'unavailable', why: 'HTTP 500' });
    await writer.recordRun({ ...run, stoppedAtMs: seenAtMs, stopReason: 'SIGTERM' });
    await writer.splitPriceBand(feed, { lowCents: 0, highCents: 9_999 });
    await writer.beginSweep(feed, { atMs: seenAtMs, plannedMs: 60_000 });
  });
  const store = await openStore({ path, mode: 'read' });
  const { figures, close } = await openFigures(path);
  const [counts, , , gaps, feeds] = await allOf(figures);
  assert.deepEqual(await allOf(figures), await allOf(store.reader));
  assert.deepEqual(counts, {
    total: 2,
    candidate: 1,
    accepted: 0,
    rejected: 1,
    insufficient: 0,
    ended: 0,
  });
  assert.deepEqual(
    [gaps, feeds].map((list) => Array.isArray(list) && list.length),
    [1, 1],
  );
  close();
  await store.close();
});

test('what is written after the opening belongs to the next report', async () => {
  await fillStore(path);
  const { figures, close } = await openFigures(path);
  const store = await openStore({ path, mode: 'write' });
  await store.writer(1).storePage({
    feed,
    rows: [{ row: { ...fullRow, asin: '0000000009' } }],
    seenAtMs,
  });
  assert.equal((await store.reader.countByState()).total, 3);
  assert.equal((await figures.countByState()).total, 2);
  close();
  await store.close();
});

test('no file and a newer schema are said as the store says them', async () => {
  await assert.rejects(openFigures(path), { name: 'StoreOpenError', reason: 'missing' });
  await fillStore(path);
  const store = await openStore({ path, mode: 'write' });
  await store.close();
  const { openForWriting } = await import('../../src/store/database.ts');
  const { sql } = await import('kysely');
  const { db, close } = openForWriting(path);
  await sql`insert into schema_migrations values ('9999-later', '2030')`.execute(db);
  await close();
  await assert.rejects(openFigures(path), { reason: 'newer-schema' });
});

test('status of a dead daemon loads neither kysely nor what only the daemon needs', async () => {
  await fillStore(path);
  const hook = `import { registerHooks } from 'node:module';
    const seen = new Set();
    registerHooks({ resolve(name, context, next) { seen.add(name); return next(name, context); } });
    process.on('exit', () => process.stderr.write([...seen].join('\\n')));`;
  const main = new URL('../../src/main.ts', import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(hook)}`,
      main,
      ...['status', '--json', '--data-dir', directory],
    ],
    { encoding: 'utf8', env: { HOME: directory } },
  );
  assert.equal(status, 3, stderr);
  assert.equal(JSON.parse(stdout).deals.total, 2);
  const loaded = new Set(stderr.split('\n'));
  assert.ok(loaded.has('better-sqlite3'), 'the hook sees what is loaded');
  for (const name of ['kysely', 'undici', 'hono', 'ioredis', 'p-queue', 'consola/basic']) {
    assert.ok(!loaded.has(name), name);
  }
});
