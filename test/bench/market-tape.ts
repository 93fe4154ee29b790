/**
 * The simulated market, written down once so that every policy meets the very same one.
 *
 * The products, their spells on the list, their prices' changes and what a look at their offers
 * costs come from `src/simulator`; only the JSON around them is left out, because thirty-six weeks
 * of pages would take hours to write and read. A view is one run's place on the tape.
 *
 * Invariants:
 * - what a view shows depends on the seed and the instant alone;
 * - rows keep their order while they are listed, so arrivals and leavings shift rows between pages
 *   and changes of price do not (recorded: 0 to 2 rows of 750 shift).
 */
import { mix } from '../../src/simulator/draw.ts';
import { minuteAt, msOfMinute } from '../../src/simulator/keepa-minute.ts';
import { Market } from '../../src/simulator/market.ts';
import type { Product } from '../../src/simulator/product.ts';
import { productAnswer } from '../../src/simulator/product-answer.ts';
import { SellerBook } from '../../src/simulator/sellers.ts';

export const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** A spell lasts half an hour at least, so looks this far apart miss nobody. */
const lookMinutes = 10;
export const pageRows = 150;

export interface TapeRow {
  readonly index: number;
  readonly asin: string;
  /** Half open, in order. */
  readonly spells: readonly { readonly fromMs: number; readonly untilMs: number }[];
  /** When its price changed, ascending; the first one may lie before the tape. */
  readonly changesMs: readonly number[];
  /** Whether it is worth verifying: what a rule that judges rightly would accept. */
  readonly isSurvivor: boolean;
  /** Place in the list, relative to the others. */
  readonly place: number;
}

export interface TapeOptions {
  readonly seed: number;
  /** Rows on the list on average. */
  readonly rows: number;
  readonly startMs: number;
  readonly days: number;
  readonly repriceMeanHours?: number;
  readonly churnPerDay?: number;
}

interface Event {
  readonly atMs: number;
  readonly row: TapeRow;
}

const offersWish = {
  domainId: 1,
  withHistory: true,
  statsDays: 365,
  offers: 20,
  onlyLive: true,
  withRating: false,
  withBuyBox: false,
  withStock: false,
};

export class MarketTape {
  readonly rows: readonly TapeRow[];
  readonly entries: readonly Event[];
  readonly leavings: readonly Event[];
  readonly changes: readonly Event[];
  readonly #products: readonly Product[];
  readonly #sellers: SellerBook;
  readonly #byAsin: ReadonlyMap<string, TapeRow>;
  readonly #offerTokens = new Map<string, number>();

  constructor({ startMs, days, ...options }: TapeOptions) {
    const from = minuteAt(startMs);
    const until = from + days * 1_440;
    const market = new Market({ ...options, startMinute: from });
    const products = new Map<number, Product>();
    for (let minute = from; minute <= until; minute += lookMinutes) {
      for (const product of market.listedAt(minute)) products.set(product.number, product);
    }
    this.#products = [...products.values()];
    this.#sellers = new SellerBook(options.seed);
    this.rows = this.#products.map((product, index) => rowOf(product, { index, from, until }));
    this.#byAsin = new Map(this.rows.map((row) => [row.asin, row]));
    const events = (timesOf: (row: TapeRow) => readonly number[]): readonly Event[] =>
      this.rows
        .flatMap((row) => timesOf(row).map((atMs) => ({ atMs, row })))
        .sort((a, b) => a.atMs - b.atMs || a.row.place - b.row.place);
    this.entries = events(({ spells }) => spells.map(({ fromMs }) => fromMs));
    this.leavings = events(({ spells }) => spells.map(({ untilMs }) => untilMs));
    this.changes = events(({ changesMs }) => changesMs);
  }

  rowOf(asin: string): TapeRow {
    const row = this.#byAsin.get(asin);
    if (row === undefined) throw new RangeError(`${asin} is not on the tape`);
    return row;
  }

