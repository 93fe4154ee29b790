/**
 * One seed, from its first to its last virtual minute: faults, then healing, then the final look.
 *
 * The world and the fault plan are drawn from the seed; the checkers watch every event and every
 * virtual minute. The first promise that is broken ends the run. What a run did is one hash, and
 * the same seed gives the same one.
 */

import { faultTimetable } from '../../src/simulator/fault-timetable.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { createSimulatedKeepa, type SimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { allCheckers } from './checkers/all.ts';
import type { Checker, Failure, Watched } from './checkers/checker.ts';
import { Host } from './fault-host.ts';
import { drawPlan, type Trouble } from './fault-plan.ts';
import { Tables } from './fault-tables.ts';
import { TroubleMaker } from './fault-troubles.ts';
import { drawWorld, type World } from './fault-world.ts';
import { Trace } from './trace-log.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const startMs = Date.UTC(2026, 5, 1);
export const simulatedKey = 'simulated-key-f7a31c';

export interface RunOptions {
  readonly seed: number;
  readonly hours: number;
  /** Another world, or another plan, than the seed's own. */
  readonly world?: World;
  readonly plan?: readonly Trouble[];
  /** Ends with the last fault, without the phase in which everything heals. */
  readonly withoutHealing?: boolean;
  /** Told of every line of the log and every event. */
  readonly onLine?: (text: string) => void;
}

export interface Outcome {
  readonly seed: number;
  readonly failures: readonly Failure[];
  readonly traceHash: string;
  readonly virtualHours: number;
  readonly requests: number;
  readonly lives: number;
  /** Rows with a verdict at the end. */
  readonly judgedRows: number;
}

