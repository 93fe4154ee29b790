/**
 * A plot of a price and the sales on it in plain characters, for any terminal, pipe or ticket.
 *
 * One column is a span of time. `-` is the price in force, `|` joins prices that changed within the
 * column, a letter is a sale at its price, and the line under the axis counts the sales of each
 * column, those of unknown price as well. A price glitch of a day would press everything else onto
 * the bottom line, so what lies far above the rest is drawn as `^` at the upper edge.
 */

interface PlottedSale {
  readonly atMs: number;
  /** Undefined: counted, and not drawn. */
  readonly priceCents: number | undefined;
  /** One letter. */
  readonly mark: string;
}

export interface Plot {
  readonly fromMs: number;
  readonly toMs: number;
  /** In order of time; each holds until the next. NaN: no price from then on. */
  readonly prices: { readonly atMs: readonly number[]; readonly cents: Float64Array };
  readonly sales: readonly PlottedSale[];
  /** Whole width and height, in characters and lines, axis and labels included. */
  readonly columns: number;
  readonly rows: number;
  amount(cents: number): string;
}

/** Lowest and highest price in force within one column. */
interface Reach {
  readonly low: number;
  readonly high: number;
}

interface Scale {
  readonly low: number;
  readonly high: number;
  readonly rows: number;
}

/** Under the drawing: axis, dates, counts. */
const footRows = 3;
const drawnRowsLeast = 4;
const drawnColumnsLeast = 20;
/** Above so many times what nine in ten stay below, a price is a glitch. */
const glitchFactor = 3;

/** The lines, without trailing blanks; none when there is nothing to draw. */
export function textPlot(plot: Plot): string[] {
  const dearest = highestOf(plot);
  if (!(dearest > 0) || plot.toMs <= plot.fromMs) return [];
  const labelWidth = Math.max('sales'.length, plot.amount(dearest).length);
  const width = Math.max(drawnColumnsLeast, plot.columns - labelWidth - 3);
  const reaches = reachesOf(plot, width);
  const scale = scaleOf(plot, reaches);
  const grid = drawn(plot, { reaches, scale, width });
  const label = (text: string): string => text.padStart(labelWidth);
  const lines = grid.map((cells, row) => {
    const name = row === 0 ? plot.amount(scale.high) : '';
    const low = row === grid.length - 1 ? plot.amount(scale.low) : name;
    return `${label(low)} |${cells.join('')}`;
  });
  const foot = [
    `${label('')} +${'-'.repeat(width)}`,
    `${label('')}  ${datesLine(plot, width)}`,
    `${label('sales')}  ${countsLine(plot, width)}`,
  ];
  return [...lines, ...foot].map((line) => line.trimEnd());
}

function highestOf({ prices, sales }: Plot): number {
  const dearestSale = Math.max(0, ...pricesOf(sales));
  return prices.cents.reduce((highest, cents) => (cents > highest ? cents : highest), dearestSale);
}

function pricesOf(sales: readonly PlottedSale[]): number[] {
  return sales.flatMap(({ priceCents }) => (priceCents === undefined ? [] : [priceCents]));
}

function columnOf(atMs: number, { fromMs, toMs }: Plot, width: number): number {
  return Math.min(width - 1, Math.floor(((atMs - fromMs) / (toMs - fromMs)) * width));
}

/** Walks the steps once; a column without a change has the price that came into it. */
function reachesOf(plot: Plot, width: number): (Reach | undefined)[] {
  const reaches: (Reach | undefined)[] = [];
  const { atMs: times, cents } = plot.prices;
  let next = 0;
  let inForce = Number.NaN;
  for (let column = 0; column < width; column += 1) {
    const endMs = plot.fromMs + ((column + 1) / width) * (plot.toMs - plot.fromMs);
    const startMs = plot.fromMs + (column / width) * (plot.toMs - plot.fromMs);
    let reach = widened(undefined, inForce);
    for (;;) {
      const atMs = times[next];
      if (atMs === undefined || atMs >= endMs) break;
      inForce = cents[next] ?? Number.NaN;
      // What came before the plot began is no part of it, but the last of it is still in force.
      reach = atMs <= startMs ? widened(undefined, inForce) : widened(reach, inForce);
      next += 1;
    }
    reaches.push(reach);
  }
  return reaches;
}

