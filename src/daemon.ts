/**
 * The daemon: puts the parts together in one place, starts them in order, stops them in reverse.
 *
 * Everything that is not deterministic is handed in as a `World`, so the daemon that people run and
 * the one that a simulation runs for thirty days are the same. There is no container and no module
 * state: what a part needs is written out below.
 *
 * Order of the start: lease, fence, feeds, broker, actors. Order of the stop: actors, broker (what
 * is in flight is settled and stored), run record, lease.
 */
import { openGaps } from './actors/coverage.ts';
import { type Feed, identityOf } from './actors/feed.ts';
import type { Janitor } from './actors/janitor.ts';
import type { Broker, Gate, Stop } from './broker/request.ts';
import { createBroker } from './broker/token-broker.ts';
import type { Config } from './config.ts';
import { type LeaseTimes, leaseTimes } from './coordination/lease-keeper.ts';
import { LeaseSet } from './coordination/lease-set.ts';
import { daemonLease, dataDirLease } from './coordination/names.ts';
import type { Coordination, LeaseEntry, Owner } from './coordination/ports.ts';
import { type ActingParts, daemonActions } from './daemon-actions.ts';
import { composeActors } from './daemon-actors.ts';
import { createKeepaClient } from './keepa/client.ts';
import type { Transport } from './keepa/transport.ts';
import type { Actor } from './runtime/actor.ts';
import type { Clock } from './runtime/clock.ts';
import { describeError } from './runtime/describe-error.ts';
import type { Log } from './runtime/log.ts';
import type { Random } from './runtime/random.ts';
import { Supervisor } from './runtime/supervisor.ts';
import { ActionRefusedError, type ControlActions } from './status/actions.ts';
import type { Phase, StatusSources } from './status/sources.ts';
import { type DealWriter, StaleFenceError, type Store } from './store/ports.ts';

/** All that is not deterministic. */
interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly coordination: Coordination;
  readonly log: Log;
}

export interface DaemonOptions {
  readonly config: Config;
  readonly feeds: readonly Feed[];
  readonly world: World;
  readonly store: Store;
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
  sources(): StatusSources;
  /** What it does when it is asked to; refused while it does not work. */
  readonly actions: ControlActions;
}

/** A child that fails more often than this is broken in a way that no restart heals. */
const restarts = { max: 10, windowMs: 600_000 };
const restartBackoff = { firstMs: 1_000, capMs: 60_000 };
/** A pass that neither waits in the broker nor ends within this is stuck: an answer takes 120 s. */
const progressMsMax = 300_000;

export function composeDaemon(options: DaemonOptions): Daemon {
  return new ComposedDaemon(options);
}

