/**
 * What the status report is made from: functions that read, handed over by the daemon.
 *
 * Status looks sideways. It never sees Keepa, a lease that it could take or a database that it
 * could write, so asking how things are cannot change how they are, and costs no token.
 */
import type { BrokerSnapshot, SpendClass } from '../broker/request.ts';
import type { LeaseEntry } from '../coordination/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import type { LoopProgress } from '../runtime/pulse.ts';
import type { DealReader, Pause } from '../store/ports.ts';
import type { TallyFigures } from './tally.ts';

/** What the daemon itself says it is up to, before anything is judged. */
export interface Phase {
  readonly name: 'starting' | 'blocked' | 'active' | 'standby' | 'paused' | 'stopping';
  /** For people: why it is so, in a few words. */
  readonly why: string;
  readonly sinceMs: number;
  /** When a pause ends by itself; undefined: when somebody says so. */
  readonly untilMs?: number | undefined;
}

/** One supervised loop. One that waits in the broker's queue is not stuck: the broker says so. */
export interface LoopStatus {
  readonly name: string;
  /** What it is doing now; undefined between passes. */
  readonly doing: string | undefined;
  readonly passes: number;
  readonly failures: number;
  readonly lastPassAtMs: number | undefined;
  readonly lastSuccessAtMs: number | undefined;
  readonly nextPassAtMs: number | undefined;
  /**
   * Without a step forward within this time the loop is stuck; below 0 it is. A span, so that no
   * step of the wall clock changes it. Undefined where none is due: while it waits for tokens, and
   * while the daemon stands by or is paused.
   */
  readonly progressDueInMs: number | undefined;
  readonly lastError: string | undefined;
}

export interface StatusSources {
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** Of this process, as its leases name it. */
  readonly instance: string;
  readonly version: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly shares: Readonly<Record<SpendClass, number>>;
  readonly reader: DealReader;
  phase(): Phase;
  /** The pause that is in force. */
  pause(): Pause | undefined;
  /** Undefined until the broker exists. */
  broker(): BrokerSnapshot | undefined;
  /** Why nothing ends in a feed now, by its name; a feed that is not here is in order. */
  suspensions(): ReadonlyMap<string, { readonly why: string }>;
  loops(): readonly LoopStatus[];
  leases(): Promise<readonly LeaseEntry[]>;
  /** What was counted since the process began. */
  tally(): TallyFigures;
  /** Until when each of its loops may be silent before it is frozen; empty while it ends. */
  progress(): readonly LoopProgress[];
}
