/**
 * The deals database as a SQLite file: everything that is particular to SQLite is in here.
 *
 * - WAL: readers see one consistent state while the writer writes, and neither waits for the other.
 * - `synchronous = full`: every commit reaches the disk before the next Keepa request is bought. In
 *   WAL mode the cheaper `normal` survives a kill, but a power cut takes the last commits away, and
 *   those were paid for; a checkpoint kept elsewhere would then be ahead of the rows. One fsync per
 *   page is less than a millisecond on a plain disk, and pages come a few a second at most.
 * - A write transaction begins immediate: one that began as a read and then writes cannot wait for
 *   another writer, it fails at once, whatever the busy timeout.
 * - DDL runs inside transactions, so a failed migration leaves nothing behind. (kysely believes
 *   that SQLite cannot do that.)
 * - Statements are prepared once and kept: the queries are few and their texts repeat.
 */
import { accessSync, closeSync, constants, openSync, statfsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import SqliteFile from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
  sql,
  type TransactionSettings,
} from 'kysely';
import { switchToWal } from '../runtime/sqlite-wal.ts';
import type { FileBytes } from './ports.ts';
import { copyForReading, type PrivateCopy } from './private-copy.ts';
import { StoreOpenError, type StoreOpenReason } from './store-open-error.ts';
import type { StoreDatabase, Tables } from './tables.ts';

/** Marks a file as ours ("Keep" in ASCII), so that nobody else's database is ever migrated. */
const applicationId = 0x4b656570;
/** The log is folded into the file every 1,000 pages (4 MB) and cut back to this after a burst. */
const walBytesMax = 16 * 2 ** 20;
/** What SQLite makes beside a WAL file before it writes anything. */
const indexFileBytes = 32_768;
/**
 * How long to wait for another program that holds the file. The wait blocks this process, which
 * must renew its lease every 10 s, so it stays well below that.
 */
const writerBusyMs = 5_000;
const readerBusyMs = 1_000;
/** Far above the number of different queries; a page of n rows has a text of its own. */
const statementsMax = 300;

/** What a migration ends a table with. */
export const strict = sql`strict`;
/** A narrow table that is only ever reached by its primary key. */
export const strictByKey = sql`strict, without rowid`;

export interface OpenDatabase {
  readonly db: StoreDatabase;
  /** Folds the whole log into the file and cuts it; false when a reader was in the way. */
  foldLog(): Promise<boolean>;
  /** From now on it waits as long for other programs as one that writes should. */
  waitAsWriter(): Promise<void>;
  close(): Promise<void>;
}

/** What the database at `path` takes on disk; nothing where there is no file yet. */
export async function fileBytesOf(path: string): Promise<FileBytes> {
  const bytesOf = async (file: string): Promise<number> => {
    const stats = await stat(file).catch(() => undefined);
    return stats?.size ?? 0;
  };
  return { databaseBytes: await bytesOf(path), logBytes: await bytesOf(`${path}-wal`) };
}

/** Translates whatever went wrong while opening `path` into an error that says what to do. */
export function openErrorFor(path: string, error: unknown): StoreOpenError {
  if (error instanceof StoreOpenError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = error instanceof Error ? error.message : String(error);
  const reason = code.startsWith('SQLITE_IOERR') && isDiskFull(path) ? 'disk-full' : reasonOf(code);
  return new StoreOpenError(path, { reason, why, cause: error });
}

/** SQLite tells a full disk as a mere I/O error where it could not even make its index file. */
function isDiskFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < indexFileBytes;
  } catch {
    return false;
  }
}

