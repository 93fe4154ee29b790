/**
 * One lock file per API key on this host, for those who share no Redis: two data directories with
 * the same key would spend its tokens twice, and each of them alone could not know.
 *
 * It lies where one user's processes find each other: the service's runtime directory, the
 * session's, or one in /tmp that is this user's alone. That is all it can see: another user, a
 * container or another host takes a Redis. Where there is no such place the daemon says so and goes
 * on, because the lock of the data directory still makes one writer.
 */
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedCoordination } from '../coordination/embedded.ts';
import { CoordinationOpenError } from '../coordination/embedded-file.ts';
import type { Coordination, CoordinationAwayError, Owner } from '../coordination/ports.ts';
import { systemBootClock } from '../runtime/boot-clock.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { isProvablyDead } from '../runtime/process-identity.ts';
import { type CliError, systemReason } from './cli-error.ts';
import { leasesError } from './open-data-dir.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface HostLeasesOptions {
  readonly env: Env;
  readonly owner: Owner;
  readonly clock?: Clock;
  /** Told, in one line, what is not as it should be. */
  onNotice(notice: string): void;
}

/** Nobody else may make files in it. */
const foreignWriteBits = 0o022;
const lockFile = /^([0-9a-f]{16})\.sqlite$/;

/**
 * Opens the lock file of this key, also while it is locked or has no room; undefined, with a
 * notice, where none can be had.
 */
export async function openHostLeases(
  keyHash: string,
  options: HostLeasesOptions,
): Promise<Coordination | undefined> {
  try {
    const directory = hostDirectory(options.env);
    makeOurs(directory);
    return await open(join(directory, `${keyHash}.sqlite`), { ...options, waits: true });
  } catch (error) {
    if (!isForeseen(error)) throw error;
    options.onNotice(
      `no lock for this key on this host (${systemReason(error)}): make sure that no other data ` +
        'directory uses it',
    );
    return undefined;
  }
}

/** A lock file of this host, open; close it. */
type HostPlace = Coordination & { readonly keyHash: string; readonly path: string };

export interface HostLocks {
  readonly places: readonly HostPlace[];
  /** One for each file that is there and could not be opened: what is locked in it is not known. */
  readonly unread: readonly (CliError | CoordinationAwayError)[];
}

/**
 * What is locked on this host, by key hash; nothing is made. A directory that others could have
 * filled is told and passed over: no daemon of ours keeps a lock there either.
 */
export async function hostLeases(options: HostLeasesOptions): Promise<HostLocks> {
  const places: HostPlace[] = [];
  const unread: (CliError | CoordinationAwayError)[] = [];
  for (const { keyHash, path } of filesOrNotice(options)) {
    try {
      places.push({ ...(await open(path, options)), keyHash, path });
    } catch (error) {
      if (!isForeseen(error)) throw error;
      unread.push(leasesError(path, error));
    }
  }
  return { places, unread };
}

function filesOrNotice({ env, onNotice }: HostLeasesOptions): ReturnType<typeof hostLockFiles> {
  try {
    return hostLockFiles(env);
  } catch (error) {
    if (!isForeseen(error)) throw error;
    onNotice(`${hostDirectory(env)}: ${systemReason(error)}`);
    return [];
  }
}

/**
 * The lock files of this host, none of them opened.
 *
 * @throws CoordinationOpenError when others may have put them there.
 */
export function hostLockFiles(
  env: Env,
): readonly { readonly keyHash: string; readonly path: string }[] {
  const directory = hostDirectory(env);
  const files = filesIn(directory).flatMap((name) => {
    const keyHash = lockFile.exec(name)?.[1];
    return keyHash === undefined ? [] : { keyHash, path: join(directory, name) };
  });
  if (files.length > 0) assertOurs(directory);
  return files;
}

/** The first that is named; a service manager's is the narrowest. */
function hostDirectory(env: Env): string {
  const [ofService] = (env.RUNTIME_DIRECTORY ?? '').split(':');
  if (ofService?.startsWith('/')) return ofService;
  const ofSession = env.XDG_RUNTIME_DIR;
  if (ofSession?.startsWith('/')) return join(ofSession, 'keepa-deals');
  return `/tmp/keepa-deals-${userInfo().uid}`;
}

function makeOurs(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
  }
  assertOurs(directory);
}

/** In /tmp anybody could have made it first, with files in it that lead elsewhere. */
function assertOurs(directory: string): void {
  const stats = lstatSync(directory);
  const isOurs = stats.isDirectory() && stats.uid === userInfo().uid;
  if (isOurs && (stats.mode & foreignWriteBits) === 0) return;
  throw new CoordinationOpenError(directory, 'it is not a directory that only we can write');
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

async function open(
  path: string,
  options: HostLeasesOptions & { readonly waits?: boolean },
): Promise<Coordination> {
  const { owner, clock = systemClock(), onNotice, waits = false } = options;
  return await openEmbeddedCoordination({
    path,
    waits,
    clock,
    bootClock: systemBootClock(),
    host: owner.host,
    isProvablyDead: (other) => isProvablyDead(other, owner),
    onNotice,
  });
}

/** What a file system says; a fault of ours has no code. */
function isForeseen(error: unknown): boolean {
  if (error instanceof CoordinationOpenError) return true;
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
