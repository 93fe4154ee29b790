/**
 * Coordination that outlives its processes without a file: what Redis is to the daemon, in memory.
 *
 * A simulation renews leases every ten virtual seconds; here that costs next to nothing. The
 * contract of both ports is run on it as on every implementation, so it is no mock.
 *
 * Invariants: those of `src/coordination/ports.ts`; time is the store's own, which no wall clock
 * moves.
 */
import { checkedName } from '../../src/coordination/names.ts';
import type {
  Acquisition,
  Checkpoints,
  Coordination,
  LeaseClaim,
  LeaseEntry,
  Leases,
  Owner,
} from '../../src/coordination/ports.ts';

interface Entry {
  readonly name: string;
  readonly owner: Owner;
  readonly fence: number;
  readonly acquiredAtMs: number;
  readonly renewedAtMs: number;
  readonly expiresAtMs: number;
  readonly doing: string;
  readonly store: string;
}

export interface StoreTime {
  /** For people. */
  now(): number;
  /** Judges every expiry. */
  monotonic(): number;
}

export class RememberedCoordination implements Coordination {
  readonly leases: Leases;
  readonly checkpoints: Checkpoints;
  readonly #time: StoreTime;
  readonly #isProvablyDead: (owner: Owner) => boolean;
  readonly #entries = new Map<string, Entry>();
  readonly #fences = new Map<string, number>();
  readonly #values = new Map<string, { readonly text: string; readonly writtenAtMs: number }>();
  #newestFence = 0;

  constructor(options: { time: StoreTime; isProvablyDead: (owner: Owner) => boolean }) {
    this.#time = options.time;
    this.#isProvablyDead = options.isProvablyDead;
    this.leases = {
      acquire: async (name, wish) => this.#acquire(checkedName(name), wish),
      renew: async (name, claim) => {
        const held = this.#heldBy(checkedName(name), claim);
        if (held === undefined) return false;
        this.#put({ ...held, ...this.#times(claim.ttlMs), doing: claim.doing });
        return true;
      },
      release: async (name, claim) =>
        this.#heldBy(checkedName(name), claim) !== undefined && this.#entries.delete(name),
      list: async () => [...this.#entries.values()].map((entry) => this.#shown(entry)),
      clear: async (name) => this.#clear(checkedName(name)),
    };
    this.checkpoints = {
      read: async (name) => this.peek(checkedName(name)),
      write: async (name, value, fence) => this.#write(checkedName(name), value, fence),
      list: async () =>
        [...this.#values.keys()].toSorted().map((name) => ({
          name,
          value: this.peek(name),
          writtenAtMs: this.#values.get(name)?.writtenAtMs ?? 0,
        })),
      remove: async (name) => this.#values.delete(checkedName(name)),
    };
  }

  /** Loses everything, as an emptied Redis does. */
  lose(): void {
    this.#entries.clear();
    this.#fences.clear();
    this.#values.clear();
    this.#newestFence = 0;
  }

  /** The value of a checkpoint. */
  peek(name: string): unknown {
    const kept = this.#values.get(name);
    return kept === undefined ? undefined : JSON.parse(kept.text);
  }

  async close(): Promise<void> {}

  #acquire(name: string, wish: LeaseClaim): Acquisition {
    const held = this.#entries.get(name);
    if (held !== undefined && this.#bars(held, wish.owner)) {
      return { granted: false, holder: this.#shown(held) };
    }
    const fence = Math.max(this.#fences.get(name) ?? 0, wish.fenceFloor) + 1;
    this.#fences.set(name, fence);
    const times = this.#times(wish.ttlMs);
    const { owner, doing, store = '' } = wish;
    this.#put({ name, owner, fence, acquiredAtMs: times.renewedAtMs, ...times, doing, store });
    return { granted: true, fence };
  }

  #clear(name: string): boolean {
    const held = this.#entries.get(name);
    if (held === undefined) return false;
    this.#fences.set(name, Math.max(this.#fences.get(name) ?? 0, held.fence) + 1);
    return this.#entries.delete(name);
  }

  #bars(held: Entry, owner: Owner): boolean {
    if (isSame(held.owner, owner) || this.#remainingMs(held) <= 0) return false;
    return !this.#isProvablyDead(held.owner);
  }

  #heldBy(name: string, claim: { owner: Owner; fence: number }): Entry | undefined {
    const held = this.#entries.get(name);
    const isOurs = held?.fence === claim.fence && isSame(held.owner, claim.owner);
    return isOurs ? held : undefined;
  }

  #write(name: string, value: unknown, fence: number): boolean {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`checkpoint "${name}": not a JSON value`);
    if (this.#newestFence > fence) return false;
    this.#newestFence = fence;
    this.#values.set(name, { text, writtenAtMs: this.#time.now() });
    return true;
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.name, entry);
  }

  #times(ttlMs: number): { renewedAtMs: number; expiresAtMs: number } {
    return { renewedAtMs: this.#time.now(), expiresAtMs: this.#time.monotonic() + ttlMs };
  }

  #remainingMs({ expiresAtMs }: Entry): number {
    return expiresAtMs - this.#time.monotonic();
  }

  #shown(entry: Entry): LeaseEntry {
    const { expiresAtMs: _, ...shown } = entry;
    return { ...shown, remainingMs: this.#remainingMs(entry) };
  }
}

function isSame(a: Owner, b: Owner): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
