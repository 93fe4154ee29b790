/**
 * The write-ahead log stays bounded: tidying cuts it, and never waits for a reader to do so.
 */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { sql } from 'kysely';
import { openForWriting } from '../../src/store/database.ts';
import { batchOf, judgedDeal } from './judging-fixture.ts';
import { dealRow, pageOf, passing, TestStore } from './store-fixture.ts';

test('tidying cuts the log to nothing, as soon as nobody reads it', async () => {
  await using store = await TestStore.open();
  const { writer } = store;
  const asins = Array.from({ length: 500 }, (_, at) => `A${at}`);
  await writer.storePage(pageOf(passing(...asins.map((asin) => dealRow(asin)))));
  const logBytes = () => statSync(`${store.path}-wal`).size;
  assert(logBytes() > 100_000);
  const reader = new SqliteFile(store.path, { readonly: true });
  reader.exec('begin');
  reader.prepare('select count(*) from deals').get();
  await writer.storeJudgements(batchOf([judgedDeal('A1')]));
  assert.equal(await writer.tidy(), false);
  assert(logBytes() > 100_000);
  assert.deepEqual(
    reader.prepare("select state from deals where asin = 'A1'").pluck().get(),
    ['candidate'][0],
  );
  reader.exec('commit');
  reader.close();
  assert.equal(await writer.tidy(), true);
  assert.equal(logBytes(), 0);
  assert.equal((await store.reader.countByState()).accepted, 1);
  await writer.storeJudgements(batchOf([judgedDeal('A2')]));
  assert.equal((await store.reader.countByState()).accepted, 2);
});

test('after tidying the writer waits for others as before', async () => {
  await using store = await TestStore.open();
  const { db, foldLog, close } = openForWriting(store.path, { busyMs: 1_234 });
  const reader = new SqliteFile(store.path, { readonly: true });
  for (const act of ['begin', 'commit']) {
    reader.exec(act);
    reader.prepare('select count(*) from deals').get();
    await foldLog();
    const { rows } = await sql<{ timeout: number }>`pragma busy_timeout`.execute(db);
    assert.deepEqual(rows, [{ timeout: 1_234 }]);
  }
  reader.close();
  await close();
});
