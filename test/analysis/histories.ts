/**
 * Products made up for tests: by hand, by fast-check, and by the thousand for the benchmark.
 *
 * The random ones draw their times from a few anchors plus a few distances that the rules know (the
 * ends of the windows, the minute beside them): times drawn evenly would never meet a bound.
 */
import fc from 'fast-check';
import type { AmazonPrices, History, Product, Series } from '../../src/keepa/product.ts';
import type { Random } from '../../src/runtime/random.ts';

export const minuteMs = 60_000;
export const dayMinutes = 1440;
export const yearMinutes = 365 * dayMinutes;

/** Time and value; undefined: "none from then on". */
export type Point = readonly [minute: number, value: number | undefined];

export function seriesOf(points: readonly Point[]): Series {
  return {
    minutes: Int32Array.from(points, ([minute]) => minute),
    values: Float64Array.from(points, ([, value]) => value ?? Number.NaN),
  };
}

/** The series of a product by name, each a list of points. */
export interface Histories {
  readonly amazon?: readonly Point[];
  readonly priceNew?: readonly Point[];
  readonly priceUsed?: readonly Point[];
  readonly rank?: readonly Point[];
  readonly countNew?: readonly Point[];
  readonly countUsed?: readonly Point[];
  readonly other?: ReadonlyMap<number, readonly Point[]>;
}

export function productOf(histories: Histories | undefined, amazon?: AmazonPrices): Product {
  const product: Product = { asin: 'B000000001', domainId: 1, productType: 0, fees: {} };
  const priced = amazon === undefined ? product : { ...product, amazon };
  return histories === undefined ? priced : { ...priced, history: historyOf(histories) };
}

function historyOf(histories: Histories): History {
  const { amazon, priceNew, priceUsed, rank, countNew, countUsed, other } = histories;
  return {
    ...(amazon && { amazon: seriesOf(amazon) }),
    ...(priceNew && { priceNew: seriesOf(priceNew) }),
    ...(priceUsed && { priceUsed: seriesOf(priceUsed) }),
    ...(rank && { rank: seriesOf(rank) }),
    ...(countNew && { countNew: seriesOf(countNew) }),
    ...(countUsed && { countUsed: seriesOf(countUsed) }),
    other: new Map([...(other ?? [])].map(([type, points]) => [type, seriesOf(points)])),
  };
}

/** Distances between events that the rules treat differently from their neighbours. */
const tellingMinutes = [0, 0, 0, 1, -1, 14_400, 14_401, 14_399, 43_200, 43_201, -14_400, 1440];
const anchorDays = [0, 10, 30, 60, 200, 365, 366, 420, 565, 800, 1095];

/** A product whose points lie around `nowMinute` and the bounds of the rules; some lack series. */
export function anyProduct(nowMinute: number): fc.Arbitrary<Product> {
  const minute = fc
    .tuple(fc.constantFrom(...anchorDays), fc.constantFrom(...tellingMinutes), fc.nat(2))
    .map(([days, minutes, jitter]) => nowMinute - days * dayMinutes + minutes - jitter);
  const points = (values: fc.Arbitrary<number | undefined>, maxLength: number) =>
    fc.option(
      fc
        .tuple(fc.array(fc.tuple(minute, values), { maxLength, size: 'max' }), fc.boolean())
        .map(([drawn, isSent]) => (isSent ? drawn.toSorted((a, b) => a[0] - b[0]) : drawn)),
      { nil: undefined, freq: 12 },
    );
  const counts = points(fc.constantFrom(0, 1, 2, 3, 4, undefined), 30);
  const prices = points(anyPrice, 14);
  const ranks = points(fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 0, undefined), 30);
  const cents = fc.constantFrom(undefined, undefined, 0, 1, 111, 555, 166_666, 166_667, 9_999_999);
  return fc
    .record({
      counts,
      fresh: counts,
      used: prices,
      new: prices,
      ranks,
      cents: fc.tuple(cents, cents),
    })
    .chain((drawn) =>
      fc.constant(
        productOf(
          definedOnly({
            countUsed: drawn.counts,
            countNew: drawn.fresh,
            priceUsed: drawn.used,
            priceNew: drawn.new,
            rank: drawn.ranks,
          }),
          definedOnly({ currentCents: drawn.cents[0], average365Cents: drawn.cents[1] }),
        ),
      ),
    );
}

const anyPrice = fc.oneof(
  fc.constantFrom(100, 101, 102, 103, 500, 500, 900, 0, undefined),
  fc.constantFrom(150_000, 150_001, 166_667, 200_000),
  fc.integer({ min: 1, max: 2000 }),
);

function definedOnly<T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: Partial<T> = {};
  for (const key of Object.keys(record) as (keyof T)[]) {
    if (record[key] !== undefined) kept[key] = record[key];
  }
  return kept as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** A ten-year history of `points` points in all, busy like a popular book's, the same per seed. */
export function longProduct(random: Random, input: { nowMinute: number; points: number }): Product {
  const { nowMinute, points } = input;
  const start = nowMinute - 10 * yearMinutes;
  const walk = (share: number, next: (before: number) => number | undefined): Point[] => {
    const count = Math.round(points * share);
    const gap = Math.floor((10 * yearMinutes) / count);
    let before = 20;
    return Array.from({ length: count }, (_, i): Point => {
      const value = next(before);
      before = value ?? before;
      return [start + i * gap + random.integer(0, gap - 1), value];
    });
  };
  const near = (step: number, least: number) => (before: number) =>
    random.next() < 0.02 ? undefined : Math.max(least, before + random.integer(-step, step));
  return productOf({
    rank: walk(0.4, () => random.integer(20_000, 900_000)),
    countUsed: walk(0.2, near(2, 0)),
    countNew: walk(0.1, near(1, 0)),
    priceUsed: walk(0.2, (before) => near(150, 300)(before)),
    priceNew: walk(0.1, (before) => near(300, 900)(before)),
  });
}
