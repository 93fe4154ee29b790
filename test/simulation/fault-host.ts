/**
 * The machine that the daemon runs on: its disk, its wall clock, its coordination, and the lives
 * of the process, one after the other.
 *
 * A killed process leaves what was on the disk at that instant. The next life starts from a copy of
 * it, so whatever the old one would still have done happens to files that nobody reads. Like
 * systemd, the host starts the daemon again whenever it ends.
 *
 * Invariant: at most one life is `current`; a paused one beside it is the zombie.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedCoordination } from '../../src/coordination/embedded.ts';
import type { Coordination, Owner } from '../../src/coordination/ports.ts';
import { composeDaemon } from '../../src/daemon.ts';
import type { Daemon, Ending } from '../../src/daemon-contract.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { createInProcessTransport } from '../../src/simulator/in-process.ts';
import type { SimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/ports.ts';
import { scratchDirectory } from '../scratch.ts';
import { ConfigFile } from './fault-config.ts';
import { Disk } from './fault-disk.ts';
import { Life, type PortCall } from './fault-life.ts';
import { Wire, type WireWatcher } from './fault-wire.ts';
import type { World } from './fault-world.ts';
import { RememberedCoordination } from './remembered-coordination.ts';
import { type Trace, traceLog } from './trace-log.ts';

/** systemd's RestartSec. */
const restartMs = 5_000;
/** RestartPreventExitStatus does not hold 75 here: whoever is told "already running" asks again. */
const heldRestartMs = 10_000;

/** A life with what it has open. */
export interface LivedLife {
  readonly life: Life;
  readonly wire: Wire;
  readonly owner: Owner;
  readonly startedAtMs: number;
  daemon: Daemon | undefined;
  /** What SIGHUP does. */
  reload: (() => Promise<void>) | undefined;
  store: Store | undefined;
  coordination: Coordination | undefined;
  ending: Ending | undefined;
}

export interface HostWatcher extends WireWatcher {
  onDone(call: PortCall, value: unknown): void;
  onStarted(lived: LivedLife): void;
  /** It was killed, and its files are copied. */
  onCrashed(lived: LivedLife, at: string): void;
  /** It ended by itself, or was told to. */
  onEnded(lived: LivedLife, ending: Ending): void;
}

export interface HostOptions {
  readonly world: World;
  readonly clock: Clock;
  readonly keepa: SimulatedKeepa;
  readonly key: string;
  readonly trace: Trace;
  readonly watcher: HostWatcher;
  readonly faultNow: () => Fault | undefined;
}

