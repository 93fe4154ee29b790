/**
 * A command that writes by itself, while something keeps its file of leases locked: what it has
 * done is done, and what it could not do says why. Method: real files, locked by this process.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { coordinationPath, databasePath } from '../../src/cli/data-dir.ts';
import { asSoleWriter } from '../../src/cli/sole-writer.ts';
import { CoordinationAwayError } from '../../src/coordination/ports.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';

let dataDir: string;
let log: RecordedLog;
let file: SqliteFile.Database | undefined;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'keepa-deals-writer-'));
  log = new RecordedLog();
});
afterEach(() => {
  file?.close();
  file = undefined;
  rmSync(dataDir, { recursive: true });
});

function lock(): void {
  file = new SqliteFile(coordinationPath(dataDir));
  file.exec('begin immediate');
}

const options = () => ({ dataDir, clock: systemClock(), log, doing: 'testing' });

test('a lease that cannot be given back makes no failure of what was written', async () => {
  const written = await asSoleWriter(options(), async ({ writer }) => {
    await writer.beginPause({ atMs: 1 });
    lock();
    return 'written';
  });
  assert.equal(written, 'written');
  assert.deepEqual(
    log.said.map(({ event }) => event),
    ['release-failed'],
  );
  assert.ok(!existsSync(`${databasePath(dataDir)}-wal`), 'the deals are closed');
  file?.exec('rollback');
});

test('a file that is locked at its opening or a moment later is told with a remedy', async () => {
  await asSoleWriter(options(), async () => undefined);
  const own = systemClock();
  const lockedLater: Clock = {
    ...own,
    monotonic: () => {
      // Asked for the first time just before the lease is.
      if (file === undefined) lock();
      return own.monotonic();
    },
  };
  for (const clock of [lockedLater, own]) {
    await assert.rejects(
      asSoleWriter({ ...options(), clock }, async () => assert.fail('it wrote')),
      (error) => error instanceof CoordinationAwayError && /^end that program/.test(error.todo),
    );
  }
});
