/**
 * No row is bought again and again: what yields nothing is spaced, over faults and restarts.
 *
 * *Bought again*: within a day the history of one product was asked for in more tries than the
 * spacing allows. A try is what the broker makes up to six attempts of: so many requests for a
 * product, each no later after the one before than the broker's longest wait, are one. The spacing,
 * five minutes doubled up to a day, makes ten tries of the first day; a re-check, a second price
 * type, a refusal, a start, a listing that comes back add to them, each once.
 */
import type { WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';

const dayMs = 24 * 3_600_000;
/** The attempts of one request are at most this far apart: an answer's deadline and a backoff. */
const attemptGapMs = 4 * 60_000;
const attemptsPerTryMax = 6;
const triesPerDayMax = 20;

interface Asked {
  /** When each try of the last day began. */
  readonly tries: readonly number[];
  readonly lastAtMs: number;
  /** Of the last try. */
  readonly attempts: number;
}

export class PurchasesChecker implements Checker {
  readonly #run: Watched;
  readonly #asked = new Map<string, Asked>();

  constructor(run: Watched) {
    this.#run = run;
  }

  sent({ request: { path, query }, sentAtMs }: WireCall): void {
    if (path !== '/product' || query.offers !== undefined) return;
    for (const asin of (query.asin ?? '').split(',')) this.#note(asin, sentAtMs);
  }

  #note(asin: string, atMs: number): void {
    const none: Asked = { tries: [], lastAtMs: 0, attempts: 0 };
    const { tries, lastAtMs, attempts } = this.#asked.get(asin) ?? none;
    const isNewTry = atMs - lastAtMs > attemptGapMs || attempts >= attemptsPerTryMax;
    const lately = tries.filter((triedAtMs) => triedAtMs > atMs - dayMs);
    this.#asked.set(asin, {
      tries: isNewTry ? [...lately, atMs] : lately,
      lastAtMs: atMs,
      attempts: isNewTry ? 1 : attempts + 1,
    });
    if (!isNewTry || lately.length < triesPerDayMax) return;
    this.#run.fail('bought-again', `${asin} was asked for ${lately.length + 1} times within a day`);
  }
}
