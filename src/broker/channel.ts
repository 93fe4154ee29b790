/**
 * The one way to Keepa: sends, lets the broker take the answer in, stores it, and is free again.
 *
 * It runs beside the mailbox, because a message must not wait for a call of seconds or a store that
 * cannot write. It touches no state of the broker: what an answer means is said by `land` and
 * `done`, which run as messages.
 *
 * Invariants:
 * - one job at a time, each landed once and then done once;
 * - an answer is stored, and its line in the ledger written, before the next job can begin; what
 *   can never be stored is let go with an error in the log.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import type { LearnedShape } from './cost-model.ts';
import type { Purchase, Sent } from './errand.ts';
import type { BrokerSnapshot, LedgerEntry } from './request.ts';
import type { StopSigns } from './stop-signs.ts';
import { type Stored, storeUntilDone } from './storing.ts';
import type { Flight } from './token-bucket.ts';

type Slot = Omit<NonNullable<BrokerSnapshot['inFlight']>, 'forMs'>;

/** What is to be kept of an answer. */
export interface Landed {
  readonly entry: LedgerEntry;
  /** What is known now of the costs of the entry's shape. */
  readonly learned?: LearnedShape | undefined;
  readonly purchase?: Purchase | undefined;
  /** The channel is free; `stored` tells what became of the purchase. Runs as a message. */
  done(stored: Stored): void;
}

export interface Job {
  readonly slot: Omit<Slot, 'sinceMs'>;
  /** Never rejects. */
  send(signal: AbortSignal): Promise<Sent>;
  /** Takes the answer in. Runs as a message. */
  land(sent: Sent, flight: Flight): Landed;
}

export interface ChannelOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly stops: StopSigns;
  readonly record: (entry: LedgerEntry, learned?: LearnedShape) => Promise<void>;
  readonly isFinal: (error: unknown) => boolean;
  readonly canPass: (error: unknown) => boolean;
  /** Runs a message of the broker. */
  readonly post: <T>(message: () => T) => Promise<T>;
}

/** A call with offers is sized to about this; a turn is never promised to be shorter. */
const turnMsMin = 20_000;
const durationsKept = 50;

export class Channel {
  readonly #options: ChannelOptions;
  readonly #giveUp = new AbortController();
  #durationsMs: number[] = [];
  #slot: (Slot & { readonly sentAtMs: number }) | undefined;
  #freeSinceMs: number;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#freeSinceMs = options.clock.monotonic();
  }

  /** Whether nothing is under way. */
  get isFree(): boolean {
    return this.#slot === undefined;
  }

  /** Since when, on the monotonic clock; of no meaning while something is under way. */
  get freeSinceMs(): number {
    return this.#freeSinceMs;
  }

  /** What is under way, from sending to stored. */
  get inFlight(): BrokerSnapshot['inFlight'] {
    if (this.#slot === undefined) return undefined;
    const { sentAtMs, ...slot } = this.#slot;
    return { ...slot, forMs: this.#options.clock.monotonic() - sentAtMs };
  }

  /**
   * The longest that a call has lately taken. Storing is left out: hours of a full disk would be
   * promised to all classes for the next fifty calls, and are over.
   */
  get turnMs(): number {
    return Math.max(turnMsMin, ...this.#durationsMs);
  }

  /** Stops waiting for what is under way: a call is aborted, a write is tried once more at most. */
  giveUp(): void {
    this.#giveUp.abort();
  }

  /** Rejects only for a fault in `land` or `done`. */
  async run(job: Job): Promise<void> {
    assert(this.#slot === undefined, 'two requests in flight');
    const { clock, post, record } = this.#options;
    const sentAtMs = clock.monotonic();
    this.#slot = { ...job.slot, sinceMs: clock.now(), sentAtMs };
    const sent = await job.send(this.#giveUp.signal);
    const receivedAtMs = clock.monotonic();
    const tookMs = receivedAtMs - sentAtMs;
    const landed = await post(() => {
      this.#durationsMs = [...this.#durationsMs, tookMs].slice(-durationsKept);
      return job.land(sent, { sentAtMs, receivedAtMs });
    });
    const stored = await this.#store('answer', landed, async () => {
      await landed.purchase?.commit();
    });
    await this.#store('ledger line', landed, () => record(landed.entry, landed.learned));
    await post(() => {
      this.#slot = undefined;
      this.#freeSinceMs = clock.monotonic();
      landed.done(stored);
    });
  }

  async #store(what: string, { entry }: Landed, write: () => Promise<void>): Promise<Stored> {
    const { clock, random, log, isFinal, canPass, stops } = this.#options;
    const stored = await storeUntilDone(write, {
      clock,
      random,
      isFinal,
      canPass,
      onFailure: (why) => stops.raise('store', `an answer cannot be stored: ${why}`),
      signal: this.#giveUp.signal,
    });
    stops.lift('store');
    if (stored.kind === 'unstorable') {
      const { shape, purpose } = entry;
      log.error('unstorable', { what, shape, purpose, why: stored.why });
    }
    return stored;
  }
}
