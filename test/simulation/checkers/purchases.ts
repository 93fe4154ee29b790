/**
 * No row is bought again and again: what yields nothing is spaced, over faults and restarts.
 *
 * *Bought again*: within a day the history of one product, or its offers, was asked for in more
 * tries than the spacing allows. A try is what the broker makes up to six attempts of: so many
 * requests for a product, each no later after the one before than the broker's longest
 * wait, are one.
 * The spacing, five minutes doubled up to a day, makes ten tries of the first day; a re-check, a
 * second price type, a refusal, a start, a listing that comes back add to them, each once.
 *
 * Offers are counted by themselves: every change of price asks for another look at them. The most
 * in nine seeds of a day was 18; twice that is the bound, and hundreds are what it is to catch.
 */
import type { WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';

const dayMs = 24 * 3_600_000;
/** The attempts of one request are at most this far apart: an answer's deadline and a backoff. */
const attemptGapMs = 4 * 60_000;
const attemptsPerTryMax = 6;
const triesPerDayMax = { history: 20, offers: 36 } as const;

interface Asked {
  /** When each try of the last day began. */
  readonly tries: readonly number[];
  readonly lastAtMs: number;
  /** Of the last try. */
  readonly attempts: number;
}

export class PurchasesChecker implements Checker {
  readonly #run: Watched;
  readonly #asked = { history: new Map<string, Asked>(), offers: new Map<string, Asked>() };

  constructor(run: Watched) {
    this.#run = run;
  }

  sent({ request: { path, query }, sentAtMs }: WireCall): void {
    if (path !== '/product') return;
    const what = query.offers === undefined ? 'history' : 'offers';
    for (const asin of (query.asin ?? '').split(',')) this.#note(what, asin, sentAtMs);
  }

  #note(what: keyof typeof triesPerDayMax, asin: string, atMs: number): void {
    const asked = this.#asked[what];
    const none: Asked = { tries: [], lastAtMs: 0, attempts: 0 };
    const { tries, lastAtMs, attempts } = asked.get(asin) ?? none;
    const isNewTry = atMs - lastAtMs > attemptGapMs || attempts >= attemptsPerTryMax;
    const lately = tries.filter((triedAtMs) => triedAtMs > atMs - dayMs);
    asked.set(asin, {
      tries: isNewTry ? [...lately, atMs] : lately,
      lastAtMs: atMs,
      attempts: isNewTry ? 1 : attempts + 1,
    });
    if (!isNewTry || lately.length < triesPerDayMax[what]) return;
    const times = `${lately.length + 1} times within a day`;
    this.#run.fail('bought-again', `the ${what} of ${asin} were asked for ${times}`);
  }
}
