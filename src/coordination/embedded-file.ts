/**
 * Opens the file of the embedded coordination, and makes sure that start-up never fails on garbage.
 *
 * A truncated, overwritten or foreign file is set aside under another name rather than deleted, so
 * that nothing is lost that somebody may want to look at, and work goes on with a fresh one.
 * Durability is `normal`: a power cut may take the last entries, and with them only repeated work,
 * because it also ends every process that held a lease here.
 */
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import SqliteFile from 'better-sqlite3';
import { switchToWal } from '../runtime/sqlite-wal.ts';

export type CoordinationFile = SqliteFile.Database;

/** The file could not be opened, and setting it aside would not help. */
export class CoordinationOpenError extends Error {
  override readonly name = 'CoordinationOpenError';
  readonly path: string;
  constructor(path: string, why: string, cause?: unknown) {
    super(`cannot open the coordination file ${path}: ${why}`, { cause });
    this.path = path;
  }
}

/** Marks a file as ours ("Keel" in ASCII). */
const applicationId = 0x4b65656c;
const schemaVersion = 2;
/** How long who only looks waits for a lock; a reader seldom has to. */
const lookMs = 2_000;

const schema = `
  create table if not exists leases (
    name text primary key,
    host text not null,
    boot_id text not null,
    pid_namespace text not null,
    pid integer not null,
    started_at text not null,
    instance text not null,
    fence integer not null check (fence >= 1),
    acquired_at_ms real not null,
    renewed_at_ms real not null,
    clock_boot_id text not null,
    renewed_since_boot_ms real not null,
    ttl_ms real not null check (ttl_ms > 0),
    doing text not null,
    store text not null default ''
  ) strict, without rowid;
  create table if not exists fences (
    name text primary key,
    newest integer not null check (newest >= 1)
  ) strict, without rowid;
  create table if not exists checkpoints (
    name text primary key,
    value text not null check (json_valid(value)),
    written_at_ms real not null
  ) strict, without rowid;
  create table if not exists checkpoint_fence (
    id integer primary key check (id = 1),
    newest integer not null
  ) strict;
`;

/**
 * Opens the file and builds `compose` on it, which prepares its statements: a file that cannot
 * answer them is garbage as well.
 *
 * @throws CoordinationOpenError
 */
export function openCoordinationFile<T>(options: {
  path: string;
  /** How long it may block this process while another holds a lock, now and in later calls. */
  busyMs: number;
  onNotice(notice: string): void;
  compose(file: CoordinationFile): T;
}): { readonly file: CoordinationFile; readonly parts: T } {
  const path = resolve(options.path);
  const directory = dirname(path);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CoordinationOpenError(path, `there is no directory ${directory}`);
  }
  const seen = inodeOf(path);
  try {
    return openOnce({ ...options, path });
  } catch (error) {
    if (!isGarbage(error)) throw openErrorFor(path, error);
    setAside(path, { seen, why: String(error), onNotice: options.onNotice });
  }
  try {
    return openOnce({ ...options, path });
  } catch (error) {
    throw openErrorFor(path, error);
  }
}

/**
 * Opens a file that is there and changes nothing in it, whatever it holds; for who only looks.
 *
 * @throws CoordinationOpenError also when it is garbage.
 */
export function openCoordinationForReading<T>(
  path: string,
  compose: (file: CoordinationFile) => T,
): { readonly file: CoordinationFile; readonly parts: T } {
  let file: CoordinationFile | undefined;
  try {
    file = new SqliteFile(path, { readonly: true, fileMustExist: true, timeout: lookMs });
    if (!isOurs(path, file)) throw new NotOursError('it is empty');
    const problem = file.pragma('quick_check(1)', { simple: true });
    if (problem !== 'ok') throw new NotOursError(String(problem));
    return { file, parts: compose(file) };
  } catch (error) {
    file?.close();
    throw openErrorFor(path, error);
  }
}

function openOnce<T>({
  path,
  busyMs,
  compose,
}: {
  path: string;
  busyMs: number;
  compose(file: CoordinationFile): T;
}): { file: CoordinationFile; parts: T } {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  const file = new SqliteFile(path, { timeout: busyMs });
  try {
    claim(path, file);
    if (!switchToWal(file)) {
      const why = 'its file system cannot share memory between processes (WAL is refused)';
      throw new CoordinationOpenError(path, why);
    }
    file.pragma('synchronous = normal');
    file.exec(schema);
    upgrade(file);
    const problem = file.pragma('quick_check(1)', { simple: true });
    if (problem !== 'ok') throw new NotOursError(String(problem));
    return { file, parts: compose(file) };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Version 1 did not say which deals database a holder writes. */
function upgrade(file: CoordinationFile): void {
  const step = file.transaction(() => {
    if (file.pragma('user_version', { simple: true }) === schemaVersion) return;
    const columns = file.prepare('select name from pragma_table_info(?)').pluck().all('leases');
    if (!columns.includes('store')) {
      file.exec("alter table leases add column store text not null default ''");
    }
    file.pragma(`user_version = ${schemaVersion}`);
  });
  step.immediate();
}

/** What is in the file was never written by us, or not only. */
class NotOursError extends Error {
  override readonly name = 'NotOursError';
}

/** Makes an empty file ours; refuses what is not, before anything in it is changed. */
function claim(path: string, file: CoordinationFile): void {
  if (isOurs(path, file)) return;
  file
    .transaction(() => {
      if (isOurs(path, file)) return;
      file.pragma(`application_id = ${applicationId}`);
      file.pragma(`user_version = ${schemaVersion}`);
    })
    .immediate();
}

/**
 * False for an empty file. One snapshot, for another process may be filling it just now.
 *
 * @throws NotOursError, CoordinationOpenError
 */
function isOurs(path: string, file: CoordinationFile): boolean {
  const look = file.transaction(() => ({
    id: file.pragma('application_id', { simple: true }),
    version: Number(file.pragma('user_version', { simple: true })),
    tables: file.prepare('select count(*) from sqlite_schema').pluck().get(),
  }));
  const { id, version, tables } = look();
  if (id === applicationId) {
    if (version <= schemaVersion) return true;
    throw new CoordinationOpenError(path, 'a newer version of keepa-deals made it');
  }
  if (id !== 0 || tables !== 0) throw new NotOursError('it belongs to another program');
  return false;
}

/** Whether the file holds what we cannot read, so that a start sets it aside. */
export function isGarbage(error: unknown): boolean {
  if (error instanceof CoordinationOpenError) return isGarbage(error.cause);
  if (error instanceof NotOursError) return true;
  if (!(error instanceof SqliteFile.SqliteError)) return false;
  // SQLITE_ERROR: our tables are there with other columns.
  return /^SQLITE_(NOTADB|CORRUPT.*|ERROR)$/.test(error.code);
}

function openErrorFor(path: string, error: unknown): CoordinationOpenError {
  if (error instanceof CoordinationOpenError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new CoordinationOpenError(path, why, error);
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** Renames the file and its log. Another process may have done so meanwhile: then all is well. */
function setAside(
  path: string,
  { seen, why, onNotice }: { seen: number | undefined; why: string; onNotice(n: string): void },
): void {
  if (inodeOf(path) !== seen) return;
  let n = 1;
  while (existsSync(`${path}.corrupt-${n}`)) n += 1;
  const aside = `${path}.corrupt-${n}`;
  renameSync(path, aside);
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${aside}-wal`);
  rmSync(`${path}-shm`, { force: true });
  onNotice(`the coordination file ${path} could not be read (${why}); it is now ${aside}`);
}
