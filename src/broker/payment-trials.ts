/**
 * When Keepa is tried again that wants to be paid first (402).
 *
 * Somebody pays at keepa.com, and nobody tells us. What Keepa says to a key that is not paid is
 * known from one status alone, so a balance that can be read proves nothing: it is free, and may be
 * told to everybody. Hence a trial has two steps, and the second needs the first: the free read,
 * then the request that is next by the rules. Refused it costs nothing, and served it is wanted.
 *
 * Invariants:
 * - only a request that is served ends it; then nothing is held back any more;
 * - between trials lie ever longer waits: half to a whole minute, in the end five to ten;
 * - a plan that is refused again within an hour goes on with the waits where they were.
 */
import type { Outcome } from '../keepa/call.ts';
import { backoffMs } from '../runtime/backoff.ts';
import type { Random } from '../runtime/random.ts';
import type { StopSigns } from './stop-signs.ts';

const backoff = { firstMs: 60_000, capMs: 600_000 };
/** Served for so long, the next refusal is a new matter. */
const calmMs = 3_600_000;

export class PaymentTrials {
  readonly #random: Random;
  readonly #stops: StopSigns;
  #isUnpaid = false;
  #failuresInRow = 0;
  #servedAtMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor({ random, stops }: { random: Random; stops: StopSigns }) {
    this.#random = random;
    this.#stops = stops;
  }

  /** Nothing is sent before it, not even the free read; in the past while nothing forbids it. */
  get notBeforeMs(): number {
    return this.#notBeforeMs;
  }

  /**
   * Takes in what became of a call, at its arrival on the monotonic clock: raises the sign, lifts
   * it, or makes the next trial wait. True when Keepa serves nothing now: its refill may have
   * stopped with the payment, so what is believed of the balance counts no more.
   */
  note(outcome: Outcome<unknown>, of: { isFree: boolean; atMs: number }): boolean {
    const { isFree, atMs } = of;
    const isRefused = outcome.kind === 'permanent' && outcome.reason === 'payment-required';
    if (isRefused) this.#stops.raise('payment-required', outcome.why);
    else if (!this.#isUnpaid) return false;
    if (outcome.kind === 'answered') {
      if (!isFree) this.#served(atMs);
      return false;
    }
    this.#failed(atMs);
    return true;
  }

  #failed(atMs: number): void {
    if (!this.#isUnpaid && atMs - this.#servedAtMs > calmMs) this.#failuresInRow = 0;
    this.#isUnpaid = true;
    this.#failuresInRow += 1;
    this.#notBeforeMs = atMs + backoffMs(this.#failuresInRow, { ...backoff, random: this.#random });
  }

  #served(atMs: number): void {
    this.#isUnpaid = false;
    this.#servedAtMs = atMs;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
    this.#stops.lift('payment-required');
  }
}