function widened(reach: Reach | undefined, cents: number): Reach | undefined {
  if (!(cents > 0)) return reach;
  return { low: Math.min(reach?.low ?? cents, cents), high: Math.max(reach?.high ?? cents, cents) };
}

/** What most prices, and most of the sales, stay below: a sale counts for more than a glitch. */
function scaleOf(plot: Plot, reaches: readonly (Reach | undefined)[]): Scale {
  const sold = pricesOf(plot.sales);
  const highs = reaches.flatMap((reach) => reach?.high ?? []);
  const lows = reaches.flatMap((reach) => reach?.low ?? []);
  const usual = Math.max(nineInTen(highs), nineInTen(sold));
  const top = Math.max(...highs, ...sold);
  const high = top > glitchFactor * usual ? Math.ceil(1.5 * usual) : top;
  const low = Math.min(...lows, ...sold, high);
  return { low, high, rows: Math.max(drawnRowsLeast, plot.rows - footRows) };
}

/** The price that nine in ten do not exceed; 0 without any. */
function nineInTen(cents: readonly number[]): number {
  const ascending = [...cents].sort((a, b) => a - b);
  return ascending[Math.ceil(0.9 * ascending.length) - 1] ?? 0;
}

/** The row of a price, from the top. */
function rowOf(cents: number, { low, high, rows }: Scale): number {
  if (high <= low) return rows - 1;
  const part = (Math.min(high, Math.max(low, cents)) - low) / (high - low);
  return Math.round((1 - part) * (rows - 1));
}

function drawn(
  plot: Plot,
  parts: {
    readonly reaches: readonly (Reach | undefined)[];
    readonly scale: Scale;
    readonly width: number;
  },
): string[][] {
  const { reaches, scale, width } = parts;
  const grid = Array.from({ length: scale.rows }, () => new Array<string>(width).fill(' '));
  const put = (row: number, column: number, letter: string): void => {
    const cells = grid[row];
    if (cells !== undefined) cells[column] = letter;
  };
  for (const [column, reach] of reaches.entries()) {
    if (reach === undefined) continue;
    const [top, bottom] = [rowOf(reach.high, scale), rowOf(reach.low, scale)];
    for (let row = top; row <= bottom; row += 1) put(row, column, top === bottom ? '-' : '|');
    if (reach.high > scale.high) put(0, column, '^');
  }
  for (const { atMs, priceCents, mark } of plot.sales) {
    if (priceCents === undefined || atMs < plot.fromMs || atMs > plot.toMs) continue;
    const letter = priceCents > scale.high ? '^' : mark;
    put(rowOf(priceCents, scale), columnOf(atMs, plot, width), letter);
  }
  return grid;
}

/** `2025-03` under the column where it begins to be true, as often as they fit. */
function datesLine({ fromMs, toMs }: Plot, width: number): string {
  const length = 'YYYY-MM'.length;
  const count = Math.max(1, Math.min(5, Math.floor(width / (2 * length))));
  let line = '';
  for (let tick = 0; tick < count; tick += 1) {
    const column = Math.floor((tick * (width - length)) / Math.max(1, count - 1));
    const atMs = fromMs + (column / width) * (toMs - fromMs);
    line = line.padEnd(column) + new Date(atMs).toISOString().slice(0, length);
  }
  return line;
}

function countsLine(plot: Plot, width: number): string {
  const counts = new Array<number>(width).fill(0);
  for (const { atMs } of plot.sales) {
    if (atMs < plot.fromMs || atMs > plot.toMs) continue;
    const column = columnOf(atMs, plot, width);
    counts[column] = (counts[column] ?? 0) + 1;
  }
  return counts.map((count) => (count > 9 ? '+' : count > 0 ? String(count) : ' ')).join('');
}
