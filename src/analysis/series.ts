/**
 * A Keepa series as a step function: each point holds until the next.
 *
 * Keepa sends points in order of time and up to now, nearly always; the rules must hold when it
 * doesn't. `timeline` makes both true once, so that everything after it may search by halves. A
 * series that is in order already, which is the rule, is viewed and not copied.
 *
 * Invariants of a timeline: minutes never fall, points of one minute keep the order they were sent
 * in, none lies after now, and absent points (NaN) are still in it, because "no offer from then on"
 * ends the price before it.
 */
import type { Series } from '../keepa/product.ts';

const nothing: Series = { minutes: new Int32Array(0), values: new Float64Array(0) };

/** The points up to and including `nowMinute`, stably sorted by time; empty without a series. */
export function timeline(series: Series | undefined, nowMinute: number): Series {
  if (series === undefined || series.minutes.length === 0) return nothing;
  const ordered = isOrdered(series.minutes) ? series : sortedByTime(series);
  const end = firstFrom(ordered.minutes, nowMinute + 1);
  if (end === ordered.minutes.length) return ordered;
  return { minutes: ordered.minutes.subarray(0, end), values: ordered.values.subarray(0, end) };
}

/** Index of the first point at or after `minute`; the length if there is none. */
export function firstFrom(minutes: Int32Array, minute: number): number {
  let low = 0;
  let high = minutes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((minutes[middle] ?? 0) < minute) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The same as `firstFrom`, found by walking on from `start`, which must not lie beyond it. For
 * questions in order of time: all of them together walk through the series once.
 */
export function walkTo(minutes: Int32Array, minute: number, start: number): number {
  let index = start;
  while (index < minutes.length && (minutes[index] ?? 0) < minute) index += 1;
  return index;
}

/** The points from index `start` on; a view. */
export function pointsFrom(points: Series, start: number): Series {
  if (start === 0) return points;
  return { minutes: points.minutes.subarray(start), values: points.values.subarray(start) };
}

/** The points above 0 only, in order: an absent rank is no rank. Not copied if all of them are. */
export function positiveOnly(points: Series): Series {
  const { minutes, values } = points;
  let count = 0;
  for (const value of values) if (value > 0) count += 1;
  if (count === values.length) return points;
  const kept = { minutes: new Int32Array(count), values: new Float64Array(count) };
  let to = 0;
  for (let from = 0; from < values.length; from += 1) {
    const value = values[from] ?? 0;
    if (value > 0) {
      kept.minutes[to] = minutes[from] ?? 0;
      kept.values[to] = value;
      to += 1;
    }
  }
  return kept;
}

function isOrdered(minutes: Int32Array): boolean {
  for (let i = 1; i < minutes.length; i += 1) {
    if ((minutes[i] ?? 0) < (minutes[i - 1] ?? 0)) return false;
  }
  return true;
}

function sortedByTime(series: Series): Series {
  const { minutes, values } = series;
  const order = Uint32Array.from(minutes, (_, i) => i);
  // The standard makes this sort stable.
  order.sort((a, b) => (minutes[a] ?? 0) - (minutes[b] ?? 0));
  return {
    minutes: Int32Array.from(order, (from) => minutes[from] ?? 0),
    values: Float64Array.from(order, (from) => values[from] ?? Number.NaN),
  };
}
