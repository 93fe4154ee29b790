/**
 * The daemon: puts the parts together in one place, starts them in order, stops them in reverse.
 *
 * Everything that is not deterministic is handed in as a `World`, so the daemon that people run and
 * the one that a simulation runs for thirty days are the same. There is no container and no module
 * state: what a part needs is written out below.
 *
 * Order of the start: lease, store, fence, feeds, broker, actors. Order of the stop: actors, broker
 * (what is in flight is settled and stored), run record, lease. A changed configuration replaces
 * the actors alone; starts and changes take turns: the feeds in the store are those at work.
 */
import type { Feed } from './actors/feed.ts';
import type { Broker, Gate, Stop } from './broker/request.ts';
import { leaseTimes } from './coordination/lease-keeper.ts';
import { LeaseSet } from './coordination/lease-set.ts';
import { daemonLease, dataDirLease, standbyNote } from './coordination/names.ts';
import { Notes } from './coordination/notes.ts';
import type { LeaseEntry } from './coordination/ports.ts';
import { type ActingParts, daemonActions } from './daemon-actions.ts';
import { composeBroker } from './daemon-broker.ts';
import {
  type Daemon,
  type DaemonOptions,
  type Ending,
  type Standing,
  unchangingSources,
} from './daemon-contract.ts';
import { onceUnlocked, recordRun, tryMsMax } from './daemon-database.ts';
import {
  describeHolder,
  fencedBy,
  type Heir,
  isHeirOf,
  listInTime,
  whyHeld,
  whyUnconfirmed,
} from './daemon-leases.ts';
import { WorkPause } from './daemon-pause.ts';
import { DaemonPulses } from './daemon-pulses.ts';
import { adoptFeeds, StandingWork, supervisorIn } from './daemon-work.ts';
import { describeError } from './runtime/describe-error.ts';
import type { LoopProgress } from './runtime/pulse.ts';
import type { Supervisor, SupervisorFailure } from './runtime/supervisor.ts';
import { ActionRefusedError, type ControlActions } from './status/actions.ts';
import type { Phase, StatusSources } from './status/sources.ts';
import { Tally } from './status/tally.ts';
import { type DealWriter, learnedAgeMsMax, StaleFenceError } from './store/ports.ts';

export function composeDaemon(options: DaemonOptions): Daemon {
  return new ComposedDaemon(options);
}

