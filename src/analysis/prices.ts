/**
 * What a product fetches: the mean of a year, the price to list it at, and the trough of its year.
 *
 * All of them are taken from inferred sales, never from what sellers asked. Months pool the years
 * (every January together), because demand has seasons and one product has few sales.
 *
 * Invariants: prices come in as sane sales only; figures stay integers (a sum and a count,
 * tenths of a cent) and are rounded where they leave the rules; without sales there is no figure.
 */
import type { AmazonPrices } from '../keepa/product.ts';
import { centsOf, type PricedSale } from './outliers.ts';

/** A mean as it is, not yet divided. */
export interface Total {
  readonly sumCents: number;
  readonly count: number;
}

/** List-at and trough, in tenths of a cent: halves come from medians, tenths from the cap. */
export interface SeasonPrices {
  readonly listAtTenths: number;
  readonly troughTenths: number;
}

/** Below this many sales a month is an anecdote, and the median of all speaks. */
const seasonSalesMin = 3;

/** The sum and the count of the sales at or after `fromMs`, of sales in order of time. */
export function totalSince(sales: readonly PricedSale[], fromMs: number): Total {
  let sumCents = 0;
  let count = 0;
  for (let i = sales.length - 1; i >= 0; i -= 1) {
    const sale = sales[i];
    if (sale === undefined || sale.atMs < fromMs) break;
    sumCents += sale.priceCents;
    count += 1;
  }
  return { sumCents, count };
}

/** List-at and trough of sane sales in order of time, before rounding; undefined without sales. */
export function seasonPrices(
  sales: readonly PricedSale[],
  amazon: AmazonPrices | undefined,
): SeasonPrices | undefined {
  if (sales.length === 0) return undefined;
  const all = centsOf(sales);
  const capTenths = listAtCapTenths(amazon);
  if (all.length < seasonSalesMin) {
    const tenths = medianTenths(all.sort());
    return { listAtTenths: Math.min(tenths, capTenths), troughTenths: tenths };
  }
  let peak = all;
  let peakTenths = Number.NEGATIVE_INFINITY;
  let troughTenths = Number.POSITIVE_INFINITY;
  for (const month of byMonth(all, monthsOf(sales))) {
    if (month.length === 0) continue;
    const tenths = medianTenths(month);
    // Strictly above: on a tie the earlier month stays.
    if (tenths > peakTenths) {
      peak = month;
      peakTenths = tenths;
    }
    troughTenths = Math.min(troughTenths, tenths);
  }
  const mode = modeOf(peak);
  const listAtTenths = mode === undefined ? peakTenths : 10 * mode;
  return { listAtTenths: Math.min(listAtTenths, capTenths), troughTenths };
}

/** 90 % of the lowest of Amazon's own known prices, in tenths of a cent; infinite without any. */
function listAtCapTenths(amazon: AmazonPrices | undefined): number {
  let lowest = Number.POSITIVE_INFINITY;
  const { currentCents, average180Cents, average365Cents } = amazon ?? {};
  for (const cents of [currentCents, average180Cents, average365Cents]) {
    if (cents !== undefined && cents > 0) lowest = Math.min(lowest, cents);
  }
  return 9 * lowest;
}

/** The twelve months' prices, January first, each rising. */
function byMonth(cents: Float64Array, monthOfSale: Uint8Array): Float64Array[] {
  const counts = new Uint32Array(12);
  for (const month of monthOfSale) bump(counts, month);
  const months = Array.from(counts, (count) => new Float64Array(count));
  counts.fill(0);
  for (let i = 0; i < cents.length; i += 1) {
    const month = monthOfSale[i] ?? 0;
    const prices = months[month];
    if (prices !== undefined) prices[bump(counts, month)] = cents[i] ?? Number.NaN;
  }
  return months.map((prices) => prices.sort());
}

/** The month of each sale (0 is January, UTC), of sales in order of time. */
function monthsOf(sales: readonly PricedSale[]): Uint8Array {
  const months = new Uint8Array(sales.length);
  let month = 0;
  // The calendar is asked once per month that occurs, not once per sale.
  let monthEndMs = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < sales.length; i += 1) {
    const atMs = sales[i]?.atMs ?? 0;
    if (atMs >= monthEndMs) {
      const date = new Date(atMs);
      month = date.getUTCMonth();
      monthEndMs = Date.UTC(date.getUTCFullYear(), month + 1);
    }
    months[i] = month;
  }
  return months;
}

/** Adds one and says what it was. */
function bump(counts: Uint32Array, index: number): number {
  const before = counts[index] ?? 0;
  counts[index] = before + 1;
  return before;
}

/** The middle of a rising list of at least one price, or half-way between the middle two. */
function medianTenths(sortedCents: Float64Array): number {
  const upper = sortedCents.length >> 1;
  const lower = sortedCents.length % 2 === 1 ? upper : upper - 1;
  return 5 * ((sortedCents[lower] ?? Number.NaN) + (sortedCents[upper] ?? Number.NaN));
}

/** The most frequent price of a rising list, the lower on a tie; undefined if none repeats. */
function modeOf(sortedCents: Float64Array): number | undefined {
  let mode: number | undefined;
  let most = 1;
  let run = 0;
  for (let i = 0; i < sortedCents.length; i += 1) {
    run = sortedCents[i] === sortedCents[i - 1] ? run + 1 : 1;
    // Strictly above: prices rise, so on a tie the lower one stays.
    if (run > most) {
      most = run;
      mode = sortedCents[i];
    }
  }
  return mode;
}
