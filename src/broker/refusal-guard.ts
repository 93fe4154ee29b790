/**
 * Keeps an episode of debt down to one 429.
 *
 * A refusal means that somebody else spent, and may go on spending. The balance in its body is the
 * truth of that moment, so the wait for tokens is computed from it; but when that wait is over,
 * only the free read can tell whether the tokens are really there. Until it has said so, nothing is
 * sent.
 *
 * A process that begins at nothing left is taken to be in such an episode: we never spend below
 * nothing ourselves, and the process before it may have had the one 429 already.
 *
 * Invariants:
 * - after a refusal nothing is sent before the next tick, and after several in a row that the
 *   balance does not explain, not before as many ticks: no refusal can become a hot loop;
 * - a read that finds too little is good for that one look only.
 */
import { projectedTickMs } from './token-bucket.ts';

/** More refusals in a row than this do not lengthen the wait any further. */
const waitTicksMax = 10;

export class RefusalGuard {
  #refusalsInRow = 0;
  #isInEpisode = false;
  #refusals = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #hasRead = false;

  /** All 429s so far. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Nothing may be sent before it. */
  get notBeforeMs(): number {
    return this.#notBeforeMs;
  }

  /** True when the balance must be read before the next request is sent. */
  get mustReadFirst(): boolean {
    return this.#isInEpisode && !this.#hasRead;
  }

  refused({ nextLumpAtMs }: { nextLumpAtMs: number }): void {
    this.#refusals += 1;
    const ticks = Math.min(this.#refusalsInRow, waitTicksMax);
    this.#refusalsInRow += 1;
    this.#isInEpisode = true;
    this.#notBeforeMs = nextLumpAtMs + ticks * projectedTickMs;
    this.#hasRead = false;
  }

  /** The first truth: there is nothing left, and none of it is known to be our doing. */
  foundNothingLeft(): void {
    this.#isInEpisode = true;
    this.#hasRead = false;
  }

  /** The free read has told the balance. */
  balanceRead(): void {
    this.#hasRead = true;
  }

  /** There was not enough: what was read is worth nothing by the time there is. */
  mustWait(): void {
    this.#hasRead = false;
  }

  /** A request was served: the episode is over. */
  served(): void {
    this.#refusalsInRow = 0;
    this.#isInEpisode = false;
  }
}