function reasonOf(code: string): StoreOpenReason {
  if (code === 'SQLITE_NOTADB') return 'not-a-database';
  if (code.startsWith('SQLITE_CORRUPT')) return 'corrupt';
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT') return 'disk-full';
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
export function openForWriting(path: string, options: { busyMs?: number } = {}): OpenDatabase {
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
    file.pragma('wal_autocheckpoint = 1000');
    file.pragma(`journal_size_limit = ${walBytesMax}`);
    return opened(file);
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
 * writer SQLite itself needs to write beside a WAL file, so where the directory does not allow that
 * a private copy is read.
 *
 * @throws StoreOpenError with reason `missing` when there is no file.
 */
export function openForReading(path: string, options: { busyMs?: number } = {}): OpenDatabase {
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
export function openInMemory(): OpenDatabase {
  return opened(new SqliteFile(':memory:'));
}

function openReadOnly(
  path: string,
  { timeout, copy }: { timeout: number; copy?: PrivateCopy },
): OpenDatabase {
  const file = new SqliteFile(path, { readonly: true, fileMustExist: true, timeout });
  try {
    // The first look at the file is what fails, not the opening.
    isOurs(path, file);
    return opened(file, copy);
  } catch (error) {
    file.close();
    throw error;
  }
}

/** A readable file that SQLite still could not open: its directory allows no log beside it. */
function needsCopy(path: string, error: unknown): boolean {
  if (!(error instanceof SqliteFile.SqliteError) || !/CANTOPEN|READONLY/.test(error.code)) {
    return false;
  }
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function opened(file: SqliteFile.Database, copy?: PrivateCopy): OpenDatabase {
  const db = new Kysely<Tables>({ dialect: new StoreDialect(file) });
  return {
    db,
    foldLog: () => foldLog(db),
    waitAsWriter: () => setBusyMs(db, writerBusyMs),
    async close() {
      await db.destroy();
      // kysely closes only what a first query has opened.
      file.close();
      copy?.remove();
    },
  };
}

/**
 * The ordinary checkpoints fold the log in as far as readers allow and never cut it, so a reader
 * who stays long lets it grow. This one cuts it, but would wait for readers, and block this process
 * for as long; so for its moment nobody is waited for.
 */
async function foldLog(db: StoreDatabase): Promise<boolean> {
  return await db.connection().execute(async (connection) => {
    const { rows } = await sql<{ timeout: number }>`pragma busy_timeout`.execute(connection);
    const busyMs = rows[0]?.timeout ?? writerBusyMs;
    await sql`pragma busy_timeout = 0`.execute(connection);
    try {
      const folded = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(
        connection,
      );
      return folded.rows[0]?.busy === 0;
    } finally {
      await sql`pragma busy_timeout = ${sql.lit(busyMs)}`.execute(connection);
    }
  });
}

async function setBusyMs(db: StoreDatabase, busyMs: number): Promise<void> {
  await sql`pragma busy_timeout = ${sql.lit(busyMs)}`.execute(db);
}

/** The file as kysely sees it, with its statements prepared once; the oldest are let go. */
function keepingStatements(file: SqliteFile.Database): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>();
  return {
    close: () => file.close(),
    prepare(text) {
      const known = kept.get(text);
      if (known !== undefined) return known;
      const [oldest] = kept.keys();
      if (kept.size >= statementsMax && oldest !== undefined) kept.delete(oldest);
      const statement: SqliteStatement = file.prepare<unknown[]>(text);
      kept.set(text, statement);
      return statement;
    },
  };
}

class StoreDialect extends SqliteDialect {
  readonly #file: SqliteFile.Database;

  constructor(file: SqliteFile.Database) {
    super({ database: file });
    this.#file = file;
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter();
  }

  override createDriver(): Driver {
    return new StoreDriver(this.#file);
  }
}

class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class StoreDriver extends SqliteDriver {
  readonly #file: SqliteFile.Database;

  constructor(file: SqliteFile.Database) {
    super({ database: keepingStatements(file) });
    this.#file = file;
  }

  override async beginTransaction(
    connection: DatabaseConnection,
    settings?: TransactionSettings,
  ): Promise<void> {
    const begin = settings?.accessMode === 'read only' ? 'begin' : 'begin immediate';
    await connection.executeQuery(CompiledQuery.raw(begin));
  }

  /** A full disk makes SQLite roll back by itself; failing at that would hide the reason. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#file.inTransaction) await super.rollbackTransaction(connection);
  }
}
