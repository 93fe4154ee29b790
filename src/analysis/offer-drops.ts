/**
 * Offer drops: the moments at which one offer fewer was on sale, each of them a possible sale.
 *
 * Invariants: a drop needs two neighbouring counts that are both known, so the return of a series
 * after a gap is no drop; the window is measured on the drop alone, and the count before it may be
 * older.
 */
import type { Series } from '../keepa/product.ts';
import { firstFrom } from './series.ts';

/**
 * The minutes, in order, of every point of `counts` (a timeline) from `fromMinute` on that is lower
 * than the point directly before it. A minute occurs as often as the count fell in it.
 */
export function offerDrops(counts: Series, fromMinute: number): Int32Array {
  const { minutes, values } = counts;
  const drops = new Int32Array(minutes.length);
  let found = 0;
  for (let i = Math.max(1, firstFrom(minutes, fromMinute)); i < minutes.length; i += 1) {
    const value = values[i] ?? Number.NaN;
    // Both known and not negative: with NaN on either side one comparison is false.
    if (value >= 0 && value < (values[i - 1] ?? Number.NaN)) {
      drops[found] = minutes[i] ?? 0;
      found += 1;
    }
  }
  return drops.subarray(0, found);
}
