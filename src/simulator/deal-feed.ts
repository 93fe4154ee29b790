/**
 * The list behind a deal query: filtered, counted by category, and in the order asked for.
 *
 * There is no snapshot. Every page is cut from the list as it stands in its minute, so rows that
 * were re-priced, came or went between two pages appear twice or not at all, in the amount
 * recorded.
 *
 * The order by percentage is only roughly kept: a few rows stand where they would have stood some
 * points ago (recorded: none to 2 per page in 2025, 41 in one page of 2026).
 */
import type { DealSelection, Range } from './deal-selection.ts';
import { dropPercentMin } from './deal-selection.ts';
import { chanceOf } from './draw.ts';
import { minutesPerDay } from './keepa-minute.ts';
import type { Market } from './market.ts';
import { cheapestCondition, dealWindows, priceType } from './price-types.ts';
import type { Product } from './product.ts';
import { meansOf, type Track } from './track.ts';

/** Rows of a full page, and of all pages together: page 67 and later are empty. */
const pageRows = 150;
const rowsMax = 10_000;
/** Share of the rows that stand out of order when sorted by percentage, and by how many points. */
const strayShare = 0.006;
const strayPoints = 3;

export interface ListedRow {
  readonly product: Product;
  readonly priceCents: number;
  /** The minute of the last change of that price, which is also when the row became a deal. */
  readonly sinceMinute: number;
}

interface RankedRow extends ListedRow {
  readonly sortKey: number;
}

export interface DealList {
  /** In the order asked for, all of them. */
  readonly rows: readonly ListedRow[];
  /** How many rows each root category has, whatever categories the query wants. */
  readonly categories: ReadonlyMap<number | string, number>;
}

/** The whole list for a query at a minute. */
export function dealList(market: Market, selection: DealSelection, minute: number): DealList {
  const categories = new Map<number | string, number>();
  const rows: RankedRow[] = [];
  for (const product of market.listedAt(minute)) {
    const row = rowOf(product, selection, minute);
    if (row === undefined) continue;
    const root = product.identity.rootCategory;
    categories.set(root, (categories.get(root) ?? 0) + 1);
    if (isInCategories(product, selection)) rows.push(row);
  }
  // Equal keys fall back to the product's number, so that the order is the same every time.
  rows.sort((a, b) => a.sortKey - b.sortKey || a.product.number - b.product.number);
  return { rows, categories };
}

/** The rows of one page, in order; empty beyond the end. */
export function rowsOfPage(list: DealList, page: number): readonly ListedRow[] {
  return list.rows.slice(0, rowsMax).slice(page * pageRows, (page + 1) * pageRows);
}

/** The series that a deal price type shows for this product; undefined when it has none. */
function dealTrack(product: Product, type: number, minute: number): Track | undefined {
  switch (type) {
    case priceType.amazon:
      return product.amazon.upTo(minute);
    case priceType.fresh:
    case priceType.buyBox:
      return product.fresh.upTo(minute);
    case priceType.freshFba:
      return product.plan.freshIsFba ? product.fresh.upTo(minute) : undefined;
    case priceType.freshFbm:
      return product.plan.freshIsFba ? undefined : product.fresh.upTo(minute);
    case priceType.used:
    case priceType.buyBoxUsed:
    case priceType.usedLikeNew + cheapestCondition(product) - 2:
      return product.used.upTo(minute);
    case priceType.rank:
      return product.rank?.between(minute - 90 * minutesPerDay, minute);
    default:
      return undefined;
  }
}

function rowOf(product: Product, selection: DealSelection, minute: number): RankedRow | undefined {
  const track = dealTrack(product, selection.priceType, minute);
  const index = track?.indexAt(minute) ?? -1;
  if (track === undefined || index < 0) return undefined;
  const current = track.nthValue(index);
  const window = dealWindows[selection.dateRange] ?? 0;
  const average = meansOf(track, minute, [window])[0] ?? -1;
  if (current < 0 || average <= 0) return undefined;
  const delta = average - current;
  const percent = Math.round((100 * delta) / average);
  if (percent < dropPercentMin) return undefined;
  const { ranges } = selection;
  if (!isWithin(ranges.current, current) || !isWithin(ranges.delta, delta)) return undefined;
  if (!isWithin(ranges.deltaPercent, percent)) return undefined;
  const last = index > 0 ? track.nthValue(index - 1) - current : 0;
  if (!isWithin(ranges.deltaLast, last)) return undefined;
  if (!passesFilters(product, selection, minute)) return undefined;
  const sinceMinute = track.nthMinute(index);
  const sortKey = sortKeyOf({ product, selection, minute, delta, percent, sinceMinute });
  return { product, priceCents: current, sinceMinute, sortKey };
}

