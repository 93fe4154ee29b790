/**
 * The whole daemon in virtual time: the real composition, a real SQLite file, the embedded
 * coordination, and the simulated Keepa. Everything follows from the seed.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Feed } from '../../src/actors/feed.ts';
import { type Config, defaultShares } from '../../src/config.ts';
import { defaultJudging } from '../../src/config-judging.ts';
import { openEmbeddedCoordination } from '../../src/coordination/embedded.ts';
import type { Coordination, Owner } from '../../src/coordination/ports.ts';
import { composeDaemon } from '../../src/daemon.ts';
import type { Daemon } from '../../src/daemon-contract.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import type { Transport } from '../../src/keepa/transport.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { createInProcessTransport } from '../../src/simulator/in-process.ts';
import { createSimulatedKeepa, type SimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { buildReport } from '../../src/status/report.ts';
import type { StatusReport } from '../../src/status/report-fields.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/ports.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';
import { scratchDirectory } from '../scratch.ts';
import { RememberedCoordination } from './remembered-coordination.ts';

export const simulationStartMs = Date.UTC(2026, 5, 1);
const key = 'simulated-key';

export interface SimulationOptions {
  readonly seed: number;
  readonly ratePerMinute: number;
  readonly rows: number;
  readonly initialTokens?: number;
  /** Mean time between two price changes of a listed row; the market's own unless given. */
  readonly repriceMeanHours?: number;
  readonly config?: Partial<Config>;
  /** Where leases and checkpoints are; a file beside the deals unless given. */
  readonly coordination?: 'file' | 'memory';
  /** What the daemon gets instead of these, for faults that come from outside. */
  readonly wrap?: (outside: Outside) => Outside;
  /** Deal selections by feed name; one of used books unless given. */
  readonly feeds?: readonly Feed[];
}

/** One feed of everything used on the simulated list. */
export function usedFeed(name = 'used'): Feed {
  const query = parseDealQuery({ sortType: 4, dateRange: 3 }, { domainId: 1, priceType: 2 });
  return { name, query, screen: {} };
}

export interface Outside {
  readonly transport: Transport;
  readonly coordination: Coordination;
  readonly store: Store;
  /** Of the daemon alone; the simulation's unless given. */
  readonly clock?: Clock;
}

/** One run of the daemon, from its start to its stop. */
interface Life {
  readonly daemon: Daemon;
  readonly store: Store;
  close(): Promise<void>;
}

