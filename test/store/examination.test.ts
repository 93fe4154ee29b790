/**
 * Whether a database file is sound is told without changing it, whatever its schema.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { checkSoundness, readSchemaFacts } from '../../src/store/examination.ts';
import { openStore } from '../../src/store/open-store.ts';
import { StoreOpenError } from '../../src/store/store-open-error.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-examination-'));
  path = join(directory, 'deals.sqlite');
  await (await openStore({ path, mode: 'write' })).close();
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a fresh database has been through every step, and is sound', async () => {
  const { applied, known } = await readSchemaFacts(path);
  assert.deepEqual(applied, known);
  const found = await checkSoundness(path, { wholeBytesMax: statSync(path).size });
  assert.deepEqual(found, { check: 'integrity_check', problems: [] });
});

test('a file above the limit gets the quick check', async () => {
  const { check } = await checkSoundness(path, { wholeBytesMax: statSync(path).size - 1 });
  assert.equal(check, 'quick_check');
});

test('an index that does not agree with its table is what only the whole check sees', async () => {
  const file = new SqliteFile(path);
  file.unsafeMode();
  file.exec('create table t (a integer, b text) strict; create index by_a on t (a)');
  file.exec("insert into t values (1, 'x'), (2, 'y')");
  file.pragma('writable_schema = on');
  file.exec("update sqlite_schema set sql = 'create index by_a on t (b)' where name = 'by_a'");
  file.close();
  const whole = await checkSoundness(path, { wholeBytesMax: 2 ** 30 });
  assert.notDeepEqual(whole.problems, []);
  const quick = await checkSoundness(path, { wholeBytesMax: 0 });
  assert.deepEqual(quick.problems, []);
});

test('a file that was cut off is damaged, and one that is missing an error', async () => {
  truncateSync(path, 3 * 4_096);
  const { problems } = await checkSoundness(path, { wholeBytesMax: 2 ** 30 });
  assert.notDeepEqual(problems, []);
  await assert.rejects(
    readSchemaFacts(join(directory, 'none.sqlite')),
    (error) => error instanceof StoreOpenError && error.reason === 'missing',
  );
});
