/**
 * One piece of standing work: it runs passes, one at a time, for as long as it is wanted.
 *
 * Three things ask for a pass: the start, the timer that the last pass set, and a nudge. They all
 * post the same message, at most one of which waits: that is why nudges coalesce, why two passes
 * never overlap, and why a nudge during a pass makes exactly one more follow. A pass that throws
 * ends the run: deciding what failure means is the supervisor's part.
 *
 * Invariants:
 * - every pass that starts leaves exactly one log line, `pass`, with its counts and its outcome,
 *   but for one that says of itself that it is no news;
 * - between passes there is one timer or one posted message, never both, never neither;
 * - when `run` settles, no pass is in progress and no timer is left.
 */
import assert from 'node:assert/strict';
import type { Clock, Timer } from './clock.ts';
import { describeError } from './describe-error.ts';
import type { Log, LogFields } from './log.ts';
import { Mailbox } from './mailbox.ts';

export interface PassReport {
  readonly counts: LogFields;
  /** Milliseconds until the next pass is due. */
  readonly nextInMs: number;
  /** True: it found nothing to do, like the one before it, and leaves no line. */
  readonly isQuiet?: boolean;
}

export interface ActorSnapshot {
  readonly name: string;
  /** `idle` before the first run and between passes. */
  readonly state: 'idle' | 'running' | 'stopped';
  readonly passes: number;
  /** Passes that threw; an aborted pass is none. */
  readonly failures: number;
  readonly lastPassAtMs?: number;
  readonly lastSuccessAtMs?: number;
  /** Absent while a pass is running and after the end. */
  readonly nextPassAtMs?: number;
  readonly lastError?: string;
}

export interface ActorOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** One round of work. Throws when it failed; on abort it ends soon, by return or by throw. */
  pass(signal: AbortSignal): Promise<PassReport>;
}

/** What lives from the start of a run to its end. */
interface Run {
  readonly mailbox: Mailbox;
  readonly signal: AbortSignal;
  readonly ended: PromiseWithResolvers<void>;
  isPassPosted: boolean;
  /** A pass has failed: one that was posted meanwhile must not run any more. */
  hasFailed: boolean;
  dueTimer: Timer | undefined;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export class Actor {
  readonly #options: ActorOptions;
  readonly #log: Log;
  readonly #snapshot: Mutable<ActorSnapshot>;
  #run: Run | undefined;

  constructor(options: ActorOptions) {
    this.#options = options;
    this.#log = options.log.scoped(options.name);
    this.#snapshot = { name: options.name, state: 'idle', passes: 0, failures: 0 };
  }

  /**
   * Runs passes, the first at once, until the signal aborts; resolves when the pass in progress has
   * then ended. May be called again after it has settled.
   *
   * @throws what a pass threw; no further pass follows.
   */
  async run(signal: AbortSignal): Promise<void> {
    assert(this.#run === undefined, `${this.#options.name} is running already`);
    const run: Run = {
      mailbox: new Mailbox(),
      signal,
      ended: Promise.withResolvers<void>(),
      isPassPosted: false,
      hasFailed: false,
      dueTimer: undefined,
    };
    this.#run = run;
    // Behind the pass in progress, because it goes through the mailbox too.
    const onAbort = (): void => void run.mailbox.post(() => run.ended.resolve());
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) run.ended.resolve();
    else this.#postPass(run);
    try {
      await run.ended.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      run.mailbox.close();
      run.dueTimer?.cancel();
      delete this.#snapshot.nextPassAtMs;
      this.#snapshot.state = 'stopped';
      this.#run = undefined;
    }
  }

  /** Makes the next pass due at once. Outside a run it does nothing: a run starts with a pass. */
  nudge(): void {
    if (this.#run !== undefined) this.#postPass(this.#run);
  }

  /** A copy: later passes do not change it. */
  snapshot(): ActorSnapshot {
    return { ...this.#snapshot };
  }

  #postPass(run: Run): void {
    if (run.isPassPosted || run.signal.aborted) return;
    run.isPassPosted = true;
    run.dueTimer?.cancel();
    void run.mailbox.post(async () => {
      run.isPassPosted = false;
      if (run.signal.aborted || run.hasFailed) return;
      await this.#passOnce(run).catch((error: unknown) => {
        run.hasFailed = true;
        run.ended.reject(error);
      });
    });
  }

  async #passOnce(run: Run): Promise<void> {
    const { clock, pass } = this.#options;
    const startedMs = clock.monotonic();
    this.#begin();
    const elapsed = (): LogFields => ({ ms: Math.round(clock.monotonic() - startedMs) });
    try {
      const report = await pass(run.signal);
      assert(report.nextInMs >= 0, `the next pass cannot be due in ${report.nextInMs} ms`);
      this.#snapshot.lastSuccessAtMs = clock.now();
      const isNews = report.isQuiet !== true;
      if (isNews) this.#log.info('pass', { outcome: 'done', ...report.counts, ...elapsed() });
      this.#scheduleNext(run, report.nextInMs);
    } catch (error) {
      const reason = describeError(error);
      if (isAbort(error, run.signal)) {
        this.#log.info('pass', { outcome: 'aborted', ...elapsed() });
        return;
      }
      this.#snapshot.failures += 1;
      this.#snapshot.lastError = reason;
      this.#log.error('pass', { outcome: 'failed', error: reason, ...elapsed() });
      throw error;
    } finally {
      this.#snapshot.state = 'idle';
    }
  }

  #begin(): void {
    this.#snapshot.state = 'running';
    this.#snapshot.passes += 1;
    this.#snapshot.lastPassAtMs = this.#options.clock.now();
    delete this.#snapshot.nextPassAtMs;
  }

  #scheduleNext(run: Run, nextInMs: number): void {
    if (run.signal.aborted) return;
    const isPosted = run.isPassPosted;
    this.#snapshot.nextPassAtMs = this.#options.clock.now() + (isPosted ? 0 : nextInMs);
    if (!isPosted) run.dueTimer = this.#options.clock.after(nextInMs, () => this.#postPass(run));
  }
}

/** Whether the throw is the answer to the abort, as opposed to a fault that happened beside it. */
function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  if (error === signal.reason) return true;
  return error instanceof Error && (error.name === 'AbortError' || error.cause === signal.reason);
}
