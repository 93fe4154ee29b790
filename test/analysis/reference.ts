/**
 * Rule version 1 once more, slowly: what the fast judge is compared with.
 *
 * Written sentence by sentence from the rules, with plain lists, linear scans and exact fractions,
 * so that it can be checked by reading. It shares no code with src/analysis: a shared mistake would
 * be invisible.
 *
 * Invariant: no figure passes through floating point before the one rounding at the end.
 */
import type { Product, Series } from '../../src/keepa/product.ts';

interface Point {
  readonly minute: number;
  /** Undefined where Keepa said "none". */
  readonly value: number | undefined;
}

interface Fraction {
  readonly top: bigint;
  readonly bottom: bigint;
}

interface ReferenceSale {
  readonly atMs: number;
  readonly condition: 'used' | 'new';
  readonly priceCents: number | undefined;
  readonly rankConfirmedAtMs: number;
}

export interface ReferenceJudgement {
  readonly verdict: 'accepted' | 'insufficient';
  readonly reason: string | undefined;
  readonly sales: readonly ReferenceSale[];
  readonly offerDrops: number;
  readonly sane: number;
  readonly sales1y: number;
  readonly priceNowCents: number | undefined;
  readonly avg1yCents: number | undefined;
  readonly listAtCents: number | undefined;
  readonly troughCents: number | undefined;
  readonly trust: number | undefined;
  readonly percentDown: number | undefined;
}

const yearMinutes = 365 * 24 * 60;

export function judgeByReference(input: {
  product: Product;
  priceType: number;
  nowMs: number;
}): ReferenceJudgement {
  const now = Math.floor(input.nowMs / 60_000);
  const history = input.product.history;
  const used = pointsUpTo(history?.countUsed, now);
  const fresh = pointsUpTo(history?.countNew, now);
  const rank = pointsUpTo(history?.rank, now).filter((point) => (point.value ?? 0) > 0);

  const dropsUsed = dropsOf(used, now);
  const dropsNew = dropsOf(fresh, now);
  const sales = [
    ...salesOf('used', dropsUsed, rank, pointsUpTo(history?.priceUsed, now)),
    ...salesOf('new', dropsNew, rank, pointsUpTo(history?.priceNew, now)),
  ];
  // Array sort is stable and the used ones come first, so they stay first within a minute.
  sales.sort((a, b) => a.atMs - b.atMs);

  const sane = saneOf(sales);
  const lastYear = (sale: ReferenceSale): boolean => sale.atMs / 60_000 >= now - yearMinutes;
  const saneLastYear = sane.filter(lastYear);
  const average = saneLastYear.length === 0 ? undefined : mean(saneLastYear.map(priceOf));
  const listAt = listAtOf(sane, input.product);
  const drops = dropsUsed.length + dropsNew.length;
  const priceNow = priceNowOf(input, now);

  let reason: string | undefined;
  if (history === undefined) reason = 'no-history';
  else if (used.length === 0 && fresh.length === 0) reason = 'no-offer-counts';
  else if (rank.length === 0) reason = 'no-rank-history';
  else if (listAt !== undefined && isAbove(listAt, whole(150_000))) reason = 'implausible-price';
  else if (average === undefined) reason = 'no-sales';

  return {
    verdict: reason === undefined ? 'accepted' : 'insufficient',
    reason,
    sales,
    offerDrops: drops,
    sane: sane.length,
    sales1y: sales.filter(lastYear).length,
    priceNowCents: priceNow,
    avg1yCents: rounded(average),
    listAtCents: rounded(listAt),
    troughCents: rounded(troughOf(sane)),
    trust: drops === 0 ? undefined : sales.length / drops,
    percentDown: percentDownOf(average, priceNow),
  };
}

function pointsUpTo(series: Series | undefined, now: number): Point[] {
  if (series === undefined) return [];
  const points: Point[] = [];
  series.minutes.forEach((minute, i) => {
    const value = series.values[i];
    points.push({ minute, value: value === undefined || Number.isNaN(value) ? undefined : value });
  });
  points.sort((a, b) => a.minute - b.minute);
  return points.filter((point) => point.minute <= now);
}

