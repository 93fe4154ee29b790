/**
 * Opens all that a daemon keeps in its data directory: the deals, the leases and checkpoints, and
 * who it is to those who find its lease.
 */
import { openEmbeddedCoordination } from '../coordination/embedded.ts';
import { awayErrorOf } from '../coordination/embedded-door.ts';
import { CoordinationOpenError } from '../coordination/embedded-file.ts';
import type { Coordination, CoordinationAwayError, Owner } from '../coordination/ports.ts';
import { systemBootClock } from '../runtime/boot-clock.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { isProvablyDead, readProcessIdentity } from '../runtime/process-identity.ts';
import type { Random } from '../runtime/random.ts';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/ports.ts';
import { CliError, exitCodes, systemReason } from './cli-error.ts';
import { coordinationPath, databasePath, prepareDataDir } from './data-dir.ts';

export interface OpenedData {
  readonly store: Store;
  readonly coordination: Coordination;
  readonly owner: Owner;
  /** Closes both; call it last. */
  close(): Promise<void>;
}

export interface DataOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Another host than this one, for who wants to know how leases look from there. */
  readonly host?: string;
  /** For who waits for leases in any case: their file may be locked or have no room. */
  readonly waits?: boolean;
}

/**
 * Makes the directory if need be and opens what is in it. The deals are open for reading until
 * `prepareToWrite`, which is for the holder of the leases.
 *
 * @throws CliError, CoordinationAwayError or StoreOpenError, each with one line; then nothing is
 * left open.
 */
export async function openData(dataDir: string, options: DataOptions): Promise<OpenedData> {
  prepareDataDir(dataDir);
  const self = readProcessIdentity();
  const owner: Owner = {
    ...self,
    host: options.host ?? self.host,
    instance: options.random.id(),
  };
  const store = await openStore({ path: databasePath(dataDir), mode: 'wait' });
  try {
    const coordination = await openLeases(dataDir, owner, options);
    return {
      store,
      coordination,
      owner,
      close: async () => {
        await coordination.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * Opens the leases and checkpoints as `owner` sees them, making the file if there is none.
 *
 * @throws CoordinationAwayError when it is locked or has no room, CliError (1) when it cannot be
 * opened for another reason.
 */
export async function openLeases(
  dataDir: string,
  owner: Owner,
  options: Pick<DataOptions, 'clock' | 'waits'> & { readonly log: Pick<Log, 'warn'> },
): Promise<Coordination> {
  const { clock, log, waits = false } = options;
  const path = coordinationPath(dataDir);
  try {
    return await openEmbeddedCoordination({
      waits,
      path,
      clock,
      bootClock: systemBootClock(),
      host: owner.host,
      isProvablyDead: (other) => isProvablyDead(other, owner),
      onNotice: (notice) => log.warn('coordination', { notice }),
    });
  } catch (error) {
    throw error instanceof CoordinationOpenError ? leasesError(path, error) : error;
  }
}

/** What a person is told of a file of leases at `path` that cannot be opened; for a throw. */
export function leasesError(path: string, error: unknown): CliError | CoordinationAwayError {
  const away = awayErrorOf(path, error);
  if (away !== undefined) return away;
  return new CliError(exitCodes.failed, {
    what: 'leases and checkpoints',
    why: error instanceof CoordinationOpenError ? error.message : `${path}: ${systemReason(error)}`,
    todo: adviceOn(error),
  });
}

/**
 * What a person can do about a file of leases that fails with `error`. Only one that is damaged may
 * be moved away: a daemon at work may hold its lease in it.
 */
export function adviceOn(error: unknown): string {
  const cause = error instanceof CoordinationOpenError ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (/^(SQLITE_NOTADB|SQLITE_CORRUPT)/.test(code)) {
    return 'nothing of worth is in that file: stop the daemon, move it away and start again';
  }
  if (/^(EACCES|EPERM|SQLITE_CANTOPEN|SQLITE_READONLY)/.test(code)) {
    return 'run as the user who runs the daemon';
  }
  return 'mend what it says and try again';
}
