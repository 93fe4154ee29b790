/**
 * Outliers: which prices are too far from the rest to be believed.
 *
 * Tukey's fences, 1.5 times the interquartile range beyond the quartiles. A quartile lies at a
 * quarter of a gap between two prices, so it is a whole number of quarter cents, and the fences are
 * whole eighths: all of it is integer arithmetic.
 */
import type { Sale } from './sales.ts';

/** The prices that are kept, both ends included, in eighths of a cent. */
interface Fences {
  readonly lowEighths: number;
  readonly highEighths: number;
}

/** A sale whose price is known. */
export type PricedSale = Sale & { readonly priceCents: number };

/** Three prices have no quartiles to speak of: fewer than this many are all kept. */
const quartilePricesMin = 4;

/**
 * The sane ones among the priced sales, in the order given: within the fences, ends included, of
 * the prices of all of them together; all when there are fewer than four.
 */
export function saneSales(sales: readonly Sale[]): PricedSale[] {
  const priced = sales.filter(isPriced);
  if (priced.length < quartilePricesMin) return priced;
  const { lowEighths, highEighths } = fencesOf(centsOf(priced).sort());
  return priced.filter(
    ({ priceCents }) => 8 * priceCents >= lowEighths && 8 * priceCents <= highEighths,
  );
}

/** Their prices, in the same order. */
export function centsOf(sales: readonly PricedSale[]): Float64Array {
  const cents = new Float64Array(sales.length);
  for (let i = 0; i < sales.length; i += 1) cents[i] = sales[i]?.priceCents ?? Number.NaN;
  return cents;
}

function isPriced(sale: Sale): sale is PricedSale {
  return sale.priceCents !== undefined;
}

/** The fences of a rising list of at least four prices. */
function fencesOf(sortedCents: Float64Array): Fences {
  const lowerQuarters = quartileQuarters(sortedCents, 1);
  const upperQuarters = quartileQuarters(sortedCents, 3);
  // 1.5 x the range, in eighths: 1.5 x 2 = 3 times its quarters.
  const reachEighths = 3 * (upperQuarters - lowerQuarters);
  return {
    lowEighths: 2 * lowerQuarters - reachEighths,
    highEighths: 2 * upperQuarters + reachEighths,
  };
}

/** The quartile at position (n - 1) x `quarter` / 4, interpolated, in quarter cents. */
function quartileQuarters(sortedCents: Float64Array, quarter: 1 | 3): number {
  const positionQuarters = (sortedCents.length - 1) * quarter;
  const part = positionQuarters % 4;
  const index = (positionQuarters - part) / 4;
  const lower = sortedCents[index] ?? Number.NaN;
  const upper = part === 0 ? lower : (sortedCents[index + 1] ?? Number.NaN);
  return 4 * lower + part * (upper - lower);
}
