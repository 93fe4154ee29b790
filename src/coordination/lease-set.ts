/**
 * Several leases held as one: all of them or none.
 *
 * One lease per API key makes one spender; one per data directory makes one writer of its files. A
 * daemon needs both: two keys on one directory would write over each other, and one key on two
 * directories would spend twice. Each lease is judged and renewed for itself.
 *
 * Invariants:
 * - leases are taken in the given order, and none is kept while another is waited for: a lease that
 *   nobody renews would run out;
 * - the fence that counts is that of the last one.
 */
import { LeaseKeeper, type LeaseKeeperOptions, type Taken } from './lease-keeper.ts';
import type { LeaseEntry } from './ports.ts';

export interface TakeOptions {
  /** The highest fence that the deals database has seen. */
  fenceFloor(): Promise<number>;
  /** Called once, when another holder is found; without it the answer is `held`. */
  onStandby?(holder: LeaseEntry): void;
  readonly signal: AbortSignal;
}

export class LeaseSet {
  /** Resolves with the reason when any of them is lost; stays pending otherwise. */
  readonly lost: Promise<string>;
  readonly #keepers: readonly LeaseKeeper[];
  readonly #options: LeaseKeeperOptions;

  constructor(names: readonly string[], options: Omit<LeaseKeeperOptions, 'name'>) {
    this.#options = { ...options, name: names.join(' and ') };
    this.#keepers = names.map((name) => new LeaseKeeper({ ...options, name }));
    this.lost = Promise.race(this.#keepers.map(({ lost }) => lost));
  }

  /** Takes all of them, waiting for their holders to end if `onStandby` is given. */
  async take(options: TakeOptions): Promise<Taken> {
    const { clock, times } = this.#options;
    let isAnnounced = false;
    for (;;) {
      const taken = await this.#takeAll(options);
      if (taken.kind !== 'held' || options.onStandby === undefined) return taken;
      if (!isAnnounced) options.onStandby(taken.holder);
      isAnnounced = true;
      await clock.sleep(times.retryMs, options.signal).catch(() => undefined);
    }
  }

  async #takeAll({ fenceFloor, signal }: TakeOptions): Promise<Taken> {
    let last: Taken = { kind: 'aborted' };
    for (const keeper of this.#keepers) {
      last = await keeper.take({ fenceFloor, signal });
      if (last.kind === 'taken') continue;
      await this.release();
      return last;
    }
    return last;
  }

  /** Whether work may be admitted now. */
  holds(): boolean {
    return this.#keepers.every((keeper) => keeper.holds());
  }

  /** Renews all of them until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#keepers.map((keeper) => keeper.run(signal)));
  }

  /** Gives back what is held, the last taken first. */
  async release(): Promise<void> {
    for (const keeper of this.#keepers.toReversed()) await keeper.release();
  }
}
