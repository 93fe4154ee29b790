/**
 * No row is bought again and again: what yields nothing is spaced, over faults and restarts.
 *
 * *Bought again*: within a day the history of one product, or its offers, was asked for in more
 * tries than the spacing allows. A try is what the broker makes up to six attempts of: so many
 * requests for a product, each no later after the one before than the broker's longest
 * wait, are one. In an outage all tries are one: while nothing at all is answered it is no row's
 * fault, no token is taken, and the batch at hand is asked for until something is.
 * The spacing, five minutes doubled up to a day, makes ten tries of the first day; a re-check, a
 * start, a listing that comes back add to them, each once; so many for each price type.
 *
 * Offers are counted by themselves: every change of price asks for another look at them. Where
 * prices rest, the most in nine seeds of a day was 18; twice that is the bound, and one more for
 * every price that the market had in that day. Hundreds are what it is to catch.
 */
import type { PortCall } from '../fault-life.ts';
import type { WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';

const dayMs = 24 * 3_600_000;
const stepMs = 10 * 60_000;
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
  /** How much had been answered when it was sent. */
  readonly answers: number;
}

export class PurchasesChecker implements Checker {
  readonly #run: Watched;
  readonly #asked = { history: new Map<string, Asked>(), offers: new Map<string, Asked>() };

  #answers = 0;
  /** What was found allowed when it was last looked at: prices are many to count. */
  readonly #offersMax = new Map<string, number>();

  /** A product has a row of its own for each price type that is listed. */
  readonly #kinds: number;

  constructor(run: Watched) {
    this.#run = run;
    this.#kinds = new Set(run.world.feeds.map(({ query }) => query.priceType)).size;
  }

  done({ name }: PortCall, value: unknown): void {
    if (name !== 'transport.send') return;
    const { status } = value as { readonly status: number };
    if (status === 200) this.#answers += 1;
  }

  sent({ request: { path, query }, sentAtMs, fault }: WireCall): void {
    // A request that Keepa turns away keeps its place: it is the plan's matter, and costs nothing.
    if (path !== '/product' || fault?.kind === 'refused' || fault?.kind === 'answer') return;
    const what = query.offers === undefined ? 'history' : 'offers';
    for (const asin of (query.asin ?? '').split(',')) this.#note(what, asin, sentAtMs);
  }

  #note(what: keyof typeof triesPerDayMax, asin: string, atMs: number): void {
    const asked = this.#asked[what];
    const none: Asked = { tries: [], lastAtMs: 0, attempts: 0, answers: -1 };
    const { tries, lastAtMs, attempts, answers } = asked.get(asin) ?? none;
    const isOutage = answers === this.#answers;
    const isLate = atMs - lastAtMs > attemptGapMs || attempts >= attemptsPerTryMax;
    const isNewTry = isLate && !isOutage;
    const lately = tries.filter((triedAtMs) => triedAtMs > atMs - dayMs);
    asked.set(asin, {
      tries: isNewTry ? [...lately, atMs] : lately,
      lastAtMs: atMs,
      attempts: isNewTry ? 1 : attempts + 1,
      answers: this.#answers,
    });
    if (!isNewTry || lately.length < triesPerDayMax[what] * this.#kinds) return;
    if (what === 'offers') {
      if (lately.length < (this.#offersMax.get(asin) ?? 0)) return;
      const most = triesPerDayMax[what] * this.#kinds + this.#pricesOf(asin);
      this.#offersMax.set(asin, most);
      if (lately.length < most) return;
    }
    const times = `${lately.length + 1} times within a day`;
    this.#run.fail('bought-again', `the ${what} of ${asin} were asked for ${times}`);
  }

  /** How many prices the lists had for it within the last day, looked at every ten minutes. */
  #pricesOf(asin: string): number {
    const { keepa, world, nowMs, startMs } = this.#run;
    const prices = new Set<string>();
    const fromMs = Math.max(startMs, nowMs - dayMs);
    for (const { name, query } of world.feeds) {
      for (let atMs = nowMs; atMs >= fromMs; atMs -= stepMs) {
        const rows = keepa.liveRows(atMs, { ...query.selection, page: 0, sortType: 4 });
        const row = rows.find((other) => other.asin === asin);
        if (row !== undefined) prices.add(`${name} ${row.priceSinceMs}`);
      }
    }
    return prices.size;
  }
}
