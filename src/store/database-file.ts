/**
 * The deals database as a file: whose it is, how it is opened, and what is wrong when it is not.
 *
 * - WAL: readers see one consistent state while the writer writes, and neither waits for the other.
 * - `synchronous = full`: every commit reaches the disk before the next Keepa request is bought. In
 *   WAL mode the cheaper `normal` survives a kill, but a power cut takes the last commits away, and
 *   those were paid for; a checkpoint kept elsewhere would then be ahead of the rows. One fsync per
 *   page is less than a millisecond on a plain disk, and pages come a few a second at most.
 * - No kysely here: a report on a dead daemon is read from the bare file, in a fraction of the time
 *   in which kysely is loaded.
 */
import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteFile from 'better-sqlite3';
import { lacksRoom } from '../runtime/disk-room.ts';
import { switchToWal } from '../runtime/sqlite-wal.ts';
import { copyForReading, type PrivateCopy } from './private-copy.ts';
import { StoreOpenError, type StoreOpenReason } from './store-open-error.ts';

/** Marks a file as ours ("Keep" in ASCII), so that nobody else's database is ever migrated. */
const applicationId = 0x4b656570;
/** The log is folded into the file every 1,000 pages (4 MB) and cut back to this after a burst. */
const walBytesMax = 16 * 2 ** 20;
/**
 * Pages kept in memory: as many as SQLite itself would keep. The library would keep 16 MB of a file
 * that the kernel caches too, on a server that may have 512.
 */
const cacheKiB = 2_000;
/**
 * How long to wait for another program that holds the file. The wait blocks this process, which
 * must renew its lease every 10 s, so it stays well below that.
 */
export const writerBusyMs = 5_000;
const readerBusyMs = 1_000;
export interface DatabaseFile {
  readonly file: SqliteFile.Database;
  /** Whether it is a private copy of what was there when it was opened; it takes as much room. */
  readonly isCopy: boolean;
  /** Closes it and leaves nothing of ours behind; doing it twice is as good as once. */
  close(): void;
}

/** Translates whatever went wrong while opening `path` into an error that says what to do. */
export function openErrorFor(path: string, error: unknown): StoreOpenError {
  if (error instanceof StoreOpenError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = error instanceof Error ? error.message : String(error);
  const reason = lacksRoom(code, path) ? 'disk-full' : reasonOf(code);
  return new StoreOpenError(path, { reason, why, cause: error });
}

function reasonOf(code: string): StoreOpenReason {
  if (code === 'SQLITE_NOTADB') return 'not-a-database';
  if (code.startsWith('SQLITE_CORRUPT')) return 'corrupt';
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'locked';
  if (code.startsWith('SQLITE_READONLY') || code === 'EROFS') return 'not-writable';
  if (code.startsWith('SQLITE_CANTOPEN') || code === 'EACCES' || code === 'EPERM') {
    return 'unreadable';
  }
  return 'failed';
}

/**
 * Opens the file for writing, and makes it (readable by its owner only) if it is not there.
 * The schema is not looked at here.
 *
 * @throws StoreOpenError
 */
export function openFileForWriting(path: string, options: { busyMs?: number } = {}): DatabaseFile {
  let file: SqliteFile.Database | undefined;
  try {
    makeFile(path);
    file = new SqliteFile(path, { timeout: options.busyMs ?? writerBusyMs });
    claim(path, file);
    if (!switchToWal(file)) {
      const why = 'its file system cannot share memory between processes (WAL is refused)';
      throw new StoreOpenError(path, { reason: 'failed', why });
    }
    file.pragma('synchronous = full');
    file.pragma('foreign_keys = on');
    file.pragma(`cache_size = -${cacheKiB}`);
    file.pragma('wal_autocheckpoint = 1000');
    file.pragma(`journal_size_limit = ${walBytesMax}`);
    return closing(file);
  } catch (error) {
    file?.close();
    throw openErrorFor(path, error);
  }
}

/** Makes sure that there is a file which we may write, in a directory which we may write. */
function makeFile(path: string): void {
  const directory = dirname(path);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    const why = `there is no directory ${directory}`;
    throw new StoreOpenError(path, { reason: 'directory-missing', why });
  }
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isFile()) {
    throw new StoreOpenError(path, { reason: 'not-a-database', why: 'it is not a file' });
  }
  try {
    // The log files beside it come and go, so the directory must be writable as well.
    accessSync(directory, constants.W_OK | constants.X_OK);
    if (stats === undefined) closeSync(openSync(path, 'a', 0o600));
    else accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    const denied = error instanceof Error && 'code' in error && error.code === 'EACCES';
    if (!denied) throw error;
    throw new StoreOpenError(path, { reason: 'not-writable', why: error.message, cause: error });
  }
}

