/**
 * Leases in the embedded file: each change is one immediate transaction, so of two processes that
 * want the same lease one comes first and the other sees it.
 *
 * Expiry is judged by time since boot, which every process of the machine reads the same way. An
 * entry from an earlier boot of this machine is dead at once; one that another machine wrote (a
 * data directory that was moved, or shared against all advice) is judged by the wall clock, for
 * want of a better one.
 *
 * Invariants:
 * - at any time at most one owner holds a name with time left;
 * - the fences granted under a name strictly grow, also over release and clear, and a clear leaves
 *   a gap.
 */
import type { BootClock } from '../runtime/boot-clock.ts';
import type { Clock } from '../runtime/clock.ts';
import type { CoordinationFile } from './embedded-file.ts';
import { checkedName } from './names.ts';
import type { Acquisition, LeaseClaim, LeaseEntry, Leases, Owner } from './ports.ts';

/** How the leases tell time, and who is alive. */
export interface LeaseJudge {
  readonly clock: Pick<Clock, 'now'>;
  readonly bootClock: BootClock;
  readonly host: string;
  isProvablyDead(owner: Owner): boolean;
}

interface LeaseRow {
  name: string;
  host: string;
  boot_id: string;
  pid_namespace: string;
  pid: number;
  started_at: string;
  instance: string;
  fence: number;
  acquired_at_ms: number;
  renewed_at_ms: number;
  clock_boot_id: string;
  renewed_since_boot_ms: number;
  ttl_ms: number;
  doing: string;
  store: string;
}

export class EmbeddedLeases implements Leases {
  readonly #file: CoordinationFile;
  readonly #judge: LeaseJudge;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(file: CoordinationFile, judge: LeaseJudge) {
    this.#file = file;
    this.#judge = judge;
    this.#statements = prepare(file);
  }

  async acquire(name: string, options: LeaseClaim): Promise<Acquisition> {
    checkedName(name);
    return this.#atomically((): Acquisition => {
      const held = this.#statements.get.get(name);
      if (held !== undefined && this.#bars(held, options.owner)) {
        return { granted: false, holder: this.#entryOf(held) };
      }
      const fence = this.#nextFence(name, options.fenceFloor);
      const nowMs = this.#judge.clock.now();
      this.#statements.putFence.run({ name, newest: fence });
      this.#statements.put.run({
        name,
        ...columnsOf(options.owner),
        fence,
        acquired_at_ms: nowMs,
        ...this.#timesFrom(options.ttlMs, nowMs),
        doing: options.doing,
        store: options.store ?? '',
      });
      return { granted: true, fence };
    });
  }

  async renew(
    name: string,
    options: { owner: Owner; fence: number; ttlMs: number; doing: string },
  ): Promise<boolean> {
    checkedName(name);
    return this.#atomically(() => {
      const held = this.#statements.get.get(name);
      if (held === undefined || !isHeldBy(held, options)) return false;
      const times = this.#timesFrom(options.ttlMs, this.#judge.clock.now());
      this.#statements.put.run({ ...held, ...times, doing: options.doing });
      return true;
    });
  }

  async release(name: string, options: { owner: Owner; fence: number }): Promise<boolean> {
    checkedName(name);
    return this.#atomically(() => {
      const held = this.#statements.get.get(name);
      if (held === undefined || !isHeldBy(held, options)) return false;
      return this.#statements.remove.run(name).changes === 1;
    });
  }

  async list(): Promise<readonly LeaseEntry[]> {
    return this.#statements.all.all().map((row) => this.#entryOf(row));
  }

  async clear(name: string): Promise<boolean> {
    checkedName(name);
    return this.#atomically(() => {
      const held = this.#statements.get.get(name);
      if (held === undefined) return false;
      this.#statements.putFence.run({ name, newest: this.#nextFence(name, held.fence) });
      return this.#statements.remove.run(name).changes === 1;
    });
  }

  /** Above every one that was granted under this name, and above `floor`. */
  #nextFence(name: string, floor: number): number {
    const remembered = this.#statements.getFence.pluck().get(name);
    return Math.max(Number(remembered ?? 0), floor) + 1;
  }

  #atomically<T>(work: () => T): T {
    return this.#file.transaction(work).immediate();
  }

  /** Whether this entry keeps `owner` from taking the lease. */
  #bars(held: LeaseRow, owner: Owner): boolean {
    const holder = ownerOf(held);
    if (isSameOwner(holder, owner) || this.#remainingMs(held) <= 0) return false;
    return !this.#judge.isProvablyDead(holder);
  }

  #remainingMs(held: LeaseRow): number {
    const { clock, bootClock, host } = this.#judge;
    const { bootId } = bootClock;
    if (held.clock_boot_id === bootId) {
      return remaining(held.renewed_since_boot_ms, bootClock.sinceBootMs(), held.ttl_ms);
    }
    const isOurHost = held.host === host && host !== '';
    const isOurEarlierBoot = isOurHost && held.clock_boot_id !== '' && bootId !== '';
    if (isOurEarlierBoot) return 0;
    return remaining(held.renewed_at_ms, clock.now(), held.ttl_ms);
  }

  #timesFrom(ttlMs: number, nowMs: number) {
    return {
      renewed_at_ms: nowMs,
      clock_boot_id: this.#judge.bootClock.bootId,
      renewed_since_boot_ms: this.#judge.bootClock.sinceBootMs(),
      ttl_ms: ttlMs,
    };
  }

  #entryOf(row: LeaseRow): LeaseEntry {
    return {
      name: row.name,
      owner: ownerOf(row),
      fence: row.fence,
      acquiredAtMs: row.acquired_at_ms,
      renewedAtMs: row.renewed_at_ms,
      remainingMs: this.#remainingMs(row),
      doing: row.doing,
      store: row.store,
    };
  }
}

