/**
 * What a client knows of the list, and the work that follows from it: the same for every policy.
 *
 * A row that is new is judged by its history (1 token); one that survives is verified by its live
 * offers, and again whenever its price has changed; one that two complete sweeps lack is looked at
 * before it may end. One not seen for three days ends unseen, and wrongly if it was still listed:
 * the one rule here that punishes not looking (keepa-deals itself counts healthy time instead).
 *
 * Invariant: a row is in one queue of each kind at most, and none while it is being bought.
 */
import { isListed, type TapeRow } from './market-tape.ts';

const hourMs = 3_600_000;
/** A candidate is fresh for a day; after that it is backlog (as in `src/actors/analyst.ts`). */
const freshMs = 24 * hourMs;
const unseenMsMax = 72 * hourMs;
const sweepsAbsent = 2;
/** After a look at offers that Keepa could not get. */
const retryMs = hourMs;

export interface KnownRow {
  readonly row: TapeRow;
  firstSeenMs: number;
  lastSeenMs: number;
  /** When the price it was last seen at was set. */
  pricedMs: number;
  isJudged: boolean;
  /** The price that was verified, by when it was set; undefined: never. */
  verifiedMs: number | undefined;
  sweepsMissed: number;
  /** What it waits for or is being bought for. */
  awaiting: 'history' | 'offers' | 'recheck' | undefined;
}

export type Work = 'fresh' | 'backlog' | 'verify' | 'verify-again' | 'recheck';

export class KnownRows {
  readonly #rows = new Map<TapeRow, KnownRow>();
  readonly #queues: Record<Work, KnownRow[]> = {
    fresh: [],
    backlog: [],
    verify: [],
    'verify-again': [],
    recheck: [],
  };
  readonly #retries: { readonly known: KnownRow; readonly dueMs: number }[] = [];
  /** Every row ever judged, survivors once they were verified. */
  readonly #done = new Set<TapeRow>();
  endedWrongly = 0;
  ended = 0;

  /** Rows with a verdict that needs nothing more, each counted once. */
  get judgedRows(): number {
    return this.#done.size;
  }

  find(row: TapeRow): KnownRow | undefined {
    return this.#rows.get(row);
  }

  /** Takes in a row of a page; tells whether the page said anything new of it. */
  see(row: TapeRow, pricedMs: number, nowMs: number): 'new' | 'repriced' | 'seen' {
    const known = this.#rows.get(row);
    if (known === undefined) {
      const added: KnownRow = {
        row,
        firstSeenMs: nowMs,
        lastSeenMs: nowMs,
        pricedMs,
        isJudged: this.#done.has(row),
        verifiedMs: undefined,
        sweepsMissed: 0,
        awaiting: undefined,
      };
      this.#rows.set(row, added);
      if (added.isJudged) this.#afterVerdict(added);
      else this.#queue('fresh', added, 'history');
      return 'new';
    }
    known.lastSeenMs = nowMs;
    known.sweepsMissed = 0;
    if (known.pricedMs === pricedMs) return 'seen';
    known.pricedMs = pricedMs;
    if (known.isJudged) this.#afterVerdict(known);
    return 'repriced';
  }

  /** Takes up to `most` rows out of a queue, to be stored or given back. */
  take(work: Work, most: number, nowMs: number): readonly KnownRow[] {
    this.#age(nowMs);
    return this.#queues[work].splice(0, most);
  }

  /** Puts rows back in front that were not bought. */
  giveBack(work: Work, rows: readonly KnownRow[]): void {
    this.#queues[work].unshift(...rows);
  }

  /** A history came; false when it was bought before. */
  storeHistory(known: KnownRow): boolean {
    known.awaiting = undefined;
    const isFirst = !known.isJudged;
    known.isJudged = true;
    this.#afterVerdict(known);
    return isFirst;
  }

  /** Offers came, or did not. */
  storeOffers(known: KnownRow, isAnswered: boolean, nowMs: number): void {
    if (!isAnswered) {
      this.#retries.push({ known, dueMs: nowMs + retryMs });
      return;
    }
    known.awaiting = undefined;
    known.verifiedMs = known.pricedMs;
    this.#done.add(known.row);
  }

  storeRecheck(known: KnownRow, nowMs: number): void {
    known.awaiting = undefined;
    known.sweepsMissed = 0;
    known.lastSeenMs = nowMs;
    if (isListed(known.row, nowMs)) return;
    this.ended += 1;
    this.#forget(known);
  }

  /** A sweep is complete: what it lacks twice is to be looked at. */
  sweepEnded(startedMs: number): void {
    for (const known of this.#rows.values()) {
      if (known.lastSeenMs >= startedMs) continue;
      known.sweepsMissed += 1;
      const isDue = known.sweepsMissed >= sweepsAbsent && known.awaiting === undefined;
      if (isDue) this.#queue('recheck', known, 'recheck');
    }
  }

  /** Ends what was not seen for too long. */
  endUnseen(nowMs: number): void {
    for (const known of this.#rows.values()) {
      if (nowMs - known.lastSeenMs < unseenMsMax) continue;
      this.ended += 1;
      if (isStillListed(known, nowMs)) this.endedWrongly += 1;
      this.#forget(known);
    }
  }

  #afterVerdict(known: KnownRow): void {
    if (!known.row.isSurvivor) {
      this.#done.add(known.row);
      return;
    }
    if (known.awaiting !== undefined || known.verifiedMs === known.pricedMs) return;
    this.#queue(this.#done.has(known.row) ? 'verify-again' : 'verify', known, 'offers');
  }

  #queue(work: Work, known: KnownRow, awaiting: KnownRow['awaiting']): void {
    known.awaiting = awaiting;
    this.#queues[work].push(known);
  }

  /** Fresh candidates grow old, and looks that failed come due. */
  #age(nowMs: number): void {
    const { fresh, backlog, verify } = this.#queues;
    let old = 0;
    while (old < fresh.length && nowMs - (fresh[old]?.firstSeenMs ?? nowMs) >= freshMs) old += 1;
    backlog.push(...fresh.splice(0, old));
    while ((this.#retries[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      const retry = this.#retries.shift();
      if (retry !== undefined) verify.push(retry.known);
    }
  }

  #forget(known: KnownRow): void {
    this.#rows.delete(known.row);
    for (const queue of Object.values(this.#queues)) {
      const at = queue.indexOf(known);
      if (at >= 0) queue.splice(at, 1);
    }
  }
}

/** Whether it never left the list since it was last seen; one that came back is a new deal. */
function isStillListed({ row, lastSeenMs }: KnownRow, nowMs: number): boolean {
  return row.spells.some(({ fromMs, untilMs }) => fromMs <= lastSeenMs && nowMs < untilMs);
}