/** Sentence 1: the minutes of the offer drops. */
function dropsOf(points: readonly Point[], now: number): number[] {
  const drops: number[] = [];
  points.forEach((point, i) => {
    const before = points[i - 1];
    if (before === undefined) return;
    if (point.value === undefined || before.value === undefined) return;
    if (point.value < 0 || before.value < 0) return;
    if (point.minute < now - 3 * yearMinutes) return;
    if (point.value < before.value) drops.push(point.minute);
  });
  return drops;
}

/** Sentence 2: the minute of the rank point that confirms a drop. */
function confirmationOf(drop: number, rank: readonly Point[]): number | undefined {
  const window = rank.filter((p) => p.minute >= drop && p.minute <= drop + 240 * 60);
  if (window.length > 0) {
    for (const point of window) {
      const before = rank[rank.indexOf(point) - 1];
      if (before !== undefined && Number(point.value) < Number(before.value)) return point.minute;
    }
    return undefined;
  }
  const next = rank.find((p) => p.minute > drop + 240 * 60);
  const last = rank.filter((p) => p.minute < drop).at(-1);
  if (next === undefined || last === undefined) return undefined;
  if (next.minute > drop + 30 * 24 * 60) return undefined;
  return Number(next.value) < Number(last.value) ? next.minute : undefined;
}

/** Sentences 2 and 3: the confirmed drops of one condition, with the price in force. */
function salesOf(
  condition: 'used' | 'new',
  drops: readonly number[],
  rank: readonly Point[],
  prices: readonly Point[],
): ReferenceSale[] {
  const sales: ReferenceSale[] = [];
  for (const drop of drops) {
    const confirmed = confirmationOf(drop, rank);
    if (confirmed === undefined) continue;
    const last = prices.filter((p) => p.minute < drop).at(-1)?.value;
    sales.push({
      atMs: drop * 60_000,
      condition,
      priceCents: last !== undefined && last > 0 ? last : undefined,
      rankConfirmedAtMs: confirmed * 60_000,
    });
  }
  return sales;
}

/** Sentence 4. */
function saneOf(sales: readonly ReferenceSale[]): ReferenceSale[] {
  const priced = sales.filter((sale) => sale.priceCents !== undefined);
  if (priced.length < 4) return priced;
  const sorted = priced.map(priceOf).sort((a, b) => Number(a - b));
  const q1 = quantile(sorted, { top: 1n, bottom: 4n });
  const q3 = quantile(sorted, { top: 3n, bottom: 4n });
  const reach = times(minus(q3, q1), { top: 3n, bottom: 2n });
  const low = minus(q1, reach);
  const high = plus(q3, reach);
  return priced.filter((sale) => {
    const price = { top: priceOf(sale), bottom: 1n };
    return !isAbove(low, price) && !isAbove(price, high);
  });
}

/** Linear interpolation at position (n - 1) q of the sorted list. */
function quantile(sorted: readonly bigint[], q: Fraction): Fraction {
  const position = times(whole(sorted.length - 1), q);
  const index = Number(position.top / position.bottom);
  const part = minus(position, whole(index));
  const lower = { top: sorted[index] ?? 0n, bottom: 1n };
  const upper = { top: sorted[index + 1] ?? lower.top, bottom: 1n };
  return plus(lower, times(minus(upper, lower), part));
}

