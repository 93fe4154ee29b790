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
 * - the fence that counts is that of the last one;
 * - a lease that is gone is taken again only while no newer fence has written than ours, and while
 *   nobody had it or cleared it: then the work in memory is still that of the only writer.
 */
import { describeError } from '../runtime/describe-error.ts';
import {
  LeaseKeeper,
  type LeaseKeeperOptions,
  type LeaseTimes,
  type Taken,
  type Trouble,
} from './lease-keeper.ts';
import { CoordinationAwayError, CoordinationRefusedError, type LeaseEntry } from './ports.ts';

/** The deals database, which refuses what is written under an older fence than the newest. */
export interface FencedStore {
  newestFence(): Promise<number>;
  /** Has our writes go on under this fence; false when a newer one is known. */
  raiseFence(fence: number): Promise<boolean>;
}

export interface TakeOptions {
  /** The highest fence that the deals database has seen. */
  fenceFloor(): Promise<number>;
  /** Called once for every other holder that is found; without it the answer is `held`. */
  onStandby?(holder: LeaseEntry): void;
  /** Whether to stand by for this holder, or else to answer `held`. Absent: for every one. */
  isHeirOf?(holder: LeaseEntry): boolean;
  /**
   * Called when the store of leases cannot be asked, with what a person can do who does not wait,
   * and when that is over (undefined); not for the end of a wait that was told to end.
   */
  onAway(why: string | undefined, todo?: string): void;
  readonly signal: AbortSignal;
}

/** The store of leases cannot be asked now. */
interface Away {
  readonly kind: 'away';
  readonly why: string;
  readonly todo: string;
}

/**
 * The first wait for a store that is away; each further one is twice as long, up to `retryMs`. One
 * that is just coming up beside us, and loads what it has kept, is there in a fraction of a second.
 */
const awayMsFirst = 25;

export class LeaseSet {
  /** Resolves with the reason when any of them is lost; stays pending otherwise. */
  readonly lost: Promise<string>;
  readonly #keepers: readonly LeaseKeeper[];
  readonly #options: LeaseKeeperOptions;
  #retaking: Promise<unknown> = Promise.resolve();

  constructor(names: readonly string[], options: Omit<LeaseKeeperOptions, 'name'>) {
    this.#options = { ...options, name: names.join(' and ') };
    this.#keepers = names.map((name) => new LeaseKeeper({ ...options, name }));
    this.lost = Promise.race(this.#keepers.map(({ lost }) => lost));
  }

  /**
   * Takes all of them, waiting for their holders to end if `onStandby` is given, and for a store
   * that is away in any case. Whoever waits already goes on waiting where it becomes unfit (a
   * replica, full, silent): the one who has to mend it is told, and a restart would mend nothing.
   *
   * @throws CoordinationRefusedError at the first question; later if misconfigured only.
   */
  async take(options: TakeOptions): Promise<Taken> {
    const { clock, times } = this.#options;
    let announced: string | undefined;
    let awayWhy: string | undefined;
    let waitMs = times.retryMs;
    for (let isWaiting = false; ; isWaiting = true) {
      const taken = await this.#takeAll({ ...options, isWaiting });
      if (taken.kind === 'aborted') return taken;
      const { why, todo } = taken.kind === 'away' ? taken : {};
      if (why !== awayWhy) options.onAway(why, todo);
      const wasAway = awayWhy !== undefined;
      awayWhy = why;
      // Whoever holds it then is somebody to announce anew.
      if (why !== undefined) announced = undefined;
      waitMs = why === undefined ? times.retryMs : nextAwayMs(waitMs, { isFirst: !wasAway, times });
      if (taken.kind !== 'away') {
        if (taken.kind !== 'held' || options.onStandby === undefined) return taken;
        if (options.isHeirOf?.(taken.holder) === false) return taken;
        const { instance } = taken.holder.owner;
        if (instance !== announced) options.onStandby(taken.holder);
        announced = instance;
      }
      await clock.sleep(waitMs, options.signal).catch(() => undefined);
    }
  }

  async #takeAll(options: TakeOptions & { readonly isWaiting: boolean }): Promise<Taken | Away> {
    let last: Taken = { kind: 'aborted' };
    let floor = 0;
    for (const keeper of this.#keepers) {
      const fenceFloor = async () => Math.max(floor, await options.fenceFloor());
      const taken = await takeOne(keeper, { ...options, fenceFloor });
      if (taken.kind === 'taken') {
        last = taken;
        floor = taken.fence;
        continue;
      }
      // What cannot be given back now is still ours at the next try, or runs out.
      await this.release().catch(unlessAway);
      return taken;
    }
    return last;
  }

