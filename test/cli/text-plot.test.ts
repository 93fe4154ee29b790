/**
 * The plot: it fits its box, and what is drawn is where the price and the sales are.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Plot, textPlot } from '../../src/cli/text-plot.ts';

const dayMs = 86_400_000;
const toMs = Date.UTC(2026, 4, 12);
const fromMs = toMs - 100 * dayMs;

function plotOf(
  prices: readonly (readonly [day: number, cents: number])[],
  sales: Plot['sales'] = [],
  size: Partial<Plot> = {},
): string[] {
  return textPlot({
    fromMs,
    toMs,
    prices: {
      atMs: prices.map(([day]) => fromMs + day * dayMs),
      cents: Float64Array.from(prices, ([, cents]) => cents),
    },
    sales,
    columns: 60,
    rows: 11,
    amount: (cents) => (cents / 100).toFixed(2),
    ...size,
  });
}

const rowWith = (lines: readonly string[], mark: string): number =>
  lines.findIndex((line) => line.slice(line.indexOf('|') + 1).includes(mark));

test('a price that falls is high at first and low after, and its labels are its bounds', () => {
  const lines = plotOf([
    [0, 5000],
    [50, 1000],
  ]);
  assert.match(lines[0] ?? '', /^50\.00 \|-{20,}/);
  assert.match(lines[7] ?? '', /^10\.00 \| {20,}.*-{20,}$/);
});

test('while there is no price nothing is drawn', () => {
  const lines = plotOf([
    [0, 5000],
    [25, Number.NaN],
    [75, 5000],
  ]);
  const drawn = lines.find((line) => line.includes('-')) ?? '';
  assert.match(drawn, /-{8,} {20,}-{8,}/);
});

test('a sale is drawn at its price, and counted in its column also when it has none', () => {
  const at = fromMs + 50 * dayMs;
  const lines = plotOf(
    [[0, 1000]],
    [
      { atMs: at, priceCents: 5000, mark: 'u' },
      { atMs: at, priceCents: undefined, mark: 'n' },
    ],
  );
  assert.equal(rowWith(lines, 'u'), 0);
  assert.equal(rowWith(lines, 'n'), -1);
  const counts = lines.at(-1) ?? '';
  assert.match(counts, /^sales +2$/);
  assert.equal(counts.indexOf('2'), (lines[0] ?? '').indexOf('u'));
});

test('a glitch is marked at the edge and does not press the rest onto the bottom line', () => {
  const lines = plotOf([
    [0, 1000],
    [20, 2000],
    [50, 9_999_900],
    [51, 1000],
  ]);
  assert.match(lines[0] ?? '', /^ *30\.00 \|.*\^/);
  assert.ok(rowWith(lines, '-') < 7, 'the price of 20.00 is above the bottom');
});

test('nothing known draws nothing', () => {
  assert.deepEqual(plotOf([]), []);
  assert.deepEqual(plotOf([[0, Number.NaN]]), []);
  assert.deepEqual(plotOf([[0, 100]], [], { fromMs: toMs }), []);
});

test('whatever the history, the plot fits its box and is plain text', () => {
  const point = fc.tuple(
    fc.integer({ min: -50, max: 120 }),
    fc.oneof(fc.integer({ min: 1, max: 10_000_000 }), fc.constant(Number.NaN)),
  );
  const sale = fc.record({
    atMs: fc.integer({ min: fromMs - dayMs, max: toMs + dayMs }),
    priceCents: fc.option(fc.integer({ min: 1, max: 10_000_000 }), { nil: undefined }),
    mark: fc.constantFrom('u', 'n'),
  });
  fc.assert(
    fc.property(
      fc.array(point, { maxLength: 60 }),
      fc.array(sale, { maxLength: 30 }),
      fc.integer({ min: 40, max: 160 }),
      (points, sales, columns) => {
        const ordered = points.toSorted(([a], [b]) => a - b);
        const lines = plotOf(ordered, sales, { columns });
        if (lines.length > 0) assert.equal(lines.length, 11);
        for (const line of lines) {
          assert.ok(line.length <= columns, `${line.length} > ${columns}: ${line}`);
          assert.match(line, /^[\x20-\x7e]*$/);
        }
      },
    ),
  );
});
