/**
 * One life of the process: everything it does goes through here, so that it can be killed at any
 * await, or stopped like a process that got SIGSTOP.
 *
 * The daemon's ports are wrapped. A life that is dead gets no answer from any of them, ever, and
 * its timers do not fire: nothing of it runs on. The files that it had open are not closed for it;
 * the next life gets a copy of what was on the disk at that instant (see `fault-host.ts`), so that
 * not even a transaction that was half done can reach it.
 *
 * Invariants:
 * - after `kill` no code of the daemon is run by a port or a timer of this life;
 * - during a pause nothing is lost: calls and timers come back in order when it ends.
 */
import type { Clock, Timer } from '../../src/runtime/clock.ts';
import { sleepOn } from '../../src/runtime/clock.ts';
import type { CrashPoint } from './fault-plan.ts';

const never: Promise<never> = new Promise(() => undefined);

/** Something the daemon asked of a port, and what it was told. */
export interface PortCall {
  readonly life: Life;
  /** For example `writer.storePage`. */
  readonly name: string;
  readonly args: readonly unknown[];
}

export interface LifeOptions {
  readonly number: number;
  /** True time. */
  readonly clock: Clock;
  /** The machine's wall clock minus true time. */
  wallOffsetMs(): number;
  /** A call took effect, and its caller is about to be told. */
  onDone(call: PortCall, value: unknown): void;
  /** The crash point was reached: the process is gone. */
  onCrash(life: Life, at: string): void;
  /** Why calls of this port fail just now; undefined: they do not. */
  troubleOf(port: string): string | undefined;
}

export class Life {
  readonly number: number;
  readonly clock: Clock;
  readonly #options: LifeOptions;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #held: (() => void)[] = [];
  #resumed = Promise.withResolvers<void>();
  #crash: (CrashPoint & { calls: number }) | undefined;
  #open = 0;

  constructor(options: LifeOptions) {
    this.#options = options;
    this.number = options.number;
    this.clock = this.#lifeClock();
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** Calls that took neither effect nor failed yet. */
  get openCalls(): number {
    return this.#open;
  }

  /** Dies at this point, counted from now. */
  crashAt(point: CrashPoint): void {
    this.#crash = { ...point };
  }

  kill(): void {
    this.#state = 'dead';
    this.#held = [];
  }

  pause(): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.#resumed = Promise.withResolvers<void>();
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const held = this.#held;
    this.#held = [];
    for (const fn of held) this.#options.clock.after(0, () => this.#run(fn));
    this.#resumed.resolve();
  }

  /** The port as this life sees it; every method returns a promise but those named as counters. */
  guard<T extends object>(port: string, target: T, counters: readonly (keyof T)[] = []): T {
    const asked = new Set<string | symbol | number>(counters);
    return new Proxy(target, {
      get: (_, key) => {
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== 'function' || asked.has(key)) return method;
        return (...args: unknown[]) =>
          this.call(`${port}.${String(key)}`, args, () => Reflect.apply(method, target, args));
      },
    });
  }

  /** One call through a port. */
  async call<T>(name: string, args: readonly unknown[], run: () => Promise<T>): Promise<T> {
    if (this.#state === 'dead') return never;
    const crash = this.#crashHere();
    if (crash?.side === 'before') return this.#crashed(`before ${name}`);
    if (crash?.side === 'during') void this.#crashSoon(crash.turns, name);
    const trouble = this.#options.troubleOf(name);
    this.#open += 1;
    try {
      if (trouble !== undefined) throw new Error(trouble);
      const value = await run();
      if (crash?.side === 'after') return this.#crashed(`after ${name}`);
      if (!this.isDead) this.#options.onDone({ life: this, name, args }, value);
      return await this.#whenRunning(value);
    } catch (error) {
      if (crash?.side === 'after') return this.#crashed(`after ${name} failed`);
      await this.#whenRunning(undefined);
      throw error;
    } finally {
      this.#open -= 1;
    }
  }

  #crashHere(): CrashPoint | undefined {
    const crash = this.#crash;
    if (crash === undefined) return undefined;
    this.#crash = crash.calls <= 1 ? undefined : { ...crash, calls: crash.calls - 1 };
    return crash.calls <= 1 ? crash : undefined;
  }

  async #crashSoon(turns: number, name: string): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    await this.#crashed(`${turns} turns into ${name}`);
  }

  #crashed(at: string): Promise<never> {
    if (!this.isDead) {
      this.kill();
      this.#options.onCrash(this, at);
    }
    return never;
  }

  async #whenRunning<T>(value: T): Promise<T> {
    while (this.isPaused) await this.#resumed.promise;
    return this.isDead ? never : value;
  }

  #lifeClock(): Clock {
    const { clock, wallOffsetMs } = this.#options;
    const after = (ms: number, fn: () => void): Timer => {
      if (this.isDead) return { cancel: () => undefined };
      let isCancelled = false;
      const timer = clock.after(ms, () => this.#run(() => !isCancelled && fn()));
      return {
        cancel: () => {
          isCancelled = true;
          timer.cancel();
        },
      };
    };
    return {
      now: () => clock.now() + wallOffsetMs(),
      monotonic: () => clock.monotonic(),
      after,
      sleep: (ms, signal) => sleepOn({ after }, ms, signal),
    };
  }

  #run(fn: () => void): void {
    if (this.#state === 'paused') this.#held.push(fn);
    else if (this.#state === 'running') fn();
  }
}
