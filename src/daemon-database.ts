/**
 * The deals database at the beginning of a life: what has to be read and written first is tried
 * until no other program keeps the file locked, and there is room for it.
 *
 * A lock of SQLite's outlives every lease: a process that was stopped inside a transaction holds it
 * for as long as it is stopped, and so does a backup or a shell. To end because of it would help
 * nobody, for whoever starts the process again finds the same. So its heir waits, with its leases
 * renewed and without spending, and says for what.
 *
 * What is tried blocks the process while it waits inside SQLite, so each try is short.
 */
import type { DaemonOptions } from './daemon-contract.ts';
import type { Clock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import type { Phase } from './status/sources.ts';
import type { DealWriter } from './store/ports.ts';
import { isDiskFull, isLocked } from './store/store-open-error.ts';

/** How long one try may block. A writer that is alive has let go by then. */
export const tryMsMax = 250;
/** The lock goes without a sign, so it is asked for again. */
const againMs = 1_000;

/** What people are told meanwhile. */
const whyLocked =
  'no token is spent while another program keeps the deals database locked ' +
  '(a process that was stopped, a backup, an sqlite3 shell?)';
const whyFull = 'no token is spent while the disk under the deals database is full';

export interface FirstSteps<T> {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Has the same effect twice as once: it may fail halfway. */
  step(): Promise<T>;
  onTry?(): void;
  /** What the daemon says that it does: waiting for the file, and no more. */
  enter(name: Phase['name'], why: string): void;
}

/** What `step` returned, or undefined when the signal came first. @throws what `step` throws */
export async function onceUnlocked<T>(options: FirstSteps<T>): Promise<T | undefined> {
  const { clock, log, signal, step, enter } = options;
  let said: string | undefined;
  while (!signal.aborted) {
    options.onTry?.();
    try {
      const done = await step();
      if (said !== undefined) log.info('database-free');
      if (said !== undefined) enter('starting', 'opening');
      return done;
    } catch (error) {
      const why = whyNotNow(error);
      if (why === undefined) throw error;
      if (why !== said) log.warn(isLocked(error) ? 'database-locked' : 'database-full', { why });
      if (why !== said) enter('blocked', why);
      said = why;
    }
    await clock.sleep(againMs, signal).catch(() => undefined);
  }
  return undefined;
}

function whyNotNow(error: unknown): string | undefined {
  if (isLocked(error)) return whyLocked;
  return isDiskFull(error) ? whyFull : undefined;
}

/** The record of this life in the database: of its start, or with `stopReason` of its end. */
export async function recordRun(
  writer: Pick<DealWriter, 'recordRun'>,
  { owner, version, world }: DaemonOptions,
  { startedAtMs, stopReason }: { startedAtMs: number; stopReason?: string },
): Promise<void> {
  await writer.recordRun({
    instance: owner.instance,
    version,
    pid: owner.pid,
    startedAtMs,
    ...(stopReason === undefined ? {} : { stoppedAtMs: world.clock.now(), stopReason }),
  });
}
