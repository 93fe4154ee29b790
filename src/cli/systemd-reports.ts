/**
 * What the service manager is told of the daemon: that it is ready, how it is, that it is alive,
 * that it reads its configuration again, that it ends.
 *
 * Ready is said once the first balance is known, or by a standby, which has done what it was
 * started for. The watchdog is fed by progress: a timer only asks, and the answer is yes when every
 * loop has given a sign of life within its own bound (runtime/pulse.ts). A Keepa that fails, a long
 * wait for tokens and a standby are progress; one frozen loop starves the watchdog, and then a
 * restart is all that helps. Until it is ready the same progress extends the time to start.
 *
 * Invariants:
 * - nothing here is waited for by the work, and nothing here can end the process;
 * - no WATCHDOG=1 while a loop is frozen, whatever else is well.
 */
import type { Daemon } from '../daemon-contract.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { monotonicUsec, type NotifySocket } from '../runtime/notify-socket.ts';
import { frozenLoops } from '../runtime/pulse.ts';
import { buildReport } from '../status/report.ts';
import { statusLine } from './status-line.ts';

export interface ReportOptions {
  readonly daemon: Pick<Daemon, 'progress' | 'readied' | 'sources'>;
  readonly notify: NotifySocket;
  /** Undefined: the manager has no watchdog for this process. */
  readonly watchdogMs: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** A person who looks at `systemctl status` wants no older news. */
export const roundMsMax = 20_000;
/** One message may be lost, and the next is still in time. */
const roundsPerWatchdog = 3;
/** How long the start may take from each sign of life on. */
const startExtensionMs = 90_000;
const usecPerMs = 1_000;

export class SystemdReports {
  readonly #options: ReportOptions;
  readonly #stopping = new AbortController();
  #isReady = false;
  #isTelling = false;
  #rounds: Promise<void> | undefined;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  /** From now on, until `stop`. */
  start(): void {
    const { daemon, notify } = this.#options;
    this.#rounds = this.#goRound();
    void daemon.readied.then(() => {
      if (this.#stopping.signal.aborted) return;
      this.#isReady = true;
      notify.send({ READY: 1 });
      this.#round();
    });
  }

  /** Around a reload: the manager waits for the READY that follows it. */
  async reloading(work: () => Promise<void>): Promise<void> {
    const { notify } = this.#options;
    notify.send({ RELOADING: 1, MONOTONIC_USEC: monotonicUsec() });
    await work();
    if (this.#isReady) notify.send({ READY: 1 });
    this.#round();
  }

  /** Says that it ends, once; nothing else is said after it. */
  stopping(why: string): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#options.notify.send({ STOPPING: 1, STATUS: `stopping: ${why}` });
  }

  /** Resolves when the last word is out, or given up. */
  async stop(): Promise<void> {
    this.stopping('ended');
    await this.#rounds;
    await this.#options.notify.flush();
  }

  async #goRound(): Promise<void> {
    const { clock, watchdogMs = Number.POSITIVE_INFINITY } = this.#options;
    const { signal } = this.#stopping;
    const roundMs = Math.min(roundMsMax, watchdogMs / roundsPerWatchdog);
    while (!signal.aborted) {
      this.#round();
      await clock.sleep(roundMs, signal).catch(() => undefined);
    }
  }

  #round(): void {
    if (this.#stopping.signal.aborted) return;
    this.#feed();
    void this.#tellStatus();
  }

  #feed(): void {
    const { daemon, notify, clock, log, watchdogMs } = this.#options;
    const frozen = frozenLoops(daemon.progress(), clock);
    const [first] = frozen;
    if (first !== undefined) {
      const overdueMs = Math.round(clock.monotonic() - first.aliveUntilMs);
      log.error('loop-frozen', { loops: frozen.map(({ name }) => name).join(', '), overdueMs });
    } else if (!this.#isReady) {
      notify.send({ EXTEND_TIMEOUT_USEC: startExtensionMs * usecPerMs });
    } else if (watchdogMs !== undefined) {
      notify.send({ WATCHDOG: 1 });
    }
  }

  /** Beside the feeding: a report that hangs must not look like a loop that does. */
  async #tellStatus(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    const { daemon, notify } = this.#options;
    try {
      const report = await buildReport(daemon.sources());
      if (!this.#stopping.signal.aborted) notify.send({ STATUS: statusLine(report) });
    } catch {
      // The store cannot be read just now; the phase needs no store.
      const { name, why } = daemon.sources().phase();
      if (!this.#stopping.signal.aborted) notify.send({ STATUS: `${name}: ${why}` });
    } finally {
      this.#isTelling = false;
    }
  }
}
