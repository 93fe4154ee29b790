/**
 * Holds one lease for as long as the process works, and knows when it no longer may.
 *
 * The lease's expiry is judged by the store's clock; ours is judged here, by monotonic time counted
 * from before each renewal was sent, and ends a margin earlier. So whoever takes over finds that we
 * stopped first, and a pause of the whole process (SIGSTOP) is noticed before the next decision.
 * Monotonic time may stand still while a machine is suspended: what such a process still writes,
 * before its next renewal fails, is refused by its fence.
 *
 * A renewal that finds the lease gone need not be the end: an operator who empties a Redis takes it
 * from its holder and gives it to nobody. Whoever may know that nobody has written since takes it
 * again (lease-set.ts). One who clears it means its holder, so a clear leaves a gap in the fences.
 *
 * Invariants:
 * - `holds()` is true only within `ttlMs - marginMs` of a renewal that the store confirmed;
 * - once lost, a keeper never holds again: the process ends and starts anew.
 */
import type { Clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Log } from '../runtime/log.ts';
import type { LeaseEntry, Leases, Owner } from './ports.ts';

export interface LeaseTimes {
  readonly ttlMs: number;
  readonly renewMs: number;
  /** How long before the expiry the holder stops admitting. */
  readonly marginMs: number;
  /** How soon a failed renewal is tried again, and how often one who stands by looks again. */
  readonly retryMs: number;
}

/** Three renewals fit a TTL, so one lost renewal changes nothing (design section 7). */
export const leaseTimes: LeaseTimes = {
  ttlMs: 30_000,
  renewMs: 10_000,
  marginMs: 10_000,
  retryMs: 1_000,
};

export interface LeaseKeeperOptions {
  readonly leases: Leases;
  readonly name: string;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly log: Log;
  readonly times: LeaseTimes;
  /** Which deals database the holder writes. */
  store?(): string;
  /** What the holder is doing, for people who list the locks. */
  doing(): string;
  /** Called when a renewal finds that `holds()` has turned, or turns it. */
  onTurned(): void;
}

export type Taken =
  | { readonly kind: 'taken'; readonly fence: number }
  | { readonly kind: 'held'; readonly holder: LeaseEntry }
  | { readonly kind: 'aborted' };

/** Why the last renewal got no answer, and since when (Unix ms) none did. */
export interface Trouble {
  readonly why: string;
  readonly sinceMs: number;
}

export class LeaseKeeper {
  /** Resolves with the reason when the lease is lost; stays pending otherwise. */
  readonly lost: Promise<string>;
  readonly #options: LeaseKeeperOptions;
  readonly #reportLost: (why: string) => void;
  #fence: number | undefined;
  #validUntilMs = Number.NEGATIVE_INFINITY;
  #trouble: Trouble | undefined;
  /** Ends the wait for the next renewal. */
  #told = new AbortController();

