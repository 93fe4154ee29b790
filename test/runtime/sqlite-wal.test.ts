/**
 * The switch to WAL, with a second connection in the way: the real engine, interleaved by hand.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { type SqliteHandle, switchToWal } from '../../src/runtime/sqlite-wal.ts';

/** Two connections to one file in rollback mode; the first would wait for nobody. */
function inDirectory(work: (one: SqliteFile.Database, other: SqliteFile.Database) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'keepa-deals-wal-'));
  const path = join(directory, 'file.sqlite');
  const [one, other] = [new SqliteFile(path, { timeout: 0 }), new SqliteFile(path)];
  one.exec('create table t (a)');
  try {
    work(one, other);
  } finally {
    one.close();
    other.close();
    rmSync(directory, { recursive: true });
  }
}

test('switches, also where that was done before', () => {
  inDirectory((one) => {
    assert.equal(switchToWal(one), true);
    assert.equal(switchToWal(one), true);
    assert.equal(one.pragma('journal_mode', { simple: true }), 'wal');
  });
});

test('tries again after another connection that was in the way has gone on', () => {
  inDirectory((one, other) => {
    other.exec('begin; select * from t');
    other.prepare('select * from t').all();
    let waits = 0;
    const handle: SqliteHandle = {
      pragma: (text, options) => one.pragma(text, options),
      exec: (text) => {
        // What the other process does while this one waits for its lock.
        other.exec('rollback');
        waits += 1;
        return one.exec(text);
      },
    };
    assert.equal(switchToWal(handle), true);
    assert.equal(waits, 1);
  });
});

test('gives up on a file that somebody keeps locked', () => {
  inDirectory((one, other) => {
    other.exec('begin exclusive');
    assert.throws(() => switchToWal(one), { code: 'SQLITE_BUSY' });
  });
});

test('says no for a file that cannot have a log', () => {
  const memory = new SqliteFile(':memory:');
  assert.equal(switchToWal(memory), false);
  memory.close();
});