  /** Whether work may be admitted now. */
  holds(): boolean {
    return this.#keepers.every((keeper) => keeper.holds());
  }

  /** Why one of them cannot be renewed; undefined while all can. */
  get trouble(): Trouble | undefined {
    return this.#keepers.find(({ trouble }) => trouble !== undefined)?.trouble;
  }

  /** The fence that counts; undefined while nothing is held. */
  get fence(): number | undefined {
    return this.#keepers.at(-1)?.fence;
  }

  /** Has what the holder is doing told at once. */
  tell(): void {
    for (const keeper of this.#keepers) keeper.tell();
  }

  /**
   * Renews all of them until the signal aborts. With the `store` that they fence, one that is gone
   * (a Redis that was emptied) is taken again in place, under a new fence.
   */
  async run(signal: AbortSignal, store?: FencedStore): Promise<void> {
    const running = this.#keepers.map((keeper) =>
      keeper.run(signal, store && (() => this.#retake(keeper, { store, signal }))),
    );
    await Promise.all(running);
  }

  /** One after the other: each has to see the fence that the one before has raised. */
  #retake(
    keeper: LeaseKeeper,
    options: { readonly store: FencedStore; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const retaken = this.#retaking.then(() => this.#retakeOne(keeper, options));
    this.#retaking = retaken.catch(() => undefined);
    return retaken;
  }

  async #retakeOne(
    keeper: LeaseKeeper,
    { store, signal }: { readonly store: FencedStore; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { fence } = this;
    if (fence === undefined || (await store.newestFence()) > fence) return false;
    const retaken = signal.aborted ? undefined : await keeper.retake();
    if (retaken === undefined) return false;
    const counts = keeper === this.#keepers.at(-1);
    if (counts && !(await store.raiseFence(retaken))) return false;
    this.#options.log.warn('lease-retaken', { fence: retaken });
    return true;
  }

  /**
   * As `release`, at the end of a life: what cannot be given back is said, and runs out.
   */
  async giveBack(): Promise<void> {
    await this.release().catch((error: unknown) => {
      this.#options.log.warn('release-failed', { error: describeError(error) });
    });
  }

  /**
   * Gives back what is held, the last taken first. Each is tried, whatever became of the others.
   *
   * @throws the first error.
   */
  async release(): Promise<void> {
    const failures: unknown[] = [];
    for (const keeper of this.#keepers.toReversed()) {
      await keeper.release().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

function nextAwayMs(
  waitedMs: number,
  { isFirst, times }: { readonly isFirst: boolean; readonly times: LeaseTimes },
): number {
  return Math.min(times.retryMs, isFirst ? awayMsFirst : 2 * waitedMs);
}

/** @throws what does not say that the store is away. */
function unlessAway(error: unknown): void {
  if (!(error instanceof CoordinationAwayError)) throw error;
}

/** The error is an answer here: somebody waits for its end. */
async function takeOne(
  keeper: LeaseKeeper,
  { fenceFloor, signal, isWaiting }: TakeOptions & { readonly isWaiting: boolean },
): Promise<Taken | Away> {
  try {
    return await keeper.take({ fenceFloor, signal });
  } catch (error) {
    if (error instanceof CoordinationAwayError) {
      return { kind: 'away', why: error.message, todo: error.todo };
    }
    if (!isWaiting || !(error instanceof CoordinationRefusedError)) throw error;
    // What our own configuration has wrong is not mended over there, however long we wait.
    if (error.isMisconfigured) throw error;
    return { kind: 'away', why: `${error.message}; ${error.todo}`, todo: error.todo };
  }
}
