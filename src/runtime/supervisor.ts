/**
 * Keeps the standing parts of the daemon running, and says so when it cannot.
 *
 * A child that fails is started again, later each time. A child that keeps failing is a fault that
 * restarting does not heal: then the process must end and say why, because a daemon that looks
 * alive and does nothing is worse than one that is gone. A child that returns although nobody asked
 * it to end has failed as well: silence is how a dead part goes unnoticed.
 *
 * Invariants:
 * - a failing child stops no other child; only `stop` does;
 * - each child has its own budget, so that one of them cannot spend another's;
 * - children end in reverse order of adding, each only after the one added later has ended.
 */
import assert from 'node:assert/strict';
import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { describeError } from './describe-error.ts';
import type { Log } from './log.ts';
import type { Random } from './random.ts';

export interface Child {
  readonly name: string;
  /** Runs until the signal aborts, then ends soon; called again after each failure. */
  run(signal: AbortSignal): Promise<void>;
}

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** At most `max` restarts of one child within any `windowMs`. */
  readonly restarts: { readonly max: number; readonly windowMs: number };
  readonly backoff: { readonly firstMs: number; readonly capMs: number };
}

/** The first child whose budget is gone. */
export interface SupervisorFailure {
  readonly child: string;
  readonly reason: string;
  readonly restarts: number;
}

export interface ChildSnapshot {
  readonly name: string;
  /** `waiting`: for its next start; `failed`: its budget is gone. */
  readonly state: 'idle' | 'running' | 'waiting' | 'failed' | 'stopped';
  readonly restarts: number;
  readonly nextStartAtMs?: number;
  readonly lastError?: string;
}

interface Supervised {
  readonly child: Child;
  readonly controller: AbortController;
  snapshot: ChildSnapshot;
  ended: Promise<void>;
}

export class Supervisor {
  /** Resolves, and never rejects, when a child has spent its budget; else stays pending. */
  readonly failed: Promise<SupervisorFailure>;
  readonly #options: SupervisorOptions;
  readonly #random: Random;
  readonly #reportFailure: (failure: SupervisorFailure) => void;
  readonly #children: Supervised[] = [];
  #isStarted = false;
  #stopping: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    const { promise, resolve } = Promise.withResolvers<SupervisorFailure>();
    this.failed = promise;
    this.#reportFailure = resolve;
    this.#options = options;
    this.#random = options.random.fork('supervisor');
  }

  /** Takes a child in; only before `start`. Add first what others rely on: it ends last. */
  add(child: Child): void {
    assert(!this.#isStarted, `${child.name} was added after the start`);
    this.#children.push({
      child,
      controller: new AbortController(),
      snapshot: { name: child.name, state: 'idle', restarts: 0 },
      ended: Promise.resolve(),
    });
  }

  /** Starts every child, in order of adding. */
  start(): void {
    assert(!this.#isStarted, 'a supervisor starts once');
    this.#isStarted = true;
    for (const supervised of this.#children) supervised.ended = this.#keepRunning(supervised);
  }

  /** Resolves when every child has ended; what a child throws on its way out is only logged. */
  stop(): Promise<void> {
    this.#isStarted = true;
    this.#stopping ??= this.#endAll();
    return this.#stopping;
  }

  /** One entry per child, in order of adding. */
  snapshot(): readonly ChildSnapshot[] {
    return this.#children.map((supervised) => supervised.snapshot);
  }

  async #endAll(): Promise<void> {
    for (const { controller, ended } of this.#children.toReversed()) {
      controller.abort();
      await ended;
    }
  }

  /** Never rejects: every way in which a child ends is dealt with here. */
  async #keepRunning(supervised: Supervised): Promise<void> {
    const { child, controller } = supervised;
    const { clock, log, restarts } = this.#options;
    let failedAt: number[] = [];
    while (!controller.signal.aborted) {
      note(supervised, { state: 'running' });
      const reason = await this.#runOnce(child, controller.signal);
      if (reason === undefined) break;
      failedAt = failedAt.filter((at) => clock.monotonic() - at < restarts.windowMs);
      failedAt.push(clock.monotonic());
      if (failedAt.length > restarts.max) {
        note(supervised, { state: 'failed', lastError: reason });
        log.error('child-given-up', { child: child.name, error: reason, restarts: restarts.max });
        this.#reportFailure({ child: child.name, reason, restarts: restarts.max });
        return;
      }
      await this.#waitToRestart(supervised, { attempt: failedAt.length, reason });
    }
    note(supervised, { state: 'stopped' });
  }

  /** The reason why the child failed; undefined when it ended because it was told to. */
  async #runOnce(child: Child, signal: AbortSignal): Promise<string | undefined> {
    try {
      await child.run(signal);
      return signal.aborted ? undefined : 'ended uninvited';
    } catch (error) {
      if (!signal.aborted) return describeError(error);
      if (error !== signal.reason) {
        this.#options.log.warn('child-failed-stopping', {
          child: child.name,
          error: describeError(error),
        });
      }
      return undefined;
    }
  }

  async #waitToRestart(
    supervised: Supervised,
    failure: { readonly attempt: number; readonly reason: string },
  ): Promise<void> {
    const { clock, log, backoff } = this.#options;
    const { child, controller, snapshot } = supervised;
    const waitMs = backoffMs(failure.attempt, { ...backoff, random: this.#random });
    log.warn('child-failed', { child: child.name, error: failure.reason, restartInMs: waitMs });
    note(supervised, {
      state: 'waiting',
      restarts: snapshot.restarts + 1,
      lastError: failure.reason,
      nextStartAtMs: clock.now() + waitMs,
    });
    await clock.sleep(waitMs, controller.signal).catch(() => undefined);
  }
}

/** A child's next start is known only while it waits for it. */
function note(supervised: Supervised, changed: Partial<ChildSnapshot>): void {
  const { nextStartAtMs: _past, ...kept } = supervised.snapshot;
  supervised.snapshot = { ...kept, ...changed };
}