class ComposedDaemon implements Daemon {
  readonly ended: Promise<Ending>;
  readonly actions: ControlActions;
  readonly #options: DaemonOptions;
  readonly #end: (ending: Ending) => void;
  /** The data directory's lease and the key's: one writer of the files, one spender. */
  readonly #leases: LeaseSet;
  readonly #stopping = new AbortController();
  readonly #actors: Actor[] = [];
  readonly #startedAtMs: number;
  #phase: Phase;
  #broker: Broker | undefined;
  #writer: DealWriter | undefined;
  #janitor: Janitor | undefined;
  #supervisor: Supervisor | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: DaemonOptions) {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    this.#end = resolve;
    this.actions = daemonActions(() => this.#actingParts());
    this.#options = options;
    const { world, owner, keyHash, times = leaseTimes } = options;
    this.#startedAtMs = world.clock.now();
    this.#phase = { name: 'starting', why: 'opening', sinceMs: this.#startedAtMs };
    this.#leases = new LeaseSet([dataDirLease, daemonLease(keyHash)], {
      leases: world.coordination.leases,
      owner,
      clock: world.clock,
      log: world.log.scoped('lease'),
      times,
      doing: () => this.#phase.why,
      onRegained: () => this.#broker?.nudge(),
    });
  }

  async start(): Promise<void> {
    const { config, store } = this.#options;
    const taken = await this.#leases.take({
      fenceFloor: () => store.reader.newestFence(),
      ...(config.standby ? { onStandby: (holder) => this.#standBy(holder) } : {}),
      signal: this.#stopping.signal,
    });
    if (taken.kind === 'aborted' || this.#stopping.signal.aborted) {
      await this.#leases.release();
      return;
    }
    if (taken.kind === 'held') {
      this.#end({ code: 75, reason: `already running: ${describeHolder(taken.holder)}` });
      return;
    }
    this.#enter('starting', 'waiting for the first balance');
    const writer = store.writer(taken.fence);
    this.#writer = writer;
    await writer.adoptFence();
    await writer.syncFeeds(
      this.#options.feeds.map((feed) => identityOf(feed)),
      this.#startedAtMs,
    );
    await this.#recordRun({});
    // Before any page is stored: the first one would hide how long nobody has looked.
    const log = this.#options.world.log.scoped('janitor');
    const lastSeen = { feeds: await store.reader.feeds(), nowMs: this.#startedAtMs };
    await openGaps({ reader: store.reader, writer, log }, lastSeen);
    this.#broker = this.#composeBroker(writer);
    this.#supervisor = this.#composeActors({ broker: this.#broker, writer, fence: taken.fence });
    this.#broker.start();
    this.#supervisor.start();
    this.#watch(this.#supervisor);
    this.#enter('active', 'working');
  }

  #standBy(holder: LeaseEntry): void {
    this.#options.world.log.info('standby', { holder: describeHolder(holder) });
    this.#enter('standby', `waiting for ${describeHolder(holder)} to end`);
  }

  #composeBroker(writer: DealWriter): Broker {
    const { config, world } = this.#options;
    const { clock, random, log, transport } = world;
    return createBroker({
      clock,
      random: random.fork('broker'),
      log: log.scoped('broker'),
      client: createKeepaClient({ transport, clock }),
      policy: { shares: config.shares, deficitFloor: config.deficitFloor },
      record: (entry) => writer.recordRequest(entry),
      gate: () => this.#gate(),
      isFinal: (error) => this.#isTakenOver(error),
      onHalted: (stop) => this.#onHalted(stop),
    });
  }

  /** A stale fence says that another process writes now: this one must not go on buying. */
  #isTakenOver(error: unknown): boolean {
    if (!(error instanceof StaleFenceError)) return false;
    void this.#shutDown({ code: 1, reason: error.message });
    return true;
  }

  /**
   * A refused key ends the process: nothing it could do would be of use. One that worked before may
   * be a slip of Keepa's, so then the exit code lets systemd try again, once: a fresh start that is
   * refused exits 77, which is not restarted. An unpaid plan stays up and says so.
   */
  #onHalted({ cause, why }: Stop): void {
    if (cause !== 'invalid-key') return;
    const wasAccepted = this.#broker?.snapshot().refillRate !== undefined;
    void this.#shutDown({ code: wasAccepted ? 1 : 77, reason: `Keepa refuses the key: ${why}` });
  }

  #gate(): Gate {
    if (this.#leases.holds()) return { open: true };
    return { open: false, why: 'the daemon lease is not confirmed' };
  }

  #composeActors(parts: { broker: Broker; writer: DealWriter; fence: number }): Supervisor {
    const { config, feeds, store, world } = this.#options;
    const { clock, log, random, coordination } = world;
    const { reader } = store;
    const { checkpoints } = coordination;
    const shared = { ...parts, config, feeds, reader, checkpoints, clock, log };
    const { actors, janitor } = composeActors(shared);
    this.#janitor = janitor;
    this.#actors.push(...actors);
    const supervisor = new Supervisor({
      clock,
      random,
      log: log.scoped('supervisor'),
      restarts,
      backoff: restartBackoff,
    });
    supervisor.add({ name: 'lease', run: (signal) => this.#leases.run(signal) });
    for (const actor of actors) {
      const { name } = actor.snapshot();
      supervisor.add({ name, run: (signal) => this.#runActor(actor, signal) });
    }
    return supervisor;
  }

  async #runActor(actor: Actor, signal: AbortSignal): Promise<void> {
    try {
      await actor.run(signal);
    } catch (error) {
      this.#isTakenOver(error);
      throw error;
    }
  }

  /** The three ways in which the daemon ends without being asked to. */
  #watch(supervisor: Supervisor): void {
    const endWith = (ending: Ending): void => {
      void this.#shutDown(ending);
    };
    void supervisor.failed.then(({ child, reason }) =>
      endWith({ code: 1, reason: `${child} keeps failing: ${reason}` }),
    );
    void this.#leases.lost.then((reason) => endWith({ code: 1, reason }));
  }

  stop(reason: string): Promise<void> {
    return this.#shutDown({ code: 0, reason });
  }

  #shutDown(ending: Ending): Promise<void> {
    this.#stopped ??= this.#drain(ending);
    return this.#stopped;
  }

  async #drain(ending: Ending): Promise<void> {
    const { log } = this.#options.world;
    this.#enter('stopping', ending.reason);
    this.#stopping.abort();
    try {
      // The actors wait for the broker, so it stops admitting while they take their requests back.
      await Promise.all([this.#supervisor?.stop(), this.#broker?.drain()]);
      await this.#recordRun({ stopReason: ending.reason });
    } catch (error) {
      log.warn('stop', { error: describeError(error) });
    }
    await this.#leases.release().catch((error: unknown) => {
      log.warn('lease-release-failed', { error: describeError(error) });
    });
    this.#end(ending);
  }

  async #recordRun({ stopReason }: { stopReason?: string }): Promise<void> {
    const { owner, version, world } = this.#options;
    await this.#writer?.recordRun({
      instance: owner.instance,
      version,
      pid: owner.pid,
      startedAtMs: this.#startedAtMs,
      ...(stopReason === undefined ? {} : { stoppedAtMs: world.clock.now(), stopReason }),
    });
  }

  #enter(name: Phase['name'], why: string): void {
    this.#phase = { name, why, sinceMs: this.#options.world.clock.now() };
  }

  /** @throws ActionRefusedError unless it works. */
  #actingParts(): ActingParts {
    const { config, store, world } = this.#options;
    const { name, why } = this.#phase;
    const [broker, writer] = [this.#broker, this.#writer];
    if (name !== 'active' || broker === undefined || writer === undefined) {
      throw new ActionRefusedError(`it is not at work (${name}: ${why})`);
    }
    const { clock, log } = world;
    const rules = { costs: config.costs, acceptance: config.acceptance };
    const { signal } = this.#stopping;
    return { broker, reader: store.reader, writer, clock, rules, log: log.scoped('asked'), signal };
  }

  sources(): StatusSources {
    const { config, store, owner, version, world } = this.#options;
    return {
      clock: world.clock,
      version,
      dataDir: config.dataDir,
      pid: owner.pid,
      startedAtMs: this.#startedAtMs,
      shares: config.shares,
      reader: store.reader,
      phase: () => this.#phase,
      broker: () => this.#broker?.snapshot(),
      suspensions: () => this.#janitor?.suspensions() ?? new Map(),
      loops: () => this.#actors.map((actor) => this.#loopOf(actor)),
      leases: () => world.coordination.leases.list(),
    };
  }

  #loopOf(actor: Actor): ReturnType<StatusSources['loops']>[number] {
    const { name, state, passes, failures, lastPassAtMs, nextPassAtMs, lastError } =
      actor.snapshot();
    const waits = this.#isWaitingForTokens();
    const sinceMs = state === 'running' ? lastPassAtMs : nextPassAtMs;
    const isDue = sinceMs !== undefined && !(state === 'running' && waits);
    return {
      name,
      doing: state === 'running' ? 'a pass' : undefined,
      passes,
      failures,
      lastPassAtMs,
      nextPassAtMs,
      progressDueAtMs: isDue ? sinceMs + progressMsMax : undefined,
      lastError,
    };
  }

  /** True while the broker has work queued or in flight: it is the broker that has to move then. */
  #isWaitingForTokens(): boolean {
    const snapshot = this.#broker?.snapshot();
    if (snapshot === undefined) return false;
    const queued = Object.values(snapshot.classes).some((entry) => entry.queued > 0);
    return queued || snapshot.inFlight !== undefined;
  }
}

function describeHolder({ owner }: LeaseEntry): string {
  return `process ${owner.pid} on host ${owner.host.slice(0, 12)}`;
}