/** Makes an empty file ours; refuses somebody else's before anything in it is changed. */
function claim(path: string, file: SqliteFile.Database): void {
  if (isOurs(path, file)) return;
  file
    .transaction(() => {
      if (!isOurs(path, file)) file.pragma(`application_id = ${applicationId}`);
    })
    .immediate();
}

/**
 * False for an empty file. One snapshot, for another process may be filling it just now.
 *
 * @throws StoreOpenError for somebody else's.
 */
function isOurs(path: string, file: SqliteFile.Database): boolean {
  const look = file.transaction(() => ({
    id: file.pragma('application_id', { simple: true }),
    tables: file.prepare('select count(*) from sqlite_schema').pluck().get(),
  }));
  const { id, tables } = look();
  if (id === applicationId) return true;
  if (id === 0 && tables === 0) return false;
  const why = 'it is a SQLite database of another program';
  throw new StoreOpenError(path, { reason: 'not-ours', why });
}

/**
 * Opens the file for reading; a writer may be at work, or none, and nothing is changed. Without a
 * writer SQLite itself needs to write beside a WAL file, so where the directory does not allow
 * that, or has no room for it, a private copy is read.
 *
 * @throws StoreOpenError with reason `missing` when there is no file.
 */
export function openFileForReading(path: string, options: { busyMs?: number } = {}): DatabaseFile {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new StoreOpenError(path, { reason: 'missing', why: 'it does not exist' });
  }
  const timeout = options.busyMs ?? readerBusyMs;
  try {
    accessSync(path, constants.R_OK);
    return openReadOnly(path, { timeout });
  } catch (error) {
    if (!needsCopy(path, error)) throw openErrorFor(path, error);
  }
  let copy: PrivateCopy | undefined;
  try {
    copy = copyForReading(path);
    return openReadOnly(copy.path, { timeout, copy });
  } catch (error) {
    copy?.remove();
    throw openErrorFor(path, error);
  }
}

/** An empty one of nobody's, gone when it is closed. */
export function openFileInMemory(): DatabaseFile {
  return closing(new SqliteFile(':memory:'));
}

function openReadOnly(
  path: string,
  { timeout, copy }: { timeout: number; copy?: PrivateCopy },
): DatabaseFile {
  const file = new SqliteFile(path, { readonly: true, fileMustExist: true, timeout });
  try {
    // The first look at the file is what fails, not the opening.
    isOurs(path, file);
    return closing(file, copy);
  } catch (error) {
    file.close();
    throw error;
  }
}

/** A readable file that SQLite still could not open: its directory takes no file beside it. */
function needsCopy(path: string, error: unknown): boolean {
  if (!(error instanceof SqliteFile.SqliteError)) return false;
  if (!/CANTOPEN|READONLY/.test(error.code) && !lacksRoom(error.code, path)) return false;
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function closing(file: SqliteFile.Database, copy?: PrivateCopy): DatabaseFile {
  return {
    file,
    isCopy: copy !== undefined,
    close: () => {
      file.close();
      copy?.remove();
    },
  };
}
