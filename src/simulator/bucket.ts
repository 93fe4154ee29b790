/**
 * Keepa's true token bucket, as recorded traffic shows it.
 *
 * One lump of `rate` tokens arrives per tick of 60,200 ms (not 60,000, and not continuously). The
 * phase of the ticks belongs to the account. The cap is applied to the lump before a debit is
 * taken, a request is admitted at any balance above zero, and its cost may drive the balance below
 * it.
 *
 * Invariants:
 * - balance <= 60 x rate after every lump;
 * - every token is accounted for: start + refilled - spent - drained - expired = balance;
 * - time only moves forward; an instant before the last one seen changes nothing.
 */

/** Length of one tick. Of 76 recorded neighbours one tick apart, 71 were 60,200 to 60,205 ms. */
export const tickMs = 60_200;
/** The least that `refillIn` was ever seen to be. */
const refillInMsMin = 522;
/** Tokens expire after an hour, so this many minutes' worth is the most there can be. */
const capacityMinutes = 60;

export interface BucketStart {
  readonly ratePerMinute: number;
  readonly balance: number;
  /** The first instant at which a lump arrives, Unix ms. */
  readonly nextTickMs: number;
}

/** The token fields of an answer, true for the end of its processing. */
export interface BucketReading {
  readonly tokensLeft: number;
  readonly refillIn: number;
  readonly refillRate: number;
  readonly tokenFlowReduction: number;
}

export class Bucket {
  #rate: number;
  #balance: number;
  #nextTickMs: number;
  #flowReduction = 0;
  #expired = 0;
  #refilled = 0;
  #lowest: number;

  constructor(start: BucketStart) {
    this.#rate = start.ratePerMinute;
    this.#balance = start.balance;
    this.#nextTickMs = start.nextTickMs;
    this.#lowest = start.balance;
  }

  get capacity(): number {
    return this.#rate * capacityMinutes;
  }

  /** Tokens that arrived at a full bucket and were lost. */
  get expiredTokens(): number {
    return this.#expired;
  }

  /** Tokens that arrived, whether kept or expired. */
  get refilledTokens(): number {
    return this.#refilled;
  }

  get lowestBalance(): number {
    return this.#lowest;
  }

  /** The balance once every lump up to `atMs` has arrived. */
  balanceAt(atMs: number): number {
    this.#advanceTo(atMs);
    return this.#balance;
  }

  /**
   * Takes `costTokens` at the end of a request's processing, and reads what the answer will say.
   */
  settle(costTokens: number, endMs: number): BucketReading {
    this.#advanceTo(endMs);
    this.#take(costTokens);
    return {
      tokensLeft: this.#balance,
      refillIn: Math.max(refillInMsMin, Math.round(this.#nextTickMs - endMs)),
      refillRate: this.#rate,
      tokenFlowReduction: this.#flowReduction,
    };
  }

  /** Somebody else with the same key spends. */
  drain(tokens: number, atMs: number): void {
    this.#advanceTo(atMs);
    this.#take(tokens);
  }

  /** Another plan from now on. What lies above the new capacity expires with the next lump. */
  setRate(ratePerMinute: number, atMs: number): void {
    this.#advanceTo(atMs);
    this.#rate = ratePerMinute;
  }

  /** Trackings take this many tokens a minute from the refill, in effect rounded to whole ones. */
  setFlowReduction(tokensPerMinute: number, atMs: number): void {
    this.#advanceTo(atMs);
    this.#flowReduction = tokensPerMinute;
  }

  #take(tokens: number): void {
    this.#balance -= tokens;
    this.#lowest = Math.min(this.#lowest, this.#balance);
  }

  #advanceTo(atMs: number): void {
    if (atMs < this.#nextTickMs) return;
    const ticks = Math.floor((atMs - this.#nextTickMs) / tickMs) + 1;
    const refill = ticks * Math.max(0, this.#rate - Math.round(this.#flowReduction));
    const uncapped = this.#balance + refill;
    this.#balance = Math.min(this.capacity, uncapped);
    this.#refilled += refill;
    this.#expired += uncapped - this.#balance;
    this.#nextTickMs += ticks * tickMs;
  }
}
