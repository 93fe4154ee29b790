/**
 * A database file that a process keeps locked: it is inside a write transaction, and is stopped, so
 * that it never lets go by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const lockHolder = fileURLToPath(new URL('lock-holder.ts', import.meta.url));

export class HeldFile {
  #holder: ChildProcess | undefined;

  async lock(path: string): Promise<void> {
    const child = spawn(process.execPath, [lockHolder, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#holder = child;
    await once(child.stdout, 'data');
    child.kill('SIGSTOP');
  }

  /** Ends the holder, if there is one. */
  async release(): Promise<void> {
    const child = this.#holder;
    this.#holder = undefined;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
