/**
 * Fencing a process off leaves everything but the fence as it is, in whatever schema it writes.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { fenceOff } from '../../src/store/fence-off.ts';
import { firstSchema } from '../../src/store/migrations/0001-first-schema.ts';
import { openStore } from '../../src/store/open-store.ts';
import { StaleFenceError } from '../../src/store/ports.ts';
import { books, startMs } from './store-fixture.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-fence-off-'));
  path = join(directory, 'deals.sqlite');
});
afterEach(() => rmSync(directory, { recursive: true }));

const life = { instance: 'owner', version: '1', pid: 1, startedAtMs: startMs };
const isWriter = (instance: string | undefined): boolean => instance === 'owner';

test('what the owner writes afterwards is refused, while its database is open', async () => {
  const store = await openStore({ path, mode: 'write' });
  try {
    const writer = store.writer(7);
    await writer.adoptFence();
    await writer.recordRun(life);
    assert.equal(await fenceOff({ path, fence: 7, isWriter }), 'fenced');
    await assert.rejects(writer.syncFeeds([books], startMs), StaleFenceError);
    assert.equal(await store.reader.newestFence(), 8);
  } finally {
    await store.close();
  }
});

test('who writes another database is not refused anything here', async () => {
  const store = await openStore({ path, mode: 'write' });
  try {
    const writer = store.writer(7);
    await writer.adoptFence();
    await writer.recordRun({ ...life, instance: 'somebody-else' });
    assert.equal(await fenceOff({ path, fence: 9, isWriter }), 'another');
    await writer.syncFeeds([books], startMs);
  } finally {
    await store.close();
  }
});

/** A database of the first version, with nothing but what that one made. */
async function firstVersion(): Promise<void> {
  const file = new SqliteFile(path);
  file.pragma('journal_mode = wal');
  file.pragma(`application_id = ${0x4b656570}`);
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: file }) });
  await firstSchema(db);
  file.exec(`
    create table schema_migrations (name text primary key, timestamp text not null);
    insert into schema_migrations values ('0001-first-schema', '');
    insert into runs (instance, version, pid, database_path, started_at_ms)
      values ('owner', '1', 1, '${path}', ${startMs});
    update fence set newest = 7;
  `);
  await db.destroy();
}

test('an older schema stays the older schema', async () => {
  await firstVersion();
  const look = () => {
    const file = new SqliteFile(path, { readonly: true });
    const tables = file.prepare('select name, sql from sqlite_schema order by name').all();
    const fence = file.prepare('select newest from fence').pluck().get();
    const steps = file.prepare('select name from schema_migrations').pluck().all();
    file.close();
    return { tables, fence, steps };
  };
  const before = look();
  assert.equal(await fenceOff({ path, fence: 7, isWriter }), 'fenced');
  assert.deepEqual(look(), { ...before, fence: 8 });
});

test('where there is no database none is made, and a newer one is refused', async () => {
  assert.equal(await fenceOff({ path, fence: 7, isWriter }), 'nothing');
  assert.ok(!existsSync(path));
  writeFileSync(path, '');
  assert.equal(await fenceOff({ path, fence: 7, isWriter }), 'nothing');
  rmSync(path);
  await firstVersion();
  const file = new SqliteFile(path);
  file.exec("insert into schema_migrations values ('9999-later', '')");
  file.close();
  await assert.rejects(fenceOff({ path, fence: 7, isWriter }), /its schema is newer: 9999-later/);
});
