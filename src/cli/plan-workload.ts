/**
 * The daemon's standing work as amounts: what there is to sweep, poll, judge, verify and re-check,
 * and in which order and batches the actors ask for it. No row is named, so months cost seconds.
 *
 * The market is even: rows come, go and are re-priced at a steady pace. The order of the work and
 * its classes are those of `actors/`: a first verification before sellers, those before fresh
 * histories, another look at known offers last; what is a day old goes to the backlog.
 *
 * Invariant: nothing is judged that was not listed before, nothing is verified that was not judged.
 */

/** How the feeds behave, from the database or assumed. */
export interface MarketFigures {
  /** Rows listed at a time, over all feeds. */
  readonly rows: number;
  readonly feeds: number;
  /** Part of the listed rows that the screen lets pass. */
  readonly candidateShare: number;
  /** Part of the judged rows that are accepted by their history, and so verified. */
  readonly acceptedShare: number;
  /** Part of the listed rows that is replaced by others per day. */
  readonly newPerDayShare: number;
  /** Mean time between two changes of an accepted row's price; each asks for another look. */
  readonly repriceHours: number;
  /** Sellers to be looked up per verification. */
  readonly sellersPerVerification: number;
}

const dayMs = 86_400_000;
/** As long as the analyst takes a candidate for fresh. */
const freshMs = dayMs;
const promptMs = 3_600_000;
/** More than any plan can judge between two looks at the market. */
const endlessRows = 100_000;
/** Evidence and verifications are bought anew when they are older. */
const evidenceDays = 7;
/** Keepa's own limits of a call, and the offers that it answers in about 20 s. */
const historiesMax = 100;
const offersMax = 10;
const sellersMax = 100;

export interface Order {
  readonly kind: 'verify' | 'seller' | 'history' | 'backlog' | 'recheck' | 'verify-again';
  readonly items: number;
}

interface Arrival {
  readonly atMs: number;
  rows: number;
}

export class Workload {
  readonly #market: MarketFigures;
  readonly #isEndless: boolean;
  /** Candidates by age, oldest first. */
  readonly #candidates: Arrival[] = [];
  #judgedRows = 0;
  #verify = 0;
  #sellers = 0;
  #again = 0;
  #aged = 0;
  #recheck = 0;
  #advancedToMs: number;
  judged = 0;
  verified = 0;

  /** `isEndless`: there are always more candidates than can be judged. */
  constructor(
    market: MarketFigures,
    { nowMs, backlog, isEndless }: { nowMs: number; backlog: number; isEndless: boolean },
  ) {
    this.#market = market;
    this.#isEndless = isEndless;
    this.#advancedToMs = nowMs;
    if (backlog > 0) this.#candidates.push({ atMs: nowMs - promptMs, rows: backlog });
    this.#judgedRows = Math.max(0, market.rows * market.candidateShare - backlog);
  }

  /** Candidates that nobody has judged, and accepted rows of which no live offer was seen. */
  get backlog(): number {
    return this.#candidates.reduce((sum, { rows }) => sum + rows, 0) + this.#verify;
  }

  /** Whether anything has waited for longer than an hour; what just came in is no backlog. */
  hasBacklog(nowMs: number): boolean {
    return this.#rows(({ atMs }) => atMs <= nowMs - promptMs) >= 1 || this.#verify >= offersMax;
  }

  /** Brings in what the market has done since. */
  advance(nowMs: number): void {
    const { rows, newPerDayShare, candidateShare, acceptedShare, repriceHours } = this.#market;
    const days = (nowMs - this.#advancedToMs) / dayMs;
    this.#advancedToMs = nowMs;
    const fresh = rows * newPerDayShare * days;
    const last = this.#candidates.at(-1);
    if (last !== undefined && nowMs - last.atMs < promptMs / 2) last.rows += fresh * candidateShare;
    else this.#candidates.push({ atMs: nowMs, rows: fresh * candidateShare });
    if (this.#isEndless) this.#candidates.push({ atMs: nowMs, rows: endlessRows });
    this.#recheck += fresh * candidateShare;
    this.#judgedRows -= Math.min(this.#judgedRows, fresh * candidateShare);
    const accepted = this.#judgedRows * acceptedShare;
    this.#again += accepted * days * Math.max(24 / repriceHours, 1 / evidenceDays);
    this.#again = Math.min(this.#again, accepted);
    this.#aged = Math.min(this.#judgedRows, this.#aged + (this.#judgedRows * days) / evidenceDays);
  }

  /** What the analyst asks for next. */
  nextForAnalyst(nowMs: number): Order | undefined {
    const fresh = this.#rows(({ atMs }) => atMs > nowMs - freshMs);
    return (
      order('verify', this.#verify, offersMax) ??
      order('seller', this.#sellers, sellersMax) ??
      order('history', fresh, historiesMax) ??
      order('verify-again', this.#again, offersMax)
    );
  }

  /** What the backlog's analyst asks for next. */
  nextForBacklog(nowMs: number): Order | undefined {
    const old = this.#rows(({ atMs }) => atMs <= nowMs - freshMs);
    return order('backlog', old + this.#aged, historiesMax);
  }

  nextForRefresher(): Order | undefined {
    return order('recheck', this.#recheck, historiesMax);
  }

  /** Takes in what was bought; a batch may have been cut. */
  bought({ kind, items }: Order, nowMs: number): void {
    switch (kind) {
      case 'verify':
        this.#verify = Math.max(0, this.#verify - items);
        this.#sellers += items * this.#market.sellersPerVerification;
        this.verified += items;
        break;
      case 'verify-again':
        this.#again = Math.max(0, this.#again - items);
        break;
      case 'seller':
        this.#sellers = Math.max(0, this.#sellers - items);
        break;
      case 'recheck':
        this.#recheck = Math.max(0, this.#recheck - items);
        break;
      case 'history':
        this.#judge(items, ({ atMs }) => atMs > nowMs - freshMs);
        break;
      case 'backlog': {
        const rest = this.#judge(items, ({ atMs }) => atMs <= nowMs - freshMs);
        this.#aged = Math.max(0, this.#aged - rest);
        break;
      }
    }
  }

  /** Judges so many of the candidates meant; returns how many items none was left for. */
  #judge(items: number, isMeant: (arrival: Arrival) => boolean): number {
    let rest = items;
    for (const arrival of this.#candidates) {
      if (!isMeant(arrival)) continue;
      const taken = Math.min(arrival.rows, rest);
      arrival.rows -= taken;
      rest -= taken;
    }
    const judged = items - rest;
    this.judged += judged;
    const { rows, candidateShare } = this.#market;
    this.#judgedRows = Math.min(rows * candidateShare, this.#judgedRows + judged);
    this.#verify += judged * this.#market.acceptedShare;
    while ((this.#candidates[0]?.rows ?? 1) < 1e-9) this.#candidates.shift();
    return rest;
  }

  #rows(isMeant: (arrival: Arrival) => boolean): number {
    return this.#candidates.filter(isMeant).reduce((sum, { rows }) => sum + rows, 0);
  }
}

/** The least amount counts as one row when it is most of one: an even market has no whole ones. */
function order(kind: Order['kind'], amount: number, most: number): Order | undefined {
  const items = Math.min(most, Math.floor(amount + 1e-9));
  return items >= 1 ? { kind, items } : undefined;
}
