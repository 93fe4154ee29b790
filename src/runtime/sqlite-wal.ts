/**
 * Puts a SQLite file into WAL mode, also while other processes do the same.
 *
 * The switch needs the file for itself, and where two processes want it at once SQLite fails one of
 * them at once instead of letting it wait: waiting could be for ever. So the one that failed waits
 * for the other's lock by asking for an ordinary write transaction, and tries again.
 */

/** The part of a better-sqlite3 database that is needed here. */
export interface SqliteHandle {
  pragma(text: string, options: { simple: true }): unknown;
  exec(text: string): unknown;
}

/** Each failed attempt is another process that succeeded or came further. */
const attemptsMax = 20;

/**
 * Afterwards the file is in WAL mode; false when its file system cannot do that.
 *
 * @throws SqliteError SQLITE_BUSY when somebody keeps the file locked beyond the busy timeout.
 */
export function switchToWal(file: SqliteHandle): boolean {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return file.pragma('journal_mode = wal', { simple: true }) === 'wal';
    } catch (error) {
      if (!isBusy(error) || attempt === attemptsMax) throw error;
      file.exec('begin immediate; commit');
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}
