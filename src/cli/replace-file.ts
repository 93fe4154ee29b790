/**
 * Puts a new text in a file's place, at once or not at all.
 *
 * The text is written beside the file, brought to the disk, and then takes its name: a reader finds
 * the old text or the new one, and a full disk leaves the old. A link stays a link, and the file's
 * mode and owner stay what they were.
 */
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

export class FileChangedError extends Error {
  override readonly name = 'FileChangedError';
}

const newFileMode = 0o644;

/**
 * Afterwards `path` holds `text`. `before` is what was read there, undefined for no file.
 *
 * @throws FileChangedError when something else is there by now; else what the system says.
 */
export function replaceFile(
  path: string,
  { before, text }: { readonly before: string | undefined; readonly text: string },
): void {
  const target = before === undefined ? path : realpathSync(path);
  const beside = `${target}.${process.pid}.new`;
  const handle = openSync(beside, 'wx', newFileMode);
  try {
    try {
      writeFileSync(handle, text);
      if (before !== undefined) keepMode(target, { handle, beside });
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    if (textIn(target) !== before) throw new FileChangedError('it was changed meanwhile');
    renameSync(beside, target);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  const directory = openSync(dirname(target), 'r');
  fsyncSync(directory);
  closeSync(directory);
}

function keepMode(
  target: string,
  { handle, beside }: { readonly handle: number; readonly beside: string },
): void {
  const { mode, uid, gid } = statSync(target);
  const own = statSync(beside);
  if (own.uid !== uid || own.gid !== gid) chownSync(beside, uid, gid);
  // After the owner: changing that takes some bits away.
  fchmodSync(handle, mode & 0o7777);
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