  constructor(options: LeaseKeeperOptions) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.lost = promise;
    this.#reportLost = resolve;
    this.#options = options;
  }

  /** Takes the lease. `fenceFloor` is asked for anew: whoever held it meanwhile has raised it. */
  async take(options: { fenceFloor: () => Promise<number>; signal: AbortSignal }): Promise<Taken> {
    if (options.signal.aborted) return { kind: 'aborted' };
    const { clock, times } = this.#options;
    const askedMs = clock.monotonic();
    const acquired = await this.#acquire(await options.fenceFloor());
    if (!acquired.granted) return { kind: 'held', holder: acquired.holder };
    this.#fence = acquired.fence;
    this.#validUntilMs = askedMs + times.ttlMs - times.marginMs;
    return { kind: 'taken', fence: acquired.fence };
  }

  /**
   * Takes anew what a renewal has found gone: the new fence, or undefined where it is somebody
   * else's. A fence that is not the one after ours says that the lease was cleared, or somebody's
   * meanwhile, whatever database that one writes: then it is given back at once.
   */
  async retake(): Promise<number | undefined> {
    const { leases, name, owner, clock, times } = this.#options;
    const before = this.#fence;
    if (before === undefined) return undefined;
    const askedMs = clock.monotonic();
    const acquired = await this.#acquire(before);
    if (!acquired.granted) return undefined;
    const { fence } = acquired;
    if (fence !== before + 1) {
      // Lost in any case: one that cannot be given back runs out.
      await leases.release(name, { owner, fence }).catch(() => undefined);
      return undefined;
    }
    this.#fence = fence;
    this.#validUntilMs = askedMs + times.ttlMs - times.marginMs;
    return fence;
  }

  #acquire(fenceFloor: number): ReturnType<Leases['acquire']> {
    const { leases, name, owner, times, store, doing } = this.#options;
    const claim = { owner, ttlMs: times.ttlMs, fenceFloor, doing: doing() };
    return leases.acquire(name, store === undefined ? claim : { ...claim, store: store() });
  }

  /** The fence of the last acquisition; undefined before it and after the release. */
  get fence(): number | undefined {
    return this.#fence;
  }

  /** Whether work may be admitted now. */
  holds(): boolean {
    return this.#options.clock.monotonic() < this.#validUntilMs;
  }

  /** Undefined while renewals are answered. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Has what the holder is doing told at once, rather than when the next renewal is due. */
  tell(): void {
    this.#told.abort();
  }

  /**
   * Renews until the signal aborts. A store that cannot be asked is asked again, soon. `retake`
   * takes the lease anew when it is gone; false, or none given: it is lost.
   */
  async run(signal: AbortSignal, retake?: () => Promise<boolean>): Promise<void> {
    const { clock, times, onTurned } = this.#options;
    let waitMs = times.renewMs;
    let held = this.holds();
    const look = (): void => {
      if (held === this.holds()) return;
      held = !held;
      onTurned();
    };
    while (!signal.aborted) {
      await this.#rest(waitMs, signal);
      if (signal.aborted) return;
      // In a process that was stopped it has run out in the sleep, and may yet be renewed.
      look();
      const askedMs = clock.monotonic();
      try {
        const isOurs = (await this.#renew()) || (await retake?.()) === true;
        this.#note(undefined);
        // Counted like the lease itself: an answer that was late takes nothing from the next one.
        waitMs = Math.max(0, askedMs + times.renewMs - clock.monotonic());
        if (isOurs) continue;
        this.#validUntilMs = Number.NEGATIVE_INFINITY;
        this.#reportLost('the daemon lease has expired or was taken over');
        await clock.sleep(times.ttlMs, signal).catch(() => undefined);
      } catch (error) {
        // At the next regular renewal the lease might be gone, so ask again soon.
        waitMs = times.retryMs;
        this.#note(describeError(error));
      } finally {
        look();
      }
    }
  }

  /** Until the next renewal is due, or there is something to tell with an earlier one. */
  async #rest(waitMs: number, signal: AbortSignal): Promise<void> {
    const told = this.#told;
    const end = (): void => told.abort();
    signal.addEventListener('abort', end);
    await this.#options.clock.sleep(waitMs, told.signal).catch(() => undefined);
    signal.removeEventListener('abort', end);
    if (told.signal.aborted) this.#told = new AbortController();
  }

  async #renew(): Promise<boolean> {
    const { leases, name, owner, clock, times, doing } = this.#options;
    const fence = this.#fence;
    if (fence === undefined) return false;
    const askedMs = clock.monotonic();
    const isOurs = await leases.renew(name, { owner, fence, ttlMs: times.ttlMs, doing: doing() });
    if (isOurs) this.#validUntilMs = askedMs + times.ttlMs - times.marginMs;
    return isOurs;
  }

  /** Said once when it begins, whenever the reason changes, and once when it is over. */
  #note(why: string | undefined): void {
    const { clock, log, name } = this.#options;
    const before = this.#trouble;
    if (why === before?.why) return;
    const sinceMs = before?.sinceMs ?? clock.now();
    this.#trouble = why === undefined ? undefined : { why, sinceMs };
    if (why === undefined) log.info('lease-store-back', { name, afterMs: clock.now() - sinceMs });
    else log.warn('lease-renewal-failed', { name, error: why });
  }

  /** Gives the lease back, so that whoever stands by need not wait for its expiry. */
  async release(): Promise<void> {
    const { leases, name, owner } = this.#options;
    this.#validUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#fence !== undefined) await leases.release(name, { owner, fence: this.#fence });
    this.#fence = undefined;
  }
}
