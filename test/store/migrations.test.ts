/**
 * The schema's history: all or nothing, in order, once; also when several processes start at once.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { type Kysely, sql } from 'kysely';
import { openForWriting } from '../../src/store/database.ts';
import { migrate, type SchemaStep } from '../../src/store/migrations.ts';
import { openStore } from '../../src/store/open-store.ts';
import { TestStore, temporaryDirectory } from './store-fixture.ts';

const good: SchemaStep = {
  name: '0001-good',
  up: async (db: Kysely<unknown>) => {
    await sql`create table good (a integer) strict`.execute(db);
    await sql`insert into good values (1)`.execute(db);
  },
};
const failing: SchemaStep = {
  name: '0002-failing',
  up: async (db: Kysely<unknown>) => {
    await sql`create table half (a integer) strict`.execute(db);
    await sql`update good set a = 2`.execute(db);
    await sql`drop table nothing_of_that_name`.execute(db);
  },
};
const mended: SchemaStep = {
  name: failing.name,
  up: async (db: Kysely<unknown>) => {
    await sql`create table half (a integer) strict`.execute(db);
  },
};

function tablesOf(path: string): readonly unknown[] {
  const file = new SqliteFile(path);
  const names = file.prepare("select name from sqlite_schema where type = 'table'").pluck().all();
  file.close();
  return names.toSorted();
}

test('a step that fails takes back everything, and the next attempt starts clean', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'deals.sqlite');
  const { db, close } = openForWriting(path);
  await assert.rejects(migrate(db, path, [good, failing]), /nothing_of_that_name/);
  assert.deepEqual(tablesOf(path), []);
  await migrate(db, path, [good]);
  const before = tablesOf(path);
  await assert.rejects(migrate(db, path, [good, failing]), /nothing_of_that_name/);
  assert.deepEqual(tablesOf(path), before);
  assert.deepEqual((await sql`select a from good`.execute(db)).rows, [{ a: 1 }]);
  await migrate(db, path, [good, mended]);
  await migrate(db, path, [good, mended]);
  assert.deepEqual(tablesOf(path), [...before, 'half'].toSorted());
  await close();
  rmSync(directory, { recursive: true });
});

test('every table is STRICT and every CHECK holds against a write from outside', async () => {
  await using store = await TestStore.open();
  const tables = store.outside(
    "select name, strict from pragma_table_list where schema = 'main' and type = 'table'",
  );
  const lax = tables.filter((table) => Reflect.get(Object(table), 'strict') === 0);
  assert.deepEqual(lax.map((table) => String(Reflect.get(Object(table), 'name'))).toSorted(), [
    'schema_migrations',
    'schema_migrations_lock',
    'sqlite_schema',
  ]);
  const deal = (change: Readonly<Record<string, string>>) => {
    const columns: Readonly<Record<string, string>> = {
      asin: "'A1'",
      domain_id: '1',
      price_type: '2',
      feed_id: '1',
      state: "'candidate'",
      first_seen_at_ms: '1',
      last_seen_at_ms: '2',
      title: "'t'",
      ...change,
    };
    const names = Object.keys(columns).join(', ');
    return `insert into deals (${names}) values (${Object.values(columns).join(', ')})`;
  };
  const refused = [
    deal({ state: "'sold'" }),
    deal({ state: "'rejected'" }),
    deal({ state: "'insufficient'", judged_at_ms: '1' }),
    deal({ state: "'accepted'" }),
    deal({ reason: "'why'" }),
    deal({ price_cents: '12.5' }),
    deal({ price_cents: "'$12'" }),
    deal({ price_cents: '-1' }),
    deal({ list_at_cents: '-1' }),
    deal({ profit_cents: '0.5' }),
    deal({ trust: '1.5' }),
    deal({ title: 'null' }),
    deal({ asin: "''" }),
    deal({ feed_id: '99' }),
    deal({ last_seen_at_ms: '0' }),
    "update feeds set is_configured = 'yes'",
    'update fence set newest = -1',
    'insert into fence values (2, 9)',
    "insert into sweeps values (1, 1, 'q', 0, 0, 0, 0, 0, 5, null)",
    "insert into sweeps values (1, 1, 'q', 0, 0, 0, 0, 0, 5, 'lost')",
    'insert into listings values (1, 99, 0, 0, 0)',
  ];
  for (const statement of refused) {
    assert.throws(() => store.outside(statement), { code: /^SQLITE_CONSTRAINT/ }, statement);
  }
  store.outside(deal({ price_cents: '0', profit_cents: '-500' }));
  assert.equal((await store.reader.countByState()).total, 1);
});

test('two open sweeps of one feed cannot be', async () => {
  await using store = await TestStore.open();
  const open = (number: number) =>
    `insert into sweeps values (1, ${number}, 'q', 0, 0, 0, 0, 0, null, null)`;
  store.outside(open(1));
  assert.throws(() => store.outside(open(2)), { code: 'SQLITE_CONSTRAINT_UNIQUE' });
});

test('processes that open a new database at the same instant all get it', async () => {
  const script = `
    const { openStore } = await import(process.argv[2]);
    process.stdin.once('data', async () => {
      const store = await openStore({ path: process.argv[1], mode: 'write' });
      console.log(JSON.stringify(await store.reader.countByState()));
      await store.close();
      process.stdin.destroy();
    });
    console.log('ready');
  `;
  const module = join(import.meta.dirname, '../../src/store/open-store.ts');
  for (let round = 1; round <= 2; round += 1) {
    const directory = temporaryDirectory();
    const path = join(directory, 'deals.sqlite');
    const openers = [1, 2, 3].map(() => {
      const args = ['--input-type=module', '-e', script, path, module];
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      let output = '';
      const ready = new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk) => {
          output += String(chunk);
          if (output.includes('ready')) resolve();
        });
      });
      const ended = new Promise<string>((resolve) => child.once('close', () => resolve(output)));
      return { child, ready, ended };
    });
    await Promise.all(openers.map(({ ready }) => ready));
    for (const { child } of openers) child.stdin.end('go\n');
    for (const { ended } of openers) assert.match(await ended, /"total":0/);
    const store = await openStore({ path, mode: 'read' });
    await store.close();
    rmSync(directory, { recursive: true });
  }
});