export class Host {
  readonly disk = new Disk();
  readonly config: ConfigFile;
  wallOffsetMs = 0;
  isCoordinationDown = false;
  isDiskFull = false;
  /** Lists have no last page: more than Keepa shows. */
  isEndless = false;
  /** How long the process stays down after its next crash. */
  downMs = restartMs;
  readonly #options: HostOptions;
  readonly #root: string;
  readonly #dead = new Set<string>();
  readonly #apart: RememberedCoordination | undefined;
  #directory: string;
  #lives: LivedLife[] = [];
  #count = 0;
  #isClosed = false;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#root = scratchDirectory('keepa-deals-faults-');
    options.trace.leaveOut(this.#root);
    this.#directory = this.#newDirectory('disk-0');
    const { clock, world, key } = options;
    this.config = new ConfigFile({ world, directory: this.#root, key });
    if (world.coordination === 'file') return;
    const isProvablyDead = (owner: Owner): boolean => this.#isProvablyDead(owner);
    this.#apart = new RememberedCoordination({ time: clock, isProvablyDead });
  }

  get dealsPath(): string {
    return join(this.#directory, 'deals.sqlite');
  }

  get lives(): readonly LivedLife[] {
    return this.#lives;
  }

  /** The life at work, if one is, be it that people have paused its work. */
  get current(): LivedLife | undefined {
    return this.#lives.find(({ life, daemon }) => {
      const phase = daemon?.sources().phase().name;
      return !life.isPaused && (phase === 'active' || phase === 'paused');
    });
  }

  /** The coordination as nobody's port, for those who break it. */
  async breakCoordination(how: 'empty' | 'clear'): Promise<void> {
    if (how === 'empty' && this.#apart !== undefined) {
      this.#apart.lose();
      return;
    }
    const coordination = this.#apart ?? (await this.#openFile());
    for (const { name } of await coordination.leases.list()) await coordination.leases.clear(name);
    if (how === 'empty') {
      for (const { name } of await coordination.checkpoints.list()) {
        await coordination.checkpoints.remove(name);
      }
    }
    if (this.#apart === undefined) await coordination.close();
  }

  /** Who holds the daemon's lease now, by the coordination store itself. */
  async holder(): Promise<string | undefined> {
    const lived = this.#lives.find(({ coordination }) => coordination !== undefined);
    const leases = (this.#apart ?? lived?.coordination)?.leases;
    const entries = (await leases?.list()) ?? [];
    const held = entries.find(
      ({ name, remainingMs }) => name.startsWith('daemon') && remainingMs > 0,
    );
    return held?.owner.instance;
  }

  /** Starts a process; returns at once. Whatever it ends with, another one follows. */
  start(): LivedLife | undefined {
    if (this.#isClosed) return undefined;
    this.#count += 1;
    const { clock, keepa, watcher, faultNow } = this.#options;
    const life = new Life({
      number: this.#count,
      clock,
      wallOffsetMs: () => this.wallOffsetMs,
      onDone: (call, value) => watcher.onDone(call, value),
      onCrash: (_, at) => this.#crashed(lived, at),
      troubleOf: (port) =>
        this.isCoordinationDown && /^(leases|checkpoints)\./.test(port)
          ? 'the coordination store does not answer'
          : undefined,
    });
    const wire = new Wire({ keepa, life, watcher, faultNow, isEndless: () => this.isEndless });
    const lived: LivedLife = {
      life,
      wire,
      owner: ownerOf(this.#count),
      startedAtMs: clock.now(),
      daemon: undefined,
      reload: undefined,
      store: undefined,
      coordination: undefined,
      ending: undefined,
    };
    this.#lives.push(lived);
    void this.#live(lived);
    return lived;
  }

  async #live(lived: LivedLife): Promise<void> {
    try {
      const daemon = await this.#compose(lived);
      void daemon.ended.then((ending) => this.#ended(lived, ending));
      if (this.isDiskFull) this.disk.fill(this.dealsPath);
      this.#options.watcher.onStarted(lived);
      await daemon.start();
    } catch (error) {
      await this.#ended(lived, { code: 1, reason: `start failed: ${String(error)}` });
    }
  }

  async #compose(lived: LivedLife): Promise<Daemon> {
    const { world, clock, key, trace } = this.#options;
    const { life, wire, owner } = lived;
    const store = await openStore({ path: this.dealsPath, mode: 'write', busyMs: 0 });
    lived.store = store;
    const coordination = this.#apart ?? (await this.#openFile());
    lived.coordination = coordination;
    const transport = createInProcessTransport({ core: wire, clock, key });
    const log = traceLog({ trace, nowMs: () => clock.now(), isSilent: () => life.isDead });
    const standing = this.config.load();
    lived.daemon = composeDaemon({
      ...standing,
      world: {
        clock: life.clock,
        random: seededRandom(world.seed).fork(`life-${life.number}`),
        transport: life.guard('transport', transport),
        coordination: {
          leases: life.guard('leases', coordination.leases),
          checkpoints: life.guard('checkpoints', coordination.checkpoints),
          close: async () => undefined,
        },
        log,
      },
      store: {
        reader: life.guard('reader', store.reader, ['writes']),
        prepareToWrite: () => store.prepareToWrite(),
        writer: (fence) => life.guard(`writer${fence}`, store.writer(fence)),
        close: async () => undefined,
      },
      owner,
      keyHash: 'simulated',
      version: 'simulated',
    });
    lived.reload = this.config.reloaderFor(lived.daemon, { standing, log });
    return lived.daemon;
  }

  #openFile(): Promise<Coordination> {
    const { clock } = this.#options;
    return openEmbeddedCoordination({
      path: join(this.#directory, 'coordination.sqlite'),
      clock,
      bootClock: { bootId: 'boot', sinceBootMs: () => clock.monotonic() },
      host: 'simulated-host',
      isProvablyDead: (owner) => this.#isProvablyDead(owner),
      onNotice: (notice) => this.#options.trace.note(notice),
    });
  }

  #isProvablyDead({ instance }: Owner): boolean {
    return this.#options.world.isDeathProvable && this.#dead.has(instance);
  }

  /** Kills a life between two calls. */
  kill(lived: LivedLife, at: string): void {
    if (lived.life.isDead) return;
    lived.life.kill();
    this.#crashed(lived, at);
  }

  #crashed(lived: LivedLife, at: string): void {
    const { clock, watcher, trace } = this.#options;
    trace.note(`${clock.now()} life ${lived.life.number} crashed ${at}`);
    this.#dead.add(lived.owner.instance);
    this.#drop(lived);
    const others = this.#lives.length > 0;
    if (!others) this.#moveDisk();
    watcher.onCrashed(lived, at);
    clock.after(restartMs, () => void this.#close(lived));
    if (!others) clock.after(this.downMs, () => this.start());
  }

  /** The files of the dead life stay behind; what they held at this instant goes on. */
  #moveDisk(): void {
    const from = this.#directory;
    this.disk.unlock();
    this.#directory = this.#newDirectory(`disk-${this.#count}`);
    for (const name of ['deals.sqlite', 'coordination.sqlite']) {
      this.disk.copy(join(from, name), join(this.#directory, name));
    }
  }

  #newDirectory(name: string): string {
    const directory = join(this.#root, name);
    mkdirSync(directory);
    return directory;
  }

  async #ended(lived: LivedLife, ending: Ending): Promise<void> {
    if (lived.life.isDead || lived.ending !== undefined) return;
    const { clock, watcher, trace } = this.#options;
    lived.ending = ending;
    trace.note(`${clock.now()} life ${lived.life.number} ended ${ending.code} ${ending.reason}`);
    this.#dead.add(lived.owner.instance);
    lived.life.kill();
    this.#drop(lived);
    watcher.onEnded(lived, ending);
    await this.#close(lived);
    if (this.#lives.length === 0) {
      clock.after(ending.code === 75 ? heldRestartMs : this.downMs, () => this.start());
    }
  }

  #drop(lived: LivedLife): void {
    this.#lives = this.#lives.filter((other) => other !== lived);
  }

  async #close({ store, coordination }: LivedLife): Promise<void> {
    await store?.close();
    if (this.#apart === undefined) await coordination?.close();
  }

  /** Ends everything and removes the files. */
  async dispose(): Promise<void> {
    this.#isClosed = true;
    this.disk.unlock();
    for (const lived of this.#lives) {
      lived.life.kill();
      await this.#close(lived);
    }
    this.#lives = [];
    rmSync(this.#root, { recursive: true, force: true });
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
