/**
 * Confirmation: did the sales rank improve after an offer went away?
 *
 * An offer that vanishes may have been withdrawn; only a sale also lowers the rank number. Keepa
 * records ranks every few hours on busy products and every few weeks on sparse ones, hence two
 * windows: any fall within 240 hours, and, where no rank was recorded in those at all, the very
 * next record within 30 days.
 *
 * Invariants: ranks are those above 0; windows include both ends; one fall may confirm many drops.
 * The next fall at or after each point is worked out once, so that confirming a drop is one look.
 */
import type { Series } from '../keepa/product.ts';
import { firstFrom, pointsFrom, positiveOnly } from './series.ts';

const windowMinutes = 240 * 60;
const fallbackMinutes = 30 * 24 * 60;

/** The known ranks of a product, prepared for asking when they fell. */
export interface RankTrail {
  readonly minutes: Int32Array;
  readonly values: Float64Array;
  /** For each point, the index of the first at or after it that is lower than the one before it. */
  readonly nextFall: Int32Array;
}

/**
 * Prepares a rank timeline for drops from `fromMinute` on: the ranks since then and the last one
 * before, which the first of them is compared with. Decades of older ranks cost nothing.
 */
export function rankTrail(ranks: Series, fromMinute: number): RankTrail {
  let start = firstFrom(ranks.minutes, fromMinute);
  while (start > 0) {
    start -= 1;
    if ((ranks.values[start] ?? 0) > 0) break;
  }
  const { minutes, values } = positiveOnly(pointsFrom(ranks, start));
  const nextFall = new Int32Array(minutes.length);
  let next = minutes.length;
  for (let i = minutes.length - 1; i >= 0; i -= 1) {
    // The first point has nothing before it: a comparison with NaN is false.
    if ((values[i] ?? 0) < (values[i - 1] ?? Number.NaN)) next = i;
    nextFall[i] = next;
  }
  return { minutes, values, nextFall };
}

/**
 * The minute of the rank point that confirms a drop at `dropMinute`; undefined: not confirmed.
 * `first` is the index of the first rank of the trail at or after the drop.
 */
export function confirmationOf(
  trail: RankTrail,
  dropMinute: number,
  first: number,
): number | undefined {
  const { minutes, values, nextFall } = trail;
  const firstMinute = minutes[first];
  if (firstMinute === undefined) return undefined;
  if (firstMinute <= dropMinute + windowMinutes) {
    const fallMinute = minutes[nextFall[first] ?? minutes.length];
    if (fallMinute === undefined || fallMinute > dropMinute + windowMinutes) return undefined;
    return fallMinute;
  }
  // No rank at all in the window: the one before `first` is the last strictly before the drop.
  if (firstMinute > dropMinute + fallbackMinutes) return undefined;
  return (values[first] ?? 0) < (values[first - 1] ?? Number.NaN) ? firstMinute : undefined;
}