/** Runs the seed. Never rejects for what the daemon does. */
export async function runSeed(options: RunOptions): Promise<Outcome> {
  const run = new FaultRun(options);
  const onUnhandled = (error: unknown): void => run.fail('unhandled', describe(error));
  process.on('unhandledRejection', onUnhandled);
  try {
    return await run.run();
  } finally {
    process.off('unhandledRejection', onUnhandled);
    await run.dispose();
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

class FaultRun implements Watched {
  readonly world: World;
  readonly plan: readonly Trouble[];
  readonly clock = new VirtualClock(startMs);
  readonly keepa: SimulatedKeepa;
  readonly host: Host;
  readonly key = simulatedKey;
  readonly trace = new Trace();
  readonly failures: Failure[] = [];
  phase: 'faults' | 'healed' = 'faults';
  disturbedAtMs = startMs;
  readonly #options: RunOptions;
  readonly #checkers: readonly Checker[];
  readonly #troubles: TroubleMaker;
  #fault: Fault | undefined;
  #tables: { readonly path: string; readonly tables: Tables } | undefined;
  #requests = 0;
  #lives = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    const { seed, hours } = options;
    this.world = options.world ?? drawWorld(seed);
    this.plan = options.plan ?? drawPlan(this.world, hours);
    const { ratePerMinute, rows, initialTokens, repriceMeanHours } = this.world;
    const market = { seed, ratePerMinute, rows, initialTokens, repriceMeanHours };
    this.keepa = createSimulatedKeepa({ ...market, startMs, key: simulatedKey });
    this.host = new Host({
      world: this.world,
      clock: this.clock,
      keepa: this.keepa,
      key: simulatedKey,
      trace: this.trace,
      watcher: this.#watcher(),
      faultNow: () => (this.phase === 'healed' ? undefined : this.#fault),
    });
    this.#troubles = new TroubleMaker(this);
    this.#checkers = allCheckers(this);
    this.#hookFaults();
    this.#listen();
  }

  get nowMs(): number {
    return this.clock.now();
  }

  get startMs(): number {
    return startMs;
  }

  fail(code: string, sentence: string): void {
    this.failures.push({ code, sentence, atMs: this.nowMs - startMs });
  }

  disturb(): void {
    this.disturbedAtMs = this.nowMs;
  }

  taken(tokens: number): void {
    this.disturb();
    for (const checker of this.#checkers) checker.taken?.(tokens);
  }

  rateChanged(ratePerMinute: number, lostTokens: number): void {
    this.disturb();
    for (const checker of this.#checkers) checker.rateChanged?.(ratePerMinute, lostTokens);
  }

  /** The database as it is on the disk; undefined before there is one. */
  tables(): Tables | undefined {
    const path = this.host.dealsPath;
    if (this.#tables?.path !== path) {
      this.#tables?.tables.close();
      const tables = Tables.open(path);
      this.#tables = tables === undefined ? undefined : { path, tables };
    }
    return this.#tables?.tables;
  }

  async run(): Promise<Outcome> {
    const { hours, seed } = this.#options;
    this.host.start();
    this.#troubles.schedule();
    await this.#advance(hours * hourMs);
    const { withoutHealing = false } = this.#options;
    if (this.failures.length === 0 && !withoutHealing) await this.#heal();
    const judgedRows = this.tables()?.judgedRows() ?? 0;
    if (this.failures.length === 0 && !withoutHealing) await this.#stop();
    return {
      seed,
      failures: this.failures,
      traceHash: this.trace.digest(),
      virtualHours: (this.nowMs - startMs) / hourMs,
      requests: this.#requests,
      lives: this.#lives,
      judgedRows,
    };
  }

  async #advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs && this.failures.length === 0) {
      await this.clock.advanceBy(Math.min(minuteMs, endMs - this.nowMs));
      if (this.#troubles.isOn) this.disturb();
      const minute = Math.round((this.nowMs - startMs) / minuteMs);
      for (const checker of this.#checkers) checker.minute?.(minute);
      if (minute % 30 === 0) await this.#look();
    }
  }

  /** The closer look, which reads the whole table. */
  async #look(): Promise<void> {
    const tables = this.tables();
    if (tables === undefined) return;
    for (const checker of this.#checkers) {
      if (this.failures.length === 0) await checker.look?.(tables);
    }
  }

  async #heal(): Promise<void> {
    this.#troubles.heal();
    this.phase = 'healed';
    this.disturb();
    const waits = this.#checkers.map((checker) => checker.convergesWithinMs?.() ?? 0);
    await this.#advance(Math.max(...waits));
    if (this.failures.length > 0) return;
    await this.#look();
    const tables = this.tables();
    for (const checker of this.#checkers) {
      if (tables !== undefined) await checker.end?.(tables);
    }
  }

  /** SIGTERM: exit 0 within the grace of 30 s (P12). */
  async #stop(): Promise<void> {
    const { current } = this.host;
    if (current?.daemon === undefined) return;
    void current.daemon.stop('told to');
    await this.clock.advanceBy(30_000);
    if (current.ending?.code !== 0) {
      this.fail(
        'P12-stop',
        `SIGTERM after healing: ${current.ending?.reason ?? 'not ended in 30 s'}`,
      );
    }
  }

  #watcher(): ConstructorParameters<typeof Host>[0]['watcher'] {
    const each = (tell: (checker: Checker) => void): void => {
      for (const checker of this.#checkers) tell(checker);
    };
    return {
      onSent: (call) => {
        this.#requests += 1;
        if (call.fault !== undefined) this.disturb();
        const { request, fault, balanceBefore } = call;
        const asked = `${request.path} ${JSON.stringify(request.query)} ${request.body ?? ''}`;
        this.#note(`sent ${asked} ${fault?.kind ?? ''} at ${balanceBefore}`);
        each((checker) => checker.sent?.(call));
      },
      onBilled: (call) => {
        this.#note(`billed ${call.status} ${call.costTokens} leaves ${call.balanceAfter}`);
        each((checker) => checker.billed?.(call));
      },
      onDone: (call, value) => each((checker) => checker.done?.(call, value)),
      onStarted: (lived) => {
        this.#lives += 1;
        this.disturb();
        this.#note(`life ${lived.life.number} started`);
        each((checker) => checker.started?.(lived));
      },
      onCrashed: (lived, at) => {
        this.disturb();
        this.#note(`life ${lived.life.number} crashed ${at}`);
        each((checker) => checker.crashed?.(lived));
      },
      onEnded: (lived, ending) => {
        this.disturb();
        this.#note(`life ${lived.life.number} ended ${ending.code}: ${ending.reason}`);
        each((checker) => checker.ended?.(lived, ending));
      },
    };
  }

  #hookFaults(): void {
    const episodes = this.plan.flatMap((trouble) => {
      if (trouble.kind !== 'keepa') return [];
      const { atMs, untilMs, kind: _, ...episode } = trouble;
      return [{ ...episode, fromMs: startMs + atMs, untilMs: startMs + untilMs }];
    });
    const timetable = faultTimetable(episodes, this.world.seed);
    this.keepa.setFaults((request, nowMs) => {
      this.#fault = timetable(request, nowMs);
      return this.#fault;
    });
  }

  #listen(): void {
    const { onLine } = this.#options;
    this.trace.onLine((line) => {
      for (const checker of this.#checkers) checker.said?.(line);
      onLine?.(`${this.#clockText()} ${line.scope} ${line.event} ${JSON.stringify(line.fields)}`);
    });
  }

  #note(text: string): void {
    this.trace.note(`${this.nowMs} ${text}`);
    this.#options.onLine?.(`${this.#clockText()} ${text}`);
  }

  #clockText(): string {
    return `${((this.nowMs - startMs) / hourMs).toFixed(4)}h`;
  }

  async dispose(): Promise<void> {
    this.#tables?.tables.close();
    await this.host.dispose();
  }
}
