/**
 * The csv of a product: per price type one flat list of points, decoded by hand.
 *
 * A product can carry 100,000 of these numbers, so they go straight from Keepa's list into typed
 * arrays, each looked at once.
 *
 * What a point says (documented cases and recorded ones):
 * - [time, value]: a value of -1 (no offer from then on) or -2 (no data) is NaN. Any other value,
 *   0 and odd negatives included, is kept as sent: the rules that read a series say what counts.
 *   One that is beyond what a number holds exactly is no price of anything: the list is unreadable.
 * - [time, price, shipping] (landed prices): the value is price + shipping. It is NaN when there is
 *   no offer (price -1) and also when the shipping is unknown or undetermined (-1, -2): a landed
 *   price without its shipping is not known, and the price alone would be too cheap by as much. Of
 *   8,600 recorded points 3 are like that. Adding the numbers up unseen would be worse: 12 points
 *   are [-1, 0], whose sum is a price of -1.
 * - what is left over at the end of a list (one number, or two of a triplet) is no point.
 */
import { dealPriceTypes, isMoney, pointWidth, priceIndex } from './price-type.ts';
import type { History, Series } from './product.ts';
import {
  elementAt,
  ShapeError,
  toUnixMinutes,
  type WireList,
  withoutAbsent,
} from './wire-values.ts';

/** Prices a feed can be about and that have no name of their own in a History. */
const otherPriceTypes: readonly number[] = [...dealPriceTypes].filter(
  (index) => isMoney(index) && index > priceIndex.rank,
);

/**
 * The series of a csv that somebody reads. One that Keepa sent as null, or not at all (the csv of
 * 2025 ends two entries earlier), is absent; one without points is there and empty.
 *
 * @throws ShapeError when an entry is not a list of points.
 */
export function decodeHistory(csv: WireList): History {
  const series = (index: number) => decodeSeries(elementAt(csv, index), index);
  const other = new Map<number, Series>();
  for (const index of otherPriceTypes) {
    const prices = series(index);
    if (prices !== undefined) other.set(index, prices);
  }
  return withoutAbsent({
    amazon: series(priceIndex.amazon),
    priceNew: series(priceIndex.new),
    priceUsed: series(priceIndex.used),
    rank: series(priceIndex.rank),
    countNew: series(priceIndex.countNew),
    countUsed: series(priceIndex.countUsed),
    other,
  });
}

function decodeSeries(points: unknown, index: number): Series | undefined {
  if (points === null || points === undefined) return undefined;
  const place = `csv[${index}]`;
  if (!Array.isArray(points)) throw new ShapeError(`${place}: is not a list`);
  const width = pointWidth(index);
  const length = Math.floor(points.length / width);
  const minutes = new Int32Array(length);
  const values = new Float64Array(length);
  for (let point = 0; point < length; point += 1) {
    const start = point * width;
    minutes[point] = toUnixMinutes(points[start], place);
    const value = figureOf(points[start + 1], place);
    values[point] = width === 2 ? value : value + figureOf(points[start + 2], place);
  }
  return { minutes, values };
}

/** NaN where there is none: it stays NaN in every sum and is smaller than nothing. */
function figureOf(value: unknown, place: string): number {
  if (value === -1 || value === -2 || value === null) return Number.NaN;
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new ShapeError(`${place}: a value that is not a number`);
  }
  if (!Number.isSafeInteger(Math.round(value))) {
    throw new ShapeError(`${place}: a value that is out of range`);
  }
  return value;
}
