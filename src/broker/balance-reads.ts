/**
 * When the free read of the balance may be made.
 *
 * Every answer carries the balance, so a read is needed only where no answer can be had: at the
 * start, when the right to spend comes back (somebody else may have spent meanwhile), before the
 * first request after a 429 (so that an episode has one), and when the last truth is an hour old.
 * Keepa asks its clients not to poll it.
 *
 * A read that is not answered does not count towards the limit: its growing spacing keeps it rare,
 * and an outage that used the limit up would go on for up to an hour after its end. Nor may those
 * that were answered use it up: a Keepa that answers reads and refuses all else would be left alone
 * for the rest of the hour with a full bucket. Six are made as they are wanted, more are spaced.
 *
 * Invariants:
 * - at most 12 reads within any hour are answered, and a wanted one waits 10 minutes at most;
 * - between reads that are not answered lie ever longer waits, in the end of five to ten minutes.
 */
import { backoffMs } from '../runtime/backoff.ts';
import type { Random } from '../runtime/random.ts';
import { HourSum } from './hour-sum.ts';

const promptPerHourMax = 6;
/** Six of these an hour, and the six before them, are the twelve. */
const spacingMs = 600_000;
const backoff = { firstMs: 2_000, capMs: 600_000 };

export class BalanceReads {
  readonly #random: Random;
  readonly #answered = new HourSum();
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  #failuresInRow = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;

  constructor(random: Random) {
    this.#random = random;
  }

  /** How often the read has been tried for the present purpose, this time included. */
  get attempt(): number {
    return this.#failuresInRow + 1;
  }

  /** The earliest instant for the next read; in the past when it may be made now. */
  nextAtMs(nowMs: number): number {
    const freeAtMs = this.#answered.freeAtMs(nowMs, promptPerHourMax) ?? nowMs;
    return Math.max(Math.min(freeAtMs, this.#answeredAtMs + spacingMs), this.#retryAtMs);
  }

  succeeded(nowMs: number): void {
    this.#answered.add(nowMs, 1);
    this.#answeredAtMs = nowMs;
    this.#failuresInRow = 0;
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
  }

  failed(nowMs: number): void {
    this.#failuresInRow += 1;
    this.#retryAtMs = nowMs + backoffMs(this.#failuresInRow, { ...backoff, random: this.#random });
  }
}
