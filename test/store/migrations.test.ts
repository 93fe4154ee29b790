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
import { firstSchema } from '../../src/store/migrations/0001-first-schema.ts';
import { priceBands } from '../../src/store/migrations/0002-price-bands.ts';
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

/** A row of nothing but what must be there, and `change`. */
function deal(change: Readonly<Record<string, string>>): string {
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
}

/** What no bug may write. */
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
  "insert into sweeps values (1, 1, 'q', 0, 0, 0, 0, 0, 5, null, 1)",
  "insert into sweeps values (1, 1, 'q', 0, 0, 0, 0, 0, 5, 'lost', 1)",
  'insert into listings values (1, 99, 0, 0, 0, 1)',
  deal({ seen_healthy_ms: '-1' }),
  deal({ attempts: '-1' }),
  deal({ retried_for: "'boredom'" }),
  deal({ marks: "'no json'" }),
  deal({ verified_at_ms: '1' }),
  deal({ landed_cents: '1' }),
  deal({ rechecked_at_ms: '1' }),
  deal({ is_hold_confirmed: '1' }),
  deal({ ended_at_ms: '1' }),
  deal({ state: "'ended'", held_at_ms: '1' }),
  "insert into past values (1, 1, 'A1', null, 1, 'history', 'judged', 't', null, null)",
  "insert into past values (1, 1, 'A1', 2, 1, 'history', 'bought', 't', null, 1)",
  "insert into past values (1, 1, 'A1', 2, 1, 'whim', 'judged', 't', null, null)",
  "insert into judging_counts values ('accepted', 'why', 1)",
  "insert into judging_counts values ('rejected', '', 1)",
  "insert into judging_counts values ('rejected', 'why', 0)",
  'insert into judging_processed values (2, 0)',
  'insert into healthy_time values (2, 0, null)',
  'update healthy_time set total_ms = -1',
  'insert into coverage_gaps values (99, 1, null)',
  'insert into pause values (2, 1, null, null)',
  'insert into pause values (1, 5, 5, null)',
  "insert into pause values (1, 1, null, '')",
  "insert into sellers values (1, '', 1, 1, null, null, null, null)",
  "insert into sellers values (1, 'S1', 1, 1, null, 101, null, null)",
];

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
  for (const statement of refused) {
    assert.throws(() => store.outside(statement), { code: /^SQLITE_CONSTRAINT/ }, statement);
  }
  store.outside(deal({ price_cents: '0', profit_cents: '-500' }));
  assert.equal((await store.reader.countByState()).total, 1);
});

test('rows of the second schema are there under the third, where they stood', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'deals.sqlite');
  const { db, close } = openForWriting(path);
  await migrate(db, path, [
    { name: '0001-first-schema', up: firstSchema },
    { name: '0002-price-bands', up: priceBands },
  ]);
  await close();
  fillSecondSchema(path);
  const before = dump(path, '*');
  const store = await openStore({ path, mode: 'write' });
  assert.deepEqual(await store.reader.judgingTotals().then(({ processed }) => processed), 0);
  const { total } = await store.reader.countByState();
  assert.equal(total, 4);
  const due = { nowMs: 99, freshSinceMs: 0, evidenceSinceMs: 0, limit: 9 };
  const candidates = await store.reader.historyDue({ kind: 'fresh', ...due });
  assert.deepEqual(
    candidates.map(({ asin }) => asin),
    ['A1'],
  );
  assert.deepEqual(await store.reader.rejudgeDue({ evidenceSinceMs: 0, limit: 9 }), []);
  const writer = store.writer(5);
  await writer.adoptFence();
  const rules = { atMs: 99, ttlHealthyMs: 1, endedPartMax: 1 };
  const { counts } = await writer.endRows({
    ...rules,
    suspendedFeeds: [],
    partialFeeds: [],
    retentionMs: 30,
  });
  assert.deepEqual(counts, { ended: { absent: 0, 'not-seen': 0 }, held: 0, purged: 1 });
  await store.close();
  const names = Object.keys(Object(before.deals?.[0])).join(', ');
  const kept = dump(path, names);
  assert.deepEqual(kept.deals, before.deals?.slice(0, 3));
  assert.deepEqual(kept.ledger, before.ledger);
  assert.deepEqual(kept.repriced, []);
  assert.deepEqual(kept.sweepsWhole, [
    { number: 1, is_whole: 1 },
    { number: 2, is_whole: 0 },
  ]);
  rmSync(directory, { recursive: true });
});

/** A candidate, a judged row, a screened one and one that has ended, as version 2 left them. */
function fillSecondSchema(path: string): void {
  const file = new SqliteFile(path);
  file.exec(`
    update fence set newest = 5;
    insert into feeds (id, name, domain_id, price_type, query_hash, is_configured, configured_at_ms)
      values (1, 'books', 1, 2, 'q1', 1, 1);
    insert into price_bands values (1, 'q1', 0, 9);
    insert into sweeps values (1, 1, 'q1', 1, 1, 1, 4, 4, 2, 'complete'),
      (1, 2, 'part', 3, 1, 1, 4, 4, 4, 'complete');
    insert into ledger (at_ms, spend_class, purpose, shape, items, hold_tokens, cost_tokens,
      outcome, attempt, took_ms, waited_ms)
      values (1, 'head', 'p', 's', 1, 5, 5, 'answered', 1, 1, 1);
    insert into deals (asin, domain_id, price_type, feed_id, state, reason, first_seen_at_ms,
      last_seen_at_ms, title, price_cents, created_at_ms, judged_at_ms, judged_price_cents,
      judged_created_at_ms) values
      ('A1', 1, 2, 1, 'candidate', null, 10, 90, 't', 5, 6, null, null, null),
      ('A2', 1, 2, 1, 'accepted', null, 10, 20, 't', 5, 6, 15, 5, 6),
      ('A3', 1, 2, 1, 'rejected', 'screen:no-rank', 10, 20, 't', 5, 6, null, null, null),
      ('A4', 1, 2, 1, 'ended', 'x', 10, 20, 't', 5, 6, 15, 4, 6);
    insert into listings select 1, id, 10, 20, 1 from deals;
  `);
  file.close();
}

function dump(path: string, columns: string): Readonly<Record<string, readonly unknown[]>> {
  const file = new SqliteFile(path);
  const hasParts = file.pragma('table_info(sweeps)');
  const isNew = JSON.stringify(hasParts).includes('is_whole');
  const rows = {
    deals: file.prepare(`select ${columns} from deals order by id`).all(),
    ledger: file.prepare('select * from ledger').all(),
    repriced: isNew ? file.prepare('select asin from deals where is_repriced = 1').all() : [],
    sweepsWhole: isNew ? file.prepare('select number, is_whole from sweeps').all() : [],
  };
  file.close();
  return rows;
}

test('two open sweeps of one feed cannot be', async () => {
  await using store = await TestStore.open();
  const open = (number: number) =>
    `insert into sweeps values (1, ${number}, 'q', 0, 0, 0, 0, 0, null, null, 1)`;
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