function passesFilters(product: Product, selection: DealSelection, minute: number): boolean {
  const { flags, ranges, titleWords } = selection;
  const { identity } = product;
  if (ranges.salesRank !== undefined) {
    // A product without a rank is dropped, whatever the range.
    const rank = product.rank?.rankAt(minute) ?? -1;
    if (rank < 0 || !isWithin(ranges.salesRank, rank)) return false;
  }
  if (selection.minRating >= 0 && identity.rating < selection.minRating) return false;
  if (flags.has('hasReviews') && identity.rating < 0) return false;
  const title = identity.title.toLowerCase();
  if (!titleWords.every((word) => title.includes(word))) return false;
  const hasAmazon = (): boolean => product.amazon.upTo(minute).at(minute) >= 0;
  if (flags.has('mustHaveAmazonOffer') && !hasAmazon()) return false;
  if (flags.has('mustNotHaveAmazonOffer') && hasAmazon()) return false;
  // Rows are on the list because they fell, so none of them is at its highest or out of stock.
  const never = ['isHighest', 'isOutOfStock', 'isBackInStock', 'isPrimeExclusive'];
  if (never.some((flag) => flags.has(flag))) return false;
  return passesLowest(product, selection, minute);
}

function passesLowest(product: Product, selection: DealSelection, minute: number): boolean {
  const { flags, priceType: type } = selection;
  if (!flags.has('isLowest') && !flags.has('isLowest90')) return true;
  const track = dealTrack(product, type, minute);
  if (track === undefined) return false;
  const from = flags.has('isLowest') ? -1 : minute - 90 * minutesPerDay;
  return track.at(minute) <= lowestIn(track, from, minute);
}

/** The lowest value in force after `from` and up to `minute`; -1 without any. */
function lowestIn(track: Track, from: number, minute: number): number {
  let lowest = -1;
  for (let i = track.indexAt(minute); i >= 0; i -= 1) {
    const value = track.nthValue(i);
    if (value >= 0 && (lowest < 0 || value < lowest)) lowest = value;
    if (track.nthMinute(i) <= from) break;
  }
  return lowest;
}

function isInCategories(product: Product, selection: DealSelection): boolean {
  const { includeCategories, excludeCategories } = selection;
  const { rootCategory, categories } = product.identity;
  const isIn = (id: number): boolean => id === rootCategory || categories.includes(id);
  if (excludeCategories.some(isIn)) return false;
  return includeCategories.length === 0 || includeCategories.some(isIn);
}

/** The lower the earlier. */
function sortKeyOf(row: {
  readonly product: Product;
  readonly selection: DealSelection;
  readonly minute: number;
  readonly delta: number;
  readonly percent: number;
  readonly sinceMinute: number;
}): number {
  const { product, selection, minute } = row;
  const direction = Math.sign(selection.sortType);
  switch (Math.abs(selection.sortType)) {
    case 1:
      return -row.sinceMinute;
    case 2:
      return -row.delta * direction;
    case 3:
      return (product.rank?.rankAt(minute) ?? Number.MAX_SAFE_INTEGER) * direction;
    default:
      return -(row.percent + strayOf(product, minute)) * direction;
  }
}

/** A row strays for some hours at a time, so two pages of one run disagree about few rows. */
function strayOf(product: Product, minute: number): number {
  const spell = Math.floor(minute / 360);
  if (chanceOf(product.plan.seed, spell, 0x57a) >= strayShare) return 0;
  const points = 1 + Math.floor(chanceOf(product.plan.seed, spell, 1) * strayPoints);
  return chanceOf(product.plan.seed, spell, 2) < 0.5 ? points : -points;
}

function isWithin(range: Range | undefined, value: number): boolean {
  return range === undefined || (value >= range[0] && value <= range[1]);
}
