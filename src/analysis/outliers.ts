/**
 * Outliers: which prices are too far from the rest to be believed.
 *
 * Tukey's fences, 1.5 times the interquartile range beyond the quartiles. A quartile lies at a
 * quarter of a gap between two prices, so it is a whole number of quarter cents, and the fences are
 * whole eighths: all of it is integer arithmetic.
 */

/** The prices that are kept, both ends included, in eighths of a cent. */
export interface Fences {
  readonly lowEighths: number;
  readonly highEighths: number;
}

/** Three prices have no quartiles to speak of: fewer than this many are all kept. */
const quartilePricesMin = 4;

/** The fences of `sortedCents` (rising); infinitely wide for fewer than four prices. */
export function fencesOf(sortedCents: Float64Array): Fences {
  if (sortedCents.length < quartilePricesMin) {
    return { lowEighths: Number.NEGATIVE_INFINITY, highEighths: Number.POSITIVE_INFINITY };
  }
  const lowerQuarters = quartileQuarters(sortedCents, 1);
  const upperQuarters = quartileQuarters(sortedCents, 3);
  // 1.5 x the range, in eighths: 1.5 x 2 = 3 times its quarters.
  const reachEighths = 3 * (upperQuarters - lowerQuarters);
  return {
    lowEighths: 2 * lowerQuarters - reachEighths,
    highEighths: 2 * upperQuarters + reachEighths,
  };
}

/** Whether a price lies within the fences. */
export function isWithin(fences: Fences, cents: number): boolean {
  return 8 * cents >= fences.lowEighths && 8 * cents <= fences.highEighths;
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
