/**
 * Directories for databases that are written thousands of times in a test.
 *
 * Every commit waits for the disk, and a simulated daemon makes more of them in a minute than a
 * real one in a day. Where there is room they live in memory: no test loses power. A container may
 * have 64 MB there, which is not enough.
 */
import { mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const inMemory = '/dev/shm';
const enoughBytes = 2 ** 31;

/** A new directory; its name starts with `prefix`. The caller removes it. */
export function scratchDirectory(prefix: string): string {
  return mkdtempSync(join(hasRoom() ? inMemory : tmpdir(), prefix));
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(inMemory);
    return bavail * bsize >= enoughBytes;
  } catch {
    return false;
  }
}
