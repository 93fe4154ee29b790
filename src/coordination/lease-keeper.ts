/**
 * Holds one lease for as long as the process works, and knows when it no longer may.
 *
 * The lease's expiry is judged by the store's clock; ours is judged here, by monotonic time counted
 * from before each renewal was sent, and ends a margin earlier. So whoever takes over finds that we
 * stopped first, and a pause of the whole process (SIGSTOP) is noticed before the next decision.
 * Monotonic time may stand still while a machine is suspended: what such a process still writes,
 * before its next renewal fails, is refused by its fence.
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
  /** What the holder is doing, for people who list the locks. */
  doing(): string;
  /** Called when a renewal succeeds after a time in which nothing could be admitted. */
  onRegained(): void;
}

export type Taken =
  | { readonly kind: 'taken'; readonly fence: number }
  | { readonly kind: 'held'; readonly holder: LeaseEntry }
  | { readonly kind: 'aborted' };

export class LeaseKeeper {
  /** Resolves with the reason when the lease is lost; stays pending otherwise. */
  readonly lost: Promise<string>;
  readonly #options: LeaseKeeperOptions;
  readonly #reportLost: (why: string) => void;
  #fence: number | undefined;
  #validUntilMs = Number.NEGATIVE_INFINITY;

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

  #acquire(fenceFloor: number): ReturnType<Leases['acquire']> {
    const { leases, name, owner, times } = this.#options;
    return leases.acquire(name, { owner, ttlMs: times.ttlMs, fenceFloor, doing: 'starting' });
  }

  /** Whether work may be admitted now. */
  holds(): boolean {
    return this.#options.clock.monotonic() < this.#validUntilMs;
  }

  /** Renews until the signal aborts. A store that cannot be asked is asked again, soon. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, times } = this.#options;
    let waitMs = times.renewMs;
    while (!signal.aborted) {
      await clock.sleep(waitMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        waitMs = times.renewMs;
        if (await this.#renew()) continue;
        this.#validUntilMs = Number.NEGATIVE_INFINITY;
        this.#reportLost('the daemon lease has expired or was taken over');
        await clock.sleep(times.ttlMs, signal).catch(() => undefined);
      } catch (error) {
        // At the next regular renewal the lease might be gone, so ask again soon.
        waitMs = times.retryMs;
        log.warn('lease-renewal-failed', { error: describeError(error) });
      }
    }
  }

  async #renew(): Promise<boolean> {
    const { leases, name, owner, clock, times, doing } = this.#options;
    const fence = this.#fence;
    if (fence === undefined) return false;
    const askedMs = clock.monotonic();
    const isOurs = await leases.renew(name, { owner, fence, ttlMs: times.ttlMs, doing: doing() });
    const held = this.holds();
    if (isOurs) this.#validUntilMs = askedMs + times.ttlMs - times.marginMs;
    if (!held && this.holds()) this.#options.onRegained();
    return isOurs;
  }

  /** Gives the lease back, so that whoever stands by need not wait for its expiry. */
  async release(): Promise<void> {
    const { leases, name, owner } = this.#options;
    this.#validUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#fence !== undefined) await leases.release(name, { owner, fence: this.#fence });
    this.#fence = undefined;
  }
}