/** Sentence 6, first half; before rounding. */
function listAtOf(sane: readonly ReferenceSale[], product: Product): Fraction | undefined {
  if (sane.length === 0) return undefined;
  let price = median(sane.map(priceOf));
  if (sane.length >= 3) {
    let best: bigint[] = [];
    for (const month of monthsOf(sane)) {
      if (month.length === 0) continue;
      if (best.length === 0 || isAbove(median(month), median(best))) best = month;
    }
    const mode = modeOf(best);
    price = mode === undefined ? median(best) : { top: mode, bottom: 1n };
  }
  const caps = [
    product.amazon?.currentCents,
    product.amazon?.average180Cents,
    product.amazon?.average365Cents,
  ].filter((cents) => cents !== undefined && cents > 0);
  if (caps.length === 0) return price;
  const cap = times(whole(Math.min(...caps.map(Number))), { top: 9n, bottom: 10n });
  return isAbove(price, cap) ? cap : price;
}

/** Sentence 6, second half; before rounding. */
function troughOf(sane: readonly ReferenceSale[]): Fraction | undefined {
  if (sane.length === 0) return undefined;
  if (sane.length < 3) return median(sane.map(priceOf));
  const medians = monthsOf(sane)
    .filter((month) => month.length > 0)
    .map(median);
  return medians.reduce((low, other) => (isAbove(low, other) ? other : low));
}

/** Prices by month of the year, January first. */
function monthsOf(sales: readonly ReferenceSale[]): bigint[][] {
  const months: bigint[][] = Array.from({ length: 12 }, () => []);
  for (const sale of sales) months[new Date(sale.atMs).getUTCMonth()]?.push(priceOf(sale));
  return months;
}

/** The most frequent price that occurs twice or more, the lower on a tie. */
function modeOf(prices: readonly bigint[]): bigint | undefined {
  const count = (price: bigint): number => prices.filter((other) => other === price).length;
  let mode: bigint | undefined;
  for (const price of prices) {
    if (count(price) < 2) continue;
    if (mode === undefined || count(price) > count(mode)) mode = price;
    else if (count(price) === count(mode) && price < mode) mode = price;
  }
  return mode;
}

function priceNowOf(
  input: { product: Product; priceType: number },
  now: number,
): number | undefined {
  const history = input.product.history;
  const named = [history?.amazon, history?.priceNew, history?.priceUsed];
  const series = input.priceType < 3 ? named[input.priceType] : history?.other.get(input.priceType);
  const value = pointsUpTo(series, now).at(-1)?.value;
  return value !== undefined && value > 0 ? value : undefined;
}

/** Sentence 7: a fraction of the exact average, never below 0. */
function percentDownOf(average: Fraction | undefined, price: number | undefined) {
  if (average === undefined || price === undefined) return undefined;
  const down = minus(average, whole(price));
  if (down.top <= 0n) return 0;
  return Number(down.top * average.bottom) / Number(down.bottom * average.top);
}

function priceOf(sale: ReferenceSale): bigint {
  if (sale.priceCents === undefined) throw new Error('an unpriced sale has no price');
  return BigInt(sale.priceCents);
}

function mean(values: readonly bigint[]): Fraction {
  return { top: values.reduce((sum, value) => sum + value, 0n), bottom: BigInt(values.length) };
}

function median(values: readonly bigint[]): Fraction {
  return quantile(
    [...values].sort((a, b) => Number(a - b)),
    { top: 1n, bottom: 2n },
  );
}

function whole(value: number): Fraction {
  return { top: BigInt(value), bottom: 1n };
}

function plus(a: Fraction, b: Fraction): Fraction {
  return { top: a.top * b.bottom + b.top * a.bottom, bottom: a.bottom * b.bottom };
}

function minus(a: Fraction, b: Fraction): Fraction {
  return { top: a.top * b.bottom - b.top * a.bottom, bottom: a.bottom * b.bottom };
}

function times(a: Fraction, b: Fraction): Fraction {
  return { top: a.top * b.top, bottom: a.bottom * b.bottom };
}

function isAbove(a: Fraction, b: Fraction): boolean {
  return a.top * b.bottom > b.top * a.bottom;
}

/** Half up, to whole cents; every figure here is above 0. */
function rounded(value: Fraction | undefined): number | undefined {
  if (value === undefined) return undefined;
  return Number((2n * value.top + value.bottom) / (2n * value.bottom));
}
