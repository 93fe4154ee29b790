/**
 * The two things that coordination holds: leases, so that one process spends and writes, and
 * checkpoints, so that work resumes. Losing all of it costs repeated work and never a deal.
 *
 * Every change is a compare-and-set on the owner. A fence grows by one with each acquisition, and
 * the store refuses a write under an older one: a stopped process that wakes up cannot do harm.
 */

/** Who holds a lease: enough to prove on the same host that it is dead, rather than to guess. */
export interface Owner {
  /** Stable id of the machine. */
  readonly host: string;
  /** New at every boot. */
  readonly bootId: string;
  /** Process ids mean something only inside it. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** Start time of that pid, in kernel ticks since boot: a recycled pid has another. */
  readonly startedAt: string;
  /** Random per start of the daemon. */
  readonly instance: string;
}

export interface LeaseEntry {
  readonly name: string;
  readonly owner: Owner;
  readonly fence: number;
  /** Unix ms, for people; nothing is decided by it. */
  readonly acquiredAtMs: number;
  readonly renewedAtMs: number;
  /** Time left by the store's own clock; 0 or less: expired. */
  readonly remainingMs: number;
  /** What the holder is doing, for people. */
  readonly doing: string;
  /** Which deals database the holder writes; '' where it said none. */
  readonly store: string;
}

/** What an owner asks for a lease with. */
export interface LeaseClaim {
  readonly owner: Owner;
  readonly ttlMs: number;
  readonly fenceFloor: number;
  readonly doing: string;
  readonly store?: string;
}

export type Acquisition =
  | { readonly granted: true; readonly fence: number }
  | { readonly granted: false; readonly holder: LeaseEntry };

export interface Leases {
  /**
   * Takes the lease if it is free, expired, ours already, or its holder is provably dead.
   * The new fence is above every earlier one and above `fenceFloor` (the highest the deals
   * database has seen: it re-seeds an emptied coordination store).
   */
  acquire(name: string, claim: LeaseClaim): Promise<Acquisition>;
  /**
   * Extends our own lease; false when it is no longer ours (by owner and fence). One that has
   * expired is still ours while nobody took it: a Redis that was away for a minute ends nobody.
   */
  renew(
    name: string,
    options: { owner: Owner; fence: number; ttlMs: number; doing: string },
  ): Promise<boolean>;
  /** Gives our own lease back; false when it was not ours. */
  release(name: string, options: { owner: Owner; fence: number }): Promise<boolean>;
  list(): Promise<readonly LeaseEntry[]>;
  /**
   * Deletes the entry whoever holds it; false when there was none. The fence is remembered, and the
   * one after it is never granted: so the holder can tell that from an entry that was lost.
   */
  clear(name: string): Promise<boolean>;
}

/** Saved progress under a name; the value is one JSON-safe record, written and compared whole. */
export interface Checkpoints {
  read(name: string): Promise<unknown>;
  /** False when a write under a newer fence has been seen: then nothing was written. */
  write(name: string, value: unknown, fence: number): Promise<boolean>;
  list(): Promise<
    readonly { readonly name: string; readonly value: unknown; readonly writtenAtMs: number }[]
  >;
  remove(name: string): Promise<boolean>;
}

/** The store of leases cannot be asked now and may be back at any moment: wait for it. */
export class CoordinationAwayError extends Error {
  override readonly name = 'CoordinationAwayError';
  /** What a person can do who does not wait. */
  readonly todo: string;
  constructor(why: string, todo = 'try again') {
    super(why);
    this.todo = todo;
  }
}

/** It was asked, and what it said (or its silence) will not get better by asking again. */
export class CoordinationRefusedError extends Error {
  override readonly name = 'CoordinationRefusedError';
  /** What a person can do about it. */
  readonly todo: string;
  /** Whether the configuration is wrong; otherwise the service is not fit for use just now. */
  readonly isMisconfigured: boolean;
  constructor(why: string, { todo, isMisconfigured }: { todo: string; isMisconfigured: boolean }) {
    super(why);
    this.todo = todo;
    this.isMisconfigured = isMisconfigured;
  }
}

export interface Coordination {
  readonly leases: Leases;
  readonly checkpoints: Checkpoints;
  close(): Promise<void>;
}
