/** What is around a write can pass; what it carries cannot. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { isFileTrouble } from '../../src/store/file-trouble.ts';

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

test('a lock, a full file and one that is open for reading are troubles of the file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'file-trouble-'));
  const path = join(directory, 'a.sqlite');
  const one = new SqliteFile(path);
  one.exec('create table t (a integer) strict');
  one.exec('insert into t values (1), (2), (3), (4), (5), (6), (7), (8)');
  const other = new SqliteFile(path, { timeout: 0 });
  one.exec('begin immediate');
  assert.ok(isFileTrouble(thrownBy(() => other.exec('insert into t values (2)'))), 'locked');
  one.exec('rollback');
  one.pragma('max_page_count = 2');
  const fill = one.prepare('insert into t select random() from t, t as a, t as b, t as c');
  assert.ok(isFileTrouble(thrownBy(() => fill.run())), 'full');
  const reading = new SqliteFile(path, { readonly: true });
  assert.ok(isFileTrouble(thrownBy(() => reading.exec('delete from t'))), 'read only');
  for (const file of [one, other, reading]) file.close();
  rmSync(directory, { recursive: true });
});

test('what a column or a rule does not take is none, nor is a fault of ours', () => {
  const file = new SqliteFile(':memory:');
  file.exec('create table t (a integer check (a < 9)) strict');
  const insert = file.prepare('insert into t values (?)');
  const faults = [
    thrownBy(() => insert.run(1.5)),
    thrownBy(() => insert.run(1e300)),
    thrownBy(() => insert.run(10)),
    thrownBy(() => insert.run({})),
    thrownBy(() => assert.equal(1, 2)),
  ];
  for (const fault of faults) assert.equal(isFileTrouble(fault), false, String(fault));
  file.close();
});

test('a damaged file and a full disk met by the system take nothing either', () => {
  for (const code of ['SQLITE_CORRUPT_INDEX', 'SQLITE_IOERR_WRITE', 'ENOSPC', 'EROFS']) {
    assert.ok(isFileTrouble(Object.assign(new Error('x'), { code })), code);
  }
});
