/**
 * Whether a disk is full, for who was told of a mere failure.
 *
 * SQLite says of a full disk that it is full where it writes rows, and only that something failed
 * where it makes or grows the index file beside its log.
 */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** What SQLite makes beside a WAL file before it writes anything. */
const indexFileBytes = 32_768;

/** Whether SQLite, failing with `code` on the file `path`, found no room. */
export function lacksRoom(code: string, path: string): boolean {
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code)) return true;
  return code.startsWith('SQLITE_IOERR') && isFull(dirname(path));
}

function isFull(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < indexFileBytes;
  } catch {
    return false;
  }
}
