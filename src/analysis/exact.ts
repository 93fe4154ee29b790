/**
 * The one rounding of the rules: every figure is a fraction of two integers until here.
 *
 * A mean of cents, a median, 90 % of a price: none of them is a whole number, and a double rounds
 * each step on its own. So the rules carry integers (tenths of a cent, sums and counts) and round
 * once, at the end.
 */

/**
 * `top / bottom` to the nearest whole number, halves upwards (also below zero: -2.5 gives -2).
 * Exact while |top| + bottom is a safe integer and `bottom` is above 0: the remainder is taken
 * before anything is divided.
 */
export function roundHalfUp(top: number, bottom: number): number {
  const remainder = ((top % bottom) + bottom) % bottom;
  const floor = (top - remainder) / bottom;
  return 2 * remainder >= bottom ? floor + 1 : floor;
}
