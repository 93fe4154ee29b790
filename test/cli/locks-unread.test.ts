/**
 * `locks` where the file of this host's locks cannot be opened: nobody is told that nothing is
 * locked there. Method: real files and the real command; this process keeps one of them locked.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { openHostLeases } from '../../src/cli/host-leases.ts';
import { readProcessIdentity } from '../../src/runtime/process-identity.ts';
import { Place } from './run-cli.ts';

const keyHash = '0123456789abcdef';
const name = `daemon-${keyHash}`;
const limits = { timeout: 300_000 };

let place: Place;
let file: SqliteFile.Database;
beforeEach(async () => {
  place = new Place();
  const owner = { ...readProcessIdentity(), instance: 'test' };
  const onNotice = (notice: string) => assert.fail(notice);
  const opened = await openHostLeases(keyHash, {
    env: { XDG_RUNTIME_DIR: place.directory },
    owner,
    onNotice,
  });
  const claim = { owner, ttlMs: 600_000, fenceFloor: 0, doing: 'testing' };
  assert.equal((await opened?.leases.acquire(name, claim))?.granted, true);
  await opened?.close();
  file = new SqliteFile(place.path(`keepa-deals/${keyHash}.sqlite`));
  file.exec('begin immediate');
});
afterEach(async () => {
  file.close();
  await place.remove();
});

const locks = (...args: string[]) => place.run(['locks', ...args, '--data-dir', 'data']);

describe('a file of host locks that another program keeps locked', limits, () => {
  test('is named by who lists locks and checkpoints, which end with 69', async () => {
    const listed = await locks('list', '--json');
    const { locks: found, unread } = JSON.parse(listed.stdout);
    assert.deepEqual([listed.code, found, unread.length], [69, [], 1], listed.stderr);
    assert.match(unread[0], /0123456789abcdef\.sqlite: another program keeps it locked/);
    assert.match(listed.stderr, /^keepa-deals: .*keeps it locked.*; end that program and try/);
    const progress = await place.run(['checkpoints', 'list', '--data-dir', 'data']);
    assert.equal(progress.code, 69, progress.stderr);
  });

  test('keeps all from being cleared: neither one lock nor all are claimed gone', async () => {
    for (const which of [name, '--all']) {
      const cleared = await locks('clear', which, '--force', '--yes');
      assert.deepEqual([cleared.code, cleared.stdout], [69, ''], cleared.stderr);
      assert.match(cleared.stderr, /keeps it locked/);
    }
    file.exec('rollback');
    const { stdout } = await locks('list', '--json');
    assert.equal(JSON.parse(stdout).locks[0].name, name, 'it is still held');
    assert.equal((await locks('clear', name, '--force', '--yes')).code, 0);
  });
});