export class Simulation {
  readonly clock = new VirtualClock(simulationStartMs);
  readonly keepa: SimulatedKeepa;
  readonly log = new RecordedLog();
  readonly directory: string;
  readonly #options: SimulationOptions;
  readonly #remembered: RememberedCoordination | undefined;
  readonly #lives: Life[] = [];
  #lifeCount = 0;
  /** Keepa's own, which stays right when this machine's is stepped. */
  readonly #keepaClock: Clock = {
    now: () => simulationStartMs + this.clock.monotonic(),
    monotonic: () => this.clock.monotonic(),
    after: (ms, fn) => this.clock.after(ms, fn),
    sleep: (ms, signal) => this.clock.sleep(ms, signal),
  };
  #key = key;
  #feeds: readonly Feed[];

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#feeds = options.feeds ?? [usedFeed()];
    if (options.coordination === 'memory') {
      const isProvablyDead = (): boolean => false;
      this.#remembered = new RememberedCoordination({ time: this.clock, isProvablyDead });
    }
    this.directory = scratchDirectory('keepa-deals-simulation-');
    this.keepa = createSimulatedKeepa({
      ...options,
      startMs: simulationStartMs,
      key,
    });
  }

  get daemon(): Daemon {
    return this.#alive().daemon;
  }

  get store(): Store {
    return this.#alive().store;
  }

  /** The key that lives started from now on will use. */
  useKey(otherKey: string): void {
    this.#key = otherKey;
  }

  /** The feeds that lives started from now on will be configured with. */
  useFeeds(feeds: readonly Feed[]): void {
    this.#feeds = feeds;
  }

  /** A new life on the same files, a virtual second old. */
  async start(): Promise<Daemon> {
    const life = await this.#compose();
    this.#lives.unshift(life);
    await Promise.all([life.daemon.start(), this.clock.advanceBy(1_000)]);
    return life.daemon;
  }

  /** A second process beside the one that runs; `daemon` and `store` stay those of the first. */
  async startBeside(): Promise<Daemon> {
    const life = await this.#compose();
    this.#lives.push(life);
    const started = life.daemon.start();
    await this.clock.advanceBy(1_000);
    // A standby is at its start until the other ends.
    await Promise.race([started, life.daemon.readied]);
    return life.daemon;
  }

  async #compose(): Promise<Life> {
    const { seed, config } = this.#options;
    this.#lifeCount += 1;
    const owner = ownerOf(this.#lifeCount);
    const coordination = this.#remembered ?? (await this.#openFile(owner));
    const store = await openStore({ path: join(this.directory, 'deals.sqlite'), mode: 'write' });
    const transport = createInProcessTransport({
      core: this.keepa,
      clock: this.#keepaClock,
      key: this.#key,
    });
    const outside = { transport, coordination, store, clock: this.clock };
    const wrapped = this.#options.wrap?.(outside) ?? outside;
    const daemon = composeDaemon({
      config: { ...configFor(this.directory), ...config },
      feeds: this.#feeds,
      world: {
        clock: wrapped.clock ?? this.clock,
        random: seededRandom(seed).fork(`life-${this.#lifeCount}`),
        transport: wrapped.transport,
        coordination: wrapped.coordination,
        log: this.log,
      },
      store: wrapped.store,
      owner,
      keyHash: 'simulated',
      version: 'simulated',
    });
    const close = async (): Promise<void> => {
      await store.close();
      await coordination.close();
    };
    return { daemon, store, close };
  }

  async #openFile(owner: Owner): Promise<Coordination> {
    return await openEmbeddedCoordination({
      path: join(this.directory, 'coordination.sqlite'),
      clock: this.clock,
      bootClock: { bootId: 'boot', sinceBootMs: () => this.clock.monotonic() },
      host: owner.host,
      isProvablyDead: () => false,
      onNotice: (notice) => this.log.warn(notice),
    });
  }

  /** Stops in order, in virtual time. */
  async stop(): Promise<void> {
    const life = this.#alive();
    await Promise.all([life.daemon.stop('told to'), this.clock.advanceBy(30_000)]);
    await life.close();
    this.#lives.splice(this.#lives.indexOf(life), 1);
  }

  /** Stops whatever still runs, for the end of a test. */
  async abandon(): Promise<void> {
    while (this.#lives.length > 0) await this.stop();
  }

  status(): Promise<StatusReport> {
    return buildReport(this.daemon.sources());
  }

  /** Removes the files. */
  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #alive(): Life {
    const [life] = this.#lives;
    if (life === undefined) throw new Error('the simulated daemon is not running');
    return life;
  }
}

/** Runs the scenario in a simulation of its own, of which nothing is left afterwards. */
export async function simulate(
  options: SimulationOptions,
  scenario: (simulation: Simulation) => Promise<void>,
): Promise<void> {
  const simulation = new Simulation(options);
  try {
    await scenario(simulation);
  } finally {
    await simulation.abandon();
    simulation.dispose();
  }
}

function ownerOf(life: number): Owner {
  return {
    host: 'simulated-host',
    bootId: 'boot',
    pidNamespace: 'pid:[1]',
    pid: 1_000 + life,
    startedAt: `${life}`,
    instance: `life-${life}`,
  };
}

function configFor(directory: string): Config {
  return {
    dataDir: directory,
    keepaUrl: 'http://keepa.invalid',
    deficitFloor: 0,
    shares: defaultShares,
    sweepIntervalMs: 300_000,
    ...defaultJudging,
    standby: false,
    log: { level: 'info', format: 'json' },
    feeds: [],
  };
}
