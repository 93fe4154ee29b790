/**
 * The daemon's socket in its data directory: one path, held by one live process.
 *
 * A killed process leaves its socket file behind, so a file proves nothing: only an accepted
 * connection does. A dead one is replaced, a live one is left alone and asked again later, which is
 * how a standby gets it when the daemon before it ends.
 *
 * The server binds to a name of its own, is closed to other users there, and is then renamed into
 * place: nobody can connect in between, and no moment exists in which the path is missing.
 */
import { chmodSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { Clock, Timer } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Log } from '../runtime/log.ts';

export interface SocketClaimOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  createServer(): Server;
}

export interface SocketClaim {
  /** Resolves after the first attempt: whether it is ours now, or somebody alive has it. */
  readonly attempted: Promise<'ours' | 'taken' | 'failed'>;
  /** Gives the socket up, if we have it, and stops trying. */
  release(): Promise<void>;
}

/** Longest path that fits a socket address, in bytes (sun_path less its ending zero). */
const socketPathBytesMax = 107;
/** What is added to the path while the server is not yet in place. */
const pendingSuffix = '.new';
const retryMs = 1_000;

/** Whether a socket can be bound there: its address is short, whatever the file system allows. */
export function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) + pendingSuffix.length <= socketPathBytesMax;
}

/** Tries at once, then every second until it is ours or released. Failures go to the log. */
export function claimSocket({ path, clock, log, createServer }: SocketClaimOptions): SocketClaim {
  let held: { server: Server; inode: number } | undefined;
  let retry: Timer | undefined;
  let isReleased = false;
  let lastError = '';
  const attempt = async (): Promise<'ours' | 'taken' | 'failed'> => {
    try {
      if (await isAlive(path)) return 'taken';
      const server = createServer();
      held = { server, inode: await bind(server, path) };
      return 'ours';
    } catch (error) {
      const reason = describeError(error);
      if (reason !== lastError) log.warn('control-socket', { path, error: reason });
      lastError = reason;
      return 'failed';
    } finally {
      if (held === undefined && !isReleased) retry = clock.after(retryMs, again);
    }
  };
  const again = (): void => {
    attempting = attempt();
  };
  let attempting = attempt();
  return {
    attempted: attempting,
    release: async () => {
      isReleased = true;
      await attempting;
      retry?.cancel();
      if (held === undefined) return;
      if (inodeOf(path) === held.inode) unlinkSync(path);
      await closeServer(held.server);
    },
  };
}

/** Whether somebody may be listening there: only a refusal or an empty place proves otherwise. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

async function bind(server: Server, path: string): Promise<number> {
  const pending = path + pendingSuffix;
  try {
    if (inodeOf(pending) !== undefined) unlinkSync(pending);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(pending, resolve);
    });
    chmodSync(pending, 0o600);
    renameSync(pending, path);
    return lstatSync(path).ino;
  } catch (error) {
    await closeServer(server);
    throw error;
  }
}

/** Ends every connection, also one in use; resolves when the address is free again. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}
