/** What the deals database takes on disk. */
import { stat } from 'node:fs/promises';
import type { FileBytes } from './ports.ts';

/** Nothing where there is no file yet. */
export async function fileBytesOf(path: string): Promise<FileBytes> {
  const bytesOf = async (file: string): Promise<number> => {
    const stats = await stat(file).catch(() => undefined);
    return stats?.size ?? 0;
  };
  return { databaseBytes: await bytesOf(path), logBytes: await bytesOf(`${path}-wal`) };
}
