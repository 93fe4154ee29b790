/**
 * What `doctor` gathers once, before any check looks at it: the configuration, the answer of the
 * daemon, what the database holds, and Keepa's answer where it is to be asked.
 *
 * Each of them may be missing, and then the reason is kept in its place: the checks say what that
 * means, and none of them fails because another part is broken.
 */
import type { LoadedConfig } from '../config.ts';
import type { ConfigProblem } from '../config-problem.ts';
import type { Clock } from '../runtime/clock.ts';
import { readStored, type Stored } from '../status/stored-figures.ts';
import type { LedgerRecord, Run } from '../store/ports.ts';
import { StoreOpenError } from '../store/store-open-error.ts';
import type { CliContext } from './context.ts';
import { databasePath, socketPath } from './data-dir.ts';
import { readConfiguration } from './doctor-config.ts';
import { askKeepa, type KeepaAnswer } from './doctor-keepa.ts';
import { type FoundKey, findKey } from './doctor-key.ts';
import { installedUnits, type Unit } from './doctor-unit.ts';
import { withStore } from './reading.ts';
import { askDaemon, type DaemonAnswer } from './status-client.ts';

export interface DoctorFlags {
  readonly config?: string;
  readonly dataDir?: string;
  readonly redisUrl?: string;
  /** Whether Keepa may be asked; it costs nothing. */
  readonly live?: boolean;
  readonly json?: boolean;
  readonly version: string;
}

/** What the deals database tells. */
export interface StoredFacts extends Stored {
  readonly lastRun: Run | undefined;
  readonly lastRequest: LedgerRecord | undefined;
  readonly startsLastHour: number;
}

export interface Facts {
  readonly flags: DoctorFlags;
  readonly context: CliContext;
  readonly clock: Clock;
  readonly nowMs: number;
  readonly loaded: LoadedConfig;
  /** Why `loaded` is not what the file says, but the little that could be saved of it. */
  readonly problems: readonly ConfigProblem[];
  readonly daemon: DaemonAnswer;
  readonly stored: StoredFacts | StoreOpenError | undefined;
  readonly key: FoundKey;
  /** Undefined when it was not to be asked, or there is no key to ask with. */
  readonly keepa: KeepaAnswer | undefined;
  readonly units: readonly Unit[];
}

const hourMs = 3_600_000;

/** Never rejects for what is broken. @throws ConfigError when not even a directory is known. */
export async function gatherFacts(
  flags: DoctorFlags,
  context: CliContext,
  { clock, unitDirectories }: { clock: Clock; unitDirectories: readonly string[] },
): Promise<Facts> {
  const { loaded, problems } = readConfiguration(flags, context);
  const { dataDir } = loaded.config;
  const units = installedUnits(unitDirectories);
  const daemon = await askDaemon(socketPath(dataDir), clock);
  const key = findKey(context.env, { keyFile: loaded.keyFile, units });
  if (key.secret !== undefined) context.secrets.add(key.secret.reveal());
  const { version } = flags;
  const isAsked = flags.live === true && key.secret !== undefined;
  const nowMs = clock.now();
  return {
    flags,
    context,
    clock,
    nowMs,
    loaded,
    problems,
    daemon,
    stored: await readFacts(dataDir, nowMs),
    key,
    keepa: isAsked
      ? await askKeepa({ url: loaded.config.keepaUrl, key: key.secret, clock, version })
      : undefined,
    units,
  };
}

/** Undefined where no database was made yet. */
async function readFacts(
  dataDir: string,
  nowMs: number,
): Promise<StoredFacts | StoreOpenError | undefined> {
  try {
    return await withStore(dataDir, async ({ reader }) => ({
      ...(await readStored(reader, { nowMs })),
      lastRun: await reader.lastRun(),
      lastRequest: (await reader.recentRequests(1))[0],
      startsLastHour: await reader.runsSince(nowMs - hourMs),
    }));
  } catch (error) {
    if (error instanceof StoreOpenError) return error.reason === 'missing' ? undefined : error;
    // A page that cannot be read comes up in the middle of a query.
    const why = error instanceof Error ? error.message : String(error);
    return new StoreOpenError(databasePath(dataDir), { reason: 'failed', why, cause: error });
  }
}

/** The figures, or undefined when there are none to look at. */
export function storedFacts({ stored }: Facts): StoredFacts | undefined {
  return stored instanceof StoreOpenError ? undefined : stored;
}

/** Why there are no figures, for a check that is passed over. */
export function whyNotStored({ stored }: Facts): string {
  return stored === undefined ? 'there is no database yet' : 'the database cannot be read';
}