/**
 * Time left of a lease renewed at `fromMs`, never more than its whole span. A clock that stands
 * before that instant by more than the span is not the one that dated it (it was set back, or the
 * machine booted anew and tells no boot id): nothing is left then, or it would last for years.
 */
function remaining(fromMs: number, nowMs: number, ttlMs: number): number {
  if (nowMs < fromMs - ttlMs) return 0;
  return Math.min(fromMs + ttlMs - nowMs, ttlMs);
}

function isHeldBy(held: LeaseRow, claim: { owner: Owner; fence: number }): boolean {
  return held.fence === claim.fence && isSameOwner(ownerOf(held), claim.owner);
}

function isSameOwner(a: Owner, b: Owner): boolean {
  return (
    a.host === b.host &&
    a.bootId === b.bootId &&
    a.pidNamespace === b.pidNamespace &&
    a.pid === b.pid &&
    a.startedAt === b.startedAt &&
    a.instance === b.instance
  );
}

function ownerOf(row: LeaseRow): Owner {
  return {
    host: row.host,
    bootId: row.boot_id,
    pidNamespace: row.pid_namespace,
    pid: row.pid,
    startedAt: row.started_at,
    instance: row.instance,
  };
}

function columnsOf(owner: Owner) {
  return {
    host: owner.host,
    boot_id: owner.bootId,
    pid_namespace: owner.pidNamespace,
    pid: owner.pid,
    started_at: owner.startedAt,
    instance: owner.instance,
  };
}

function prepare(file: CoordinationFile) {
  return {
    get: file.prepare<[string], LeaseRow>('select * from leases where name = ?'),
    all: file.prepare<[], LeaseRow>('select * from leases order by name'),
    put: file.prepare<[LeaseRow]>(`insert or replace into leases values (
      @name, @host, @boot_id, @pid_namespace, @pid, @started_at, @instance, @fence,
      @acquired_at_ms, @renewed_at_ms, @clock_boot_id, @renewed_since_boot_ms, @ttl_ms,
      @doing, @store)`),
    remove: file.prepare<[string]>('delete from leases where name = ?'),
    getFence: file.prepare<[string]>('select newest from fences where name = ?'),
    putFence: file.prepare<[{ name: string; newest: number }]>(
      'insert or replace into fences (name, newest) values (@name, @newest)',
    ),
  };
}
