/**
 * A store that waits for the right to write: until then it changes nothing on the disk, and reads
 * what there is.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/ports.ts';
import { books, dealRow, pageOf, passing, startMs } from './store-fixture.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-waiting-'));
  path = join(directory, 'deals.sqlite');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A life that stored one row, under fence 7. */
async function live(instance: string): Promise<void> {
  const store = await openStore({ path, mode: 'write' });
  const writer = store.writer(7);
  await writer.adoptFence();
  await writer.syncFeeds([books], startMs);
  await writer.recordRun({ instance, version: '1', pid: 1, startedAtMs: startMs });
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  await store.close();
}

async function waiting<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ path, mode: 'wait' });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

test('where nothing is yet it reads as empty and makes no file, until it may write', async () => {
  await waiting(async (store) => {
    assert.equal((await store.reader.countByState()).total, 0);
    assert.deepEqual(
      [await store.reader.newestFence(), await store.reader.storeId()],
      [0, undefined],
    );
    assert.throws(() => store.writer(1), /not open for writing yet/);
    assert.ok(!existsSync(path));
    await store.prepareToWrite();
    await store.writer(1).adoptFence();
    assert.equal(await store.reader.newestFence(), 1);
  });
});

test('it reads what another one writes, and after that what it writes itself', async () => {
  await live('first-life');
  await waiting(async (store) => {
    assert.deepEqual(
      [await store.reader.newestFence(), await store.reader.storeId()],
      [7, 'first-life'],
    );
    await live('second-life');
    assert.equal((await store.reader.lastRun())?.instance, 'second-life');
    assert.equal(await store.reader.storeId(), 'first-life', 'the name of a database stays');
    await store.prepareToWrite();
    await store.writer(8).adoptFence();
    assert.equal(await store.reader.newestFence(), 8);
    assert.equal((await store.reader.countByState()).total, 1);
  });
});

test('an older schema is not upgraded by one who waits, and its fence is known', async () => {
  await live('first-life');
  const old = new SqliteFile(path);
  old.exec("delete from schema_migrations where name = '0003-judging'");
  old.pragma('wal_checkpoint(truncate)');
  old.close();
  const before = readFileSync(path);
  await waiting(async (store) => {
    assert.equal((await store.reader.countByState()).total, 0, 'what cannot be read is empty');
    assert.deepEqual(
      [await store.reader.newestFence(), await store.reader.storeId()],
      [7, 'first-life'],
    );
  });
  assert.ok(before.equals(readFileSync(path)), 'the file has changed');
});

test('what is no database of ours is refused at once', async () => {
  const other = new SqliteFile(path);
  other.exec('create table t (a)');
  other.close();
  await assert.rejects(openStore({ path, mode: 'wait' }), /database of another program/);
});

test('a raised fence refuses nothing that is under way, and everything older', async () => {
  const store = await openStore({ path, mode: 'write' });
  try {
    const writer = store.writer(1);
    await writer.adoptFence();
    await writer.syncFeeds([books], startMs);
    const pages = Array.from({ length: 20 }, (_, at) =>
      writer.storePage(pageOf(passing(dealRow(`A${at}`)))),
    );
    await Promise.all([...pages.slice(0, 10), writer.raiseFence(5), ...pages.slice(10)]);
    assert.equal((await store.reader.countByState()).total, 20);
    assert.equal(await store.reader.newestFence(), 5);
    await assert.rejects(store.writer(4).storePage(pageOf([])), /fence 5 has taken over/);
    await store.writer(6).adoptFence();
    await assert.rejects(writer.raiseFence(7), /fence 6 has taken over/);
    assert.equal(await store.reader.newestFence(), 6, 'nothing was raised');
  } finally {
    await store.close();
  }
});
