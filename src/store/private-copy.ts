/**
 * A private copy of a quiet database, for a reader who may read the file but not write beside it,
 * or finds no room there.
 *
 * To read a WAL database SQLite makes an index file next to it. While a writer is at work that file
 * is there already; without one, in a directory that the reader cannot write, nothing can be
 * opened. Nobody writes then, so the file and its log can be copied; should a writer start just
 * then, the copy is thrown away and made again.
 */
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export interface PrivateCopy {
  readonly path: string;
  /** Deletes the copy; doing it twice is as good as once. */
  remove(): void;
}

/** A writer that starts leaves its index file behind, and then no copy is needed any more. */
const attemptsMax = 3;

/**
 * Copies the database and the log that belongs to it into a directory that only we can read.
 *
 * @throws when the file changes under every attempt, or there is no room for the copy.
 */
export function copyForReading(path: string): PrivateCopy {
  const directory = mkdtempSync(join(tmpdir(), 'keepa-deals-read-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const copied = join(directory, basename(path));
  try {
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const before = stateOf(path);
      copyFileSync(path, copied);
      if (before.hasLog) copyFileSync(`${path}-wal`, `${copied}-wal`);
      if (stateOf(path).mark === before.mark) return { path: copied, remove };
      rmSync(`${copied}-wal`, { force: true });
    }
    throw new Error('it is being written to; try again');
  } catch (error) {
    remove();
    throw error;
  }
}

/** Changes whenever the database or its log is written, made or deleted. */
function stateOf(path: string): { readonly hasLog: boolean; readonly mark: string } {
  const stats = [path, `${path}-wal`].map((name) => statSync(name, { throwIfNoEntry: false }));
  const mark = stats.map((s) => (s === undefined ? '-' : `${s.ino}/${s.size}/${s.mtimeMs}`));
  return { hasLog: stats[1] !== undefined, mark: mark.join(' ') };
}
