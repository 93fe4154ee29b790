/**
 * The whole daemon in virtual time: the real composition, a real SQLite file, the embedded
 * coordination, and the simulated Keepa. Everything follows from the seed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Feed } from '../../src/actors/feed.ts';
import { type Config, defaultShares } from '../../src/config.ts';
import { openEmbeddedCoordination } from '../../src/coordination/embedded.ts';
import type { Owner } from '../../src/coordination/ports.ts';
import { composeDaemon, type Daemon } from '../../src/daemon.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { createInProcessTransport } from '../../src/simulator/in-process.ts';
import { createSimulatedKeepa, type SimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { buildReport } from '../../src/status/report.ts';
import type { StatusReport } from '../../src/status/report-fields.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/ports.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';

export const simulationStartMs = Date.UTC(2026, 5, 1);
const key = 'simulated-key';

export interface SimulationOptions {
  readonly seed: number;
  readonly ratePerMinute: number;
  readonly rows: number;
  readonly initialTokens?: number;
  readonly config?: Partial<Config>;
  /** Deal selections by feed name; one of used books unless given. */
  readonly feeds?: readonly Feed[];
}

/** One feed of everything used on the simulated list. */
export function usedFeed(name = 'used'): Feed {
  const query = parseDealQuery({ sortType: 4, dateRange: 3 }, { domainId: 1, priceType: 2 });
  return { name, query, screen: {} };
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
  #life: Life | undefined;
  #lives = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.directory = mkdtempSync(join(tmpdir(), 'keepa-deals-simulation-'));
    this.keepa = createSimulatedKeepa({ ...options, startMs: simulationStartMs, key });
  }

  get daemon(): Daemon {
    return this.#alive().daemon;
  }

  get store(): Store {
    return this.#alive().store;
  }

  /** A new life on the same files. Resolves when it has started, within a virtual second. */
  async start(): Promise<Daemon> {
    const { seed, feeds = [usedFeed()], config } = this.#options;
    this.#lives += 1;
    const owner = this.#owner(this.#lives);
    const coordination = await openEmbeddedCoordination({
      path: join(this.directory, 'coordination.sqlite'),
      clock: this.clock,
      bootClock: { bootId: 'boot', sinceBootMs: () => this.clock.monotonic() },
      host: owner.host,
      isProvablyDead: ({ pid }) => pid !== owner.pid,
      onNotice: (notice) => this.log.warn(notice),
    });
    const store = await openStore({ path: join(this.directory, 'deals.sqlite'), mode: 'write' });
    const daemon = composeDaemon({
      config: { ...configFor(this.directory), ...config },
      feeds,
      world: {
        clock: this.clock,
        random: seededRandom(seed).fork(`life-${this.#lives}`),
        transport: createInProcessTransport({ core: this.keepa, clock: this.clock, key }),
        coordination,
        log: this.log,
      },
      store,
      owner,
      keyHash: 'simulated',
      version: 'simulated',
    });
    const close = async (): Promise<void> => {
      await store.close();
      await coordination.close();
    };
    this.#life = { daemon, store, close };
    await Promise.all([daemon.start(), this.clock.advanceBy(1_000)]);
    return daemon;
  }

  /** Stops in order, in virtual time. */
  async stop(): Promise<void> {
    const { daemon, close } = this.#alive();
    await Promise.all([daemon.stop('told to'), this.clock.advanceBy(180_000)]);
    await close();
    this.#life = undefined;
  }

  status(): Promise<StatusReport> {
    return buildReport(this.daemon.sources());
  }

  /** Removes the files. */
  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #alive(): Life {
    if (this.#life === undefined) throw new Error('the simulated daemon is not running');
    return this.#life;
  }

  #owner(life: number): Owner {
    return {
      host: 'simulated-host',
      bootId: 'boot',
      pidNamespace: 'pid:[1]',
      pid: 1_000 + life,
      startedAt: `${life}`,
      instance: `life-${life}`,
    };
  }
}

function configFor(directory: string): Config {
  return {
    dataDir: directory,
    keepaUrl: 'http://keepa.invalid',
    deficitFloor: 0,
    shares: defaultShares,
    sweepIntervalMs: 300_000,
    standby: false,
    log: { level: 'info', format: 'json' },
    feeds: [],
  };
}