  /** What Keepa charges for a look at the row's live offers; 0 when it fails to get them. */
  offerTokens(row: TapeRow, atMs: number): number {
    const hour = Math.floor(atMs / hourMs);
    const name = `${row.index}/${hour}`;
    const known = this.#offerTokens.get(name);
    if (known !== undefined) return known;
    const product = this.#products[row.index];
    if (product === undefined) return 0;
    const minute = minuteAt(hour * hourMs);
    const { costTokens } = productAnswer(product, minute, offersWish, this.#sellers);
    this.#offerTokens.set(name, costTokens);
    return costTokens;
  }
}

function rowOf(
  product: Product,
  { index, from, until }: { index: number; from: number; until: number },
): TapeRow {
  const track = product.used.upTo(until);
  const changesMs: number[] = [];
  for (let i = Math.max(0, track.indexAt(from)); i < track.length; i += 1) {
    if (track.nthMinute(i) <= until) changesMs.push(msOfMinute(track.nthMinute(i)));
  }
  const spells = product.plan.spells.map((spell) => ({
    fromMs: msOfMinute(spell.from),
    untilMs: msOfMinute(spell.until),
  }));
  const place = mix(product.number, 0x9a6e);
  const isSurvivor = product.plan.kind === 'worthwhile';
  return { index, asin: product.identity.asin, spells, changesMs, isSurvivor, place };
}

/** Whether the row is on the list at `nowMs`. */
export function isListed({ spells }: TapeRow, nowMs: number): boolean {
  return spells.some(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs);
}

/** When the price that the row shows at `nowMs` was set. */
export function sinceMs({ changesMs }: TapeRow, nowMs: number): number {
  let low = 0;
  let high = changesMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((changesMs[middle] ?? 0) <= nowMs) low = middle + 1;
    else high = middle;
  }
  return changesMs[low - 1] ?? Number.NEGATIVE_INFINITY;
}

/** The list as time goes by; `nowMs` must not go back. */
export class MarketView {
  readonly #tape: MarketTape;
  readonly #listed: TapeRow[] = [];
  #entered = 0;
  #left = 0;
  #changed = 0;

  constructor(tape: MarketTape) {
    this.#tape = tape;
  }

  /** Every listed row, in the order of the list. */
  listed(nowMs: number): readonly TapeRow[] {
    this.#advanceTo(nowMs);
    return this.#listed;
  }

  page(page: number, nowMs: number): readonly TapeRow[] {
    return this.listed(nowMs).slice(page * pageRows, (page + 1) * pageRows);
  }

  /** A page of the list in the order of the last change of price, the newest first. */
  newestPage(page: number, nowMs: number): readonly TapeRow[] {
    this.#advanceTo(nowMs);
    const found = new Set<TapeRow>();
    for (let at = this.#changed - 1; at >= 0 && found.size < (page + 1) * pageRows; at -= 1) {
      const row = this.#tape.changes[at]?.row;
      if (row !== undefined && isListed(row, nowMs)) found.add(row);
    }
    return [...found].slice(page * pageRows);
  }

  #advanceTo(nowMs: number): void {
    const { entries, leavings, changes } = this.#tape;
    for (;;) {
      const [entry, leaving] = [entries[this.#entered], leavings[this.#left]];
      const entryMs = entry?.atMs ?? Number.POSITIVE_INFINITY;
      const leavingMs = leaving?.atMs ?? Number.POSITIVE_INFINITY;
      if (Math.min(entryMs, leavingMs) > nowMs) break;
      if (entry !== undefined && entryMs <= leavingMs) {
        this.#listed.splice(this.#indexOf(entry.row), 0, entry.row);
        this.#entered += 1;
      } else if (leaving !== undefined) {
        this.#listed.splice(this.#indexOf(leaving.row), 1);
        this.#left += 1;
      }
    }
    while ((changes[this.#changed]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) this.#changed += 1;
  }

  /** Where the row stands, or would stand. */
  #indexOf({ place, index }: TapeRow): number {
    let low = 0;
    let high = this.#listed.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#listed[middle];
      const isBefore =
        other !== undefined &&
        (other.place < place || (other.place === place && other.index < index));
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
