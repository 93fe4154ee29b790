/**
 * Why the deals database could not be opened: what happened, why, and what to do about it.
 *
 * A person who starts the daemon in the wrong directory, on a full disk or beside a newer version
 * gets one line that ends in something to do, and the command line picks its exit code by `reason`.
 *
 * Invariant: the message names the absolute path, for two databases are two sets of deals.
 */

export type StoreOpenReason =
  | 'missing'
  | 'directory-missing'
  | 'not-writable'
  | 'unreadable'
  | 'not-a-database'
  | 'not-ours'
  | 'corrupt'
  | 'newer-schema'
  | 'older-schema'
  | 'disk-full'
  | 'locked'
  | 'failed';

/** What to do about each; part of the message. */
const advice: Readonly<Record<StoreOpenReason, string>> = {
  missing: 'check the data directory, or start the daemon once to create it',
  'directory-missing': 'create the directory, or set another data directory',
  'not-writable':
    'make it writable for the user who runs the daemon, or set another data directory',
  unreadable: 'run as a user who may read it',
  'not-a-database': 'move the file away or restore it from a backup',
  'not-ours': 'set another data directory; nothing was changed',
  corrupt: 'restore it from a backup, or move it away to begin anew',
  'newer-schema': 'run the newer version of keepa-deals again; nothing was changed',
  'older-schema': 'start the daemon once with this version: it upgrades the database',
  'disk-full': 'free some space and start again; nothing was lost',
  locked: 'stop the other program that holds it (a backup or an sqlite3 shell?) and try again',
  failed: 'see the cause',
};

/** Whether another program keeps the database locked: then it may be free at any moment. */
export function isLocked(error: unknown): boolean {
  if (error instanceof StoreOpenError) return error.reason === 'locked';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^SQLITE_(BUSY|LOCKED)/.test(code);
}

/** Whether there was no room for what was to be written. */
export function isDiskFull(error: unknown): boolean {
  if (error instanceof StoreOpenError) return error.reason === 'disk-full';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code);
}

export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';
  readonly reason: StoreOpenReason;
  readonly path: string;
  constructor(path: string, options: { reason: StoreOpenReason; why: string; cause?: unknown }) {
    const { reason, why, cause } = options;
    super(`cannot open the deals database ${path}: ${why}; ${advice[reason]}`, { cause });
    this.reason = reason;
    this.path = path;
  }
}