class ComposedDaemon implements Daemon {
  readonly ended: Promise<Ending>;
  readonly readied: Promise<void>;
  readonly actions: ControlActions;
  readonly #options: DaemonOptions;
  readonly #end: (ending: Ending) => void;
  readonly #reportReady: () => void;
  readonly #pulses: DaemonPulses;
  /** The data directory's lease and the key's: one writer of the files, one spender. */
  readonly #leases: LeaseSet;
  readonly #notes: Notes;
  readonly #pause: WorkPause;
  readonly #tally = new Tally();
  readonly #stopping = new AbortController();
  readonly #startedAtMs: number;
  #standing: Standing;
  #storeId = '';
  #phase: Phase;
  /** Whether the store of leases could not be asked when they were to be taken. */
  #isAway = false;
  #broker: Broker | undefined;
  #writer: DealWriter | undefined;
  #work: StandingWork | undefined;
  /** Keeps the leases alive, until after the last write. */
  #keeping: Supervisor | undefined;
  /** What is beginning or changing now; never rejects. */
  #turn: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: DaemonOptions) {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    this.#end = resolve;
    const ready = Promise.withResolvers<void>();
    this.readied = ready.promise;
    this.#reportReady = ready.resolve;
    this.actions = daemonActions(() => this.#actingParts());
    this.#options = options;
    this.#standing = { config: options.config, feeds: options.feeds };
    const { world, owner, keyHash, times = leaseTimes } = options;
    this.#pulses = new DaemonPulses(world.clock, times);
    this.#startedAtMs = world.clock.now();
    this.#phase = { name: 'starting', why: 'opening', sinceMs: this.#startedAtMs };
    this.#leases = new LeaseSet([dataDirLease, daemonLease(keyHash)], {
      leases: world.coordination.leases,
      owner,
      clock: world.clock,
      log: world.log.scoped('lease'),
      times,
      store: () => this.#storeId,
      doing: () => {
        this.#pulses.lease.beat();
        return this.#pause.shownOver(this.#phase).why;
      },
      onTurned: () => this.#broker?.nudge(),
    });
    this.#pause = new WorkPause({
      clock: world.clock,
      log: world.log.scoped('pause'),
      onTurned: () => this.#onPauseTurned(),
    });
    this.#notes = new Notes({ leases: world.coordination.leases, owner, clock: world.clock });
  }

  async start(): Promise<void> {
    const { config, store, owner } = this.#options;
    this.#storeId = (await this.#onceUnlocked(() => store.reader.storeId())) ?? owner.instance;
    const taking = this.#leases.take({
      fenceFloor: () => {
        this.#pulses.start.beat();
        return store.reader.newestFence();
      },
      ...(config.standby ? { onStandby: (holder) => this.#standBy(holder) } : {}),
      isHeirOf: (holder) => isHeirOf(holder, this.#heir()),
      onAway: (why) => this.#waitForLeases(why),
      signal: this.#stopping.signal,
    });
    const taken = await this.#notes.keptDuring(taking);
    this.#notes.remove(standbyNote);
    if (taken.kind === 'aborted' || this.#stopping.signal.aborted) {
      await this.#leases.giveBack();
      return;
    }
    if (taken.kind === 'held') {
      this.#end({ code: 75, reason: whyHeld(taken.holder, this.#heir()) });
      return;
    }
    this.#enter('starting', 'waiting for the first balance');
    await this.#inTurn(() => this.#begin());
  }

  async #begin(): Promise<void> {
    const { store, world } = this.#options;
    this.#keeping = this.#composeKeeping();
    this.#keeping.start();
    const writer = await this.#openWriter();
    if (writer === undefined) return;
    const learned = await store.reader.learnedCosts(world.clock.now() - learnedAgeMsMax);
    const broker = composeBroker({
      ...{ options: this.#options, writer, learned, pulses: this.#pulses },
      gate: () => this.#gate(),
      holdsLeases: () => this.#leases.holds(),
      isFinal: (error) => this.#isTakenOver(error),
      onHalted: (stop) => this.#onHalted(stop),
      onBalanceKnown: () => this.#reportReady(),
      onRecorded: (entry) => this.#tally.noteRequest(entry),
    });
    this.#broker = broker;
    this.#pulses.broker.beat();
    broker.start();
    this.#startWork({ broker, writer });
    this.#enter('active', 'working');
    this.#onPauseTurned();
  }

  /** A paused daemon asks Keepa nothing: it has done what it was started for, like a standby. */
  #onPauseTurned(): void {
    if (this.#phase.name !== 'active') return;
    // Whatever is waited for from now on, it is not waited for since before the pause.
    this.#enter('active', 'working');
    if (this.#pause.current() !== undefined) this.#reportReady();
    this.#broker?.nudge();
  }

  /** Makes us the writer in the database's eyes; undefined when told to stop, or when not. */
  async #openWriter(): Promise<DealWriter | undefined> {
    const { store } = this.#options;
    const write = async (): Promise<DealWriter> => {
      await store.prepareToWrite({ busyMs: tryMsMax });
      const writer = store.writer(this.#leases.fence ?? 0);
      await writer.adoptFence();
      this.#writer = writer;
      await recordRun(writer, this.#options, { startedAtMs: this.#startedAtMs });
      await this.#adoptFeeds(writer, this.#standing.feeds);
      await this.#pause.adopt(store.reader, writer);
      return writer;
    };
    try {
      return await this.#onceUnlocked(write);
    } catch (error) {
      if (this.#isTakenOver(error)) return undefined;
      throw error;
    }
  }

  #onceUnlocked<T>(step: () => Promise<T>): Promise<T | undefined> {
    const { clock, log } = this.#options.world;
    const { signal } = this.#stopping;
    const onTry = (): void => this.#pulses.start.beat();
    return onceUnlocked({ clock, log, signal, step, onTry, enter: this.#enter.bind(this) });
  }

  #adoptFeeds(writer: DealWriter, feeds: readonly Feed[]): Promise<void> {
    const { store, world } = this.#options;
    return adoptFeeds({ ...world, reader: store.reader, writer, feeds });
  }

  reconfigure(standing: Standing): Promise<void> {
    return this.#inTurn(() => this.#change(standing));
  }

  async #change(standing: Standing): Promise<void> {
    const before = this.#standing;
    this.#standing = standing;
    const [work, writer, broker] = [this.#work, this.#writer, this.#broker];
    if (work === undefined || writer === undefined || broker === undefined) return;
    await work.stop();
    if (this.#stopping.signal.aborted) return;
    try {
      await this.#adoptFeeds(writer, standing.feeds);
    } catch (error) {
      this.#standing = before;
      throw error;
    } finally {
      this.#startWork({ broker, writer });
    }
  }

  /** One after the other, and none after the daemon was told to stop. */
  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(() => (this.#stopping.signal.aborted ? undefined : step()));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #standBy(holder: LeaseEntry): void {
    this.#options.world.log.info('standby', { holder: describeHolder(holder) });
    this.#enter('standby', `waiting for ${describeHolder(holder)} to end`);
    this.#reportReady();
    this.#notes.put(standbyNote, this.#phase.why);
  }

  #heir(): Heir {
    return { storeId: this.#storeId, isOwnStore: this.#options.isOwnStore === true };
  }

  #waitForLeases(why: string | undefined): void {
    this.#isAway = why !== undefined;
    if (why === undefined) this.#enter('starting', 'opening');
    else this.#enter('blocked', `no token is spent without a lease, and there is none: ${why}`);
    const { log } = this.#options.world;
    if (why === undefined) log.info('lease-store-back');
    else log.warn('lease-store-away', { why });
  }

  /** A stale fence says that another process writes now: this one must not go on buying. */
  #isTakenOver(error: unknown): boolean {
    if (!(error instanceof StaleFenceError)) return false;
    this.#options.world.log.warn('write-refused', { why: error.message });
    void this.#shutDown({ code: 1, reason: error.message });
    return true;
  }

  /**
   * A refused key ends the process: nothing it could do would be of use. One that worked before may
   * be a slip of Keepa's, so then the exit code lets systemd try again, once: a fresh start that is
   * refused exits 77, which is not restarted. An unpaid plan stays up and is tried again.
   */
  #onHalted({ why }: Stop): void {
    const wasAccepted = this.#broker?.snapshot().refillRate !== undefined;
    void this.#shutDown({ code: wasAccepted ? 1 : 77, reason: `Keepa refuses the key: ${why}` });
  }

  #gate(): Gate {
    this.#pulses.broker.beat();
    this.#pause.look();
    if (this.#leases.holds()) return this.#pause.gate();
    return { open: false, why: whyUnconfirmed(this.#leases) };
  }

  #composeKeeping(): Supervisor {
    const keeping = supervisorIn(this.#options.world);
    this.#pulses.lease.beat();
    const fenced = fencedBy(this.#options.store.reader, () => this.#writer);
    keeping.add({ name: 'lease', run: (signal) => this.#leases.run(signal, fenced) });
    keeping.add({ name: 'notes', run: (signal) => this.#notes.run(signal) });
    this.#endIfFailed(keeping.failed);
    void this.#leases.lost.then((reason) => this.#shutDown({ code: 1, reason }));
    return keeping;
  }

  /** The actors of the present configuration, at work; none once it was told to stop. */
  #startWork(parts: { broker: Broker; writer: DealWriter }): void {
    if (this.#stopping.signal.aborted) return;
    const { store, world } = this.#options;
    const { clock, log, random, coordination } = world;
    this.#work = new StandingWork({
      ...this.#standing,
      ...parts,
      ...{ clock, log, random, reader: store.reader, checkpoints: coordination.checkpoints },
      fence: () => this.#leases.fence ?? 0,
      notes: this.#notes,
      lastPausedAtMs: () => this.#pause.lastPausedAtMs(),
      onSweepEnded: (feed, outcome) => this.#tally.noteSweep(feed, outcome),
      onError: (error) => void this.#isTakenOver(error),
    });
    this.#endIfFailed(this.#work.failed);
    this.#work.start();
  }

  #endIfFailed(failed: Promise<SupervisorFailure>): void {
    void failed.then(({ child, reason }) =>
      this.#shutDown({ code: 1, reason: `${child} keeps failing: ${reason}` }),
    );
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
    this.#pause.stop();
    try {
      // The actors wait for the broker, so it stops admitting while they take their requests back.
      await Promise.all([this.#work?.stop(), this.#turn, this.#broker?.drain()]);
      await this.#keeping?.stop();
      await this.#recordEnd(ending.reason);
    } catch (error) {
      log.warn('stop', { error: describeError(error) });
    }
    await this.#notes.removeAll();
    await this.#leases.giveBack();
    this.#end(ending);
  }

  async #recordEnd(stopReason: string): Promise<void> {
    if (this.#writer === undefined) return;
    await recordRun(this.#writer, this.#options, { startedAtMs: this.#startedAtMs, stopReason });
  }

  #enter(name: Phase['name'], why: string): void {
    this.#phase = { name, why, sinceMs: this.#options.world.clock.now() };
    this.#leases.tell();
  }

  /** @throws ActionRefusedError unless it works. */
  #actingParts(): ActingParts {
    const { store, world } = this.#options;
    const { config } = this.#standing;
    const { name, why } = this.#phase;
    const [broker, writer] = [this.#broker, this.#writer];
    if (name !== 'active' || broker === undefined || writer === undefined) {
      throw new ActionRefusedError(`it is not at work (${name}: ${why})`);
    }
    const { clock, log } = world;
    const rules = { costs: config.costs, acceptance: config.acceptance };
    const { signal } = this.#stopping;
    const parts = { broker, reader: store.reader, writer, clock, rules, signal };
    return { ...parts, pause: this.#pause, log: log.scoped('asked') };
  }

  sources(): StatusSources {
    return {
      ...unchangingSources(this.#options, this.#startedAtMs),
      phase: () => this.#pause.shownOver(this.#phase),
      pause: () => this.#pause.current(),
      broker: () => this.#broker?.snapshot(),
      suspensions: () => this.#work?.janitor.suspensions() ?? new Map(),
      loops: () => this.#work?.loops() ?? [],
      leases: () => this.#listLeases(),
      tally: () => this.#tally.figures(),
      progress: () => this.progress(),
    };
  }

  progress(): readonly LoopProgress[] {
    const { name } = this.#phase;
    if (name === 'stopping') return [];
    const [work, broker] = [this.#work, this.#broker];
    if (work === undefined || broker === undefined) return [this.#pulses.start.progress()];
    return [...this.#pulses.atWork(broker), ...work.progress()];
  }

  async #listLeases(): Promise<readonly LeaseEntry[]> {
    const { clock, coordination } = this.#options.world;
    const isHere = this.#leases.trouble === undefined && !this.#isAway;
    return isHere ? await listInTime(coordination.leases, clock) : [];
  }
}
