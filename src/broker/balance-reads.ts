/**
 * When the free read of the balance may be made.
 *
 * Every answer carries the balance, so a read is needed only where no answer can be had: at the
 * start, when the right to spend comes back (somebody else may have spent meanwhile), before the
 * first request after a 429 (so that an episode has one), and when the last truth is an hour old.
 * Keepa asks its clients not to poll it.
 *
 * Invariant: at most 12 reads within any hour, whatever happens.
 */
import { backoffMs } from '../runtime/backoff.ts';
import type { Random } from '../runtime/random.ts';
import { HourSum } from './hour-sum.ts';

const readsPerHourMax = 12;
const backoff = { firstMs: 2_000, capMs: 600_000 };

export class BalanceReads {
  readonly #random: Random;
  readonly #made = new HourSum();
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
    const freeAtMs = this.#made.freeAtMs(nowMs, readsPerHourMax) ?? nowMs;
    return Math.max(freeAtMs, this.#retryAtMs);
  }

  began(nowMs: number): void {
    this.#made.add(nowMs, 1);
  }

  succeeded(): void {
    this.#failuresInRow = 0;
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
  }

  failed(nowMs: number): void {
    this.#failuresInRow += 1;
    this.#retryAtMs = nowMs + backoffMs(this.#failuresInRow, { ...backoff, random: this.#random });
  }
}
