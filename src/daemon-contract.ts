/**
 * What the daemon is given and what it offers: the outside world, its standing orders, its ends.
 *
 * Apart from the composition, because the command line, the service manager's reports and every
 * simulation speak of a daemon without composing one.
 */
import type { Feed } from './actors/feed.ts';
import type { Config } from './config.ts';
import type { LeaseTimes } from './coordination/lease-keeper.ts';
import type { Coordination, Owner } from './coordination/ports.ts';
import type { Transport } from './keepa/transport.ts';
import type { Clock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import type { LoopProgress } from './runtime/pulse.ts';
import type { Random } from './runtime/random.ts';
import type { ControlActions } from './status/actions.ts';
import type { StatusSources } from './status/sources.ts';
import type { Store } from './store/ports.ts';

/** All that is not deterministic. */
interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly coordination: Coordination;
  readonly log: Log;
}

/** What the standing work is told; all else in the configuration is for the whole process. */
export interface Standing {
  readonly config: Config;
  readonly feeds: readonly Feed[];
}

export interface DaemonOptions extends Standing {
  readonly world: World;
  /** Not written before the leases are held. */
  readonly store: Store;
  /** Another database than that of a present holder of the key's lease is meant. */
  readonly isOwnStore?: boolean;
  readonly owner: Owner;
  /** Hash of the API key: one spender per key, not per data directory. */
  readonly keyHash: string;
  readonly version: string;
  readonly times?: LeaseTimes;
}

/** How the daemon came to its end: the process's exit code and one line why. */
export interface Ending {
  readonly code: 0 | 1 | 75 | 77;
  readonly reason: string;
}

export interface Daemon {
  /** Resolves when it works, or has ended; may wait while another holds the lease. */
  start(): Promise<void>;
  /** Drains and resolves when everything is stored and given back. Safe to call at any time. */
  stop(reason: string): Promise<void>;
  /** Resolves once, never rejects. */
  readonly ended: Promise<Ending>;
  /** Resolves when it works and knows its balance, or stands by; else stays pending. */
  readonly readied: Promise<void>;
  /**
   * Goes on under another configuration: broker, leases and store stay, the actors are new. Before
   * it works it only takes note. Resolves when the new ones work, after what is under way.
   * Rejects when the store cannot take the feeds in; then the work goes on as it was.
   */
  reconfigure(standing: Standing): Promise<void>;
  /** Until when each of its loops may be silent before it is frozen; empty while it ends. */
  progress(): readonly LoopProgress[];
  sources(): StatusSources;
  /** What it does when it is asked to; refused while it does not work. */
  readonly actions: ControlActions;
}

/** What the status tells of a process for as long as it lives. */
export function unchangingSources(options: DaemonOptions, startedAtMs: number) {
  const { config, store, owner, version, world } = options;
  return {
    clock: world.clock,
    instance: owner.instance,
    version,
    dataDir: config.dataDir,
    pid: owner.pid,
    startedAtMs,
    shares: config.shares,
    reader: store.reader,
  } satisfies Partial<StatusSources>;
}
