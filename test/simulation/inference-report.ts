/**
 * How well the rules infer sales, against a market that knows: the second half of `npm run bench`,
 * alone `node test/simulation/inference-report.ts [--rows 600] [--seed 1]`.
 *
 * The simulated market keeps what was really sold, and when, and at what price. An inferred sale is
 * right when a copy of that condition was sold in that very minute; each true sale can make one
 * right. What an observer has to go by differs from product to product, so the figures stand by how
 * much was sold in a year: that is what makes a history sparse.
 */
import { parseArgs } from 'node:util';
import { type Judgement, judge } from '../../src/analysis/judge.ts';
import type { Product } from '../../src/keepa/product.ts';
import { decodeProductBatch } from '../../src/keepa/wire-product.ts';
import type { LiveSale, SimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';
import { ask, dayMs, richKeepa, startMs } from '../simulator/asking.ts';

const yearMs = 365 * dayMs;
const productsPerCall = 100;

/** Upper ends of the classes of sparsity: true sales of the last year. */
const sparsities = [
  { name: 'none', most: 0 },
  { name: '1 to 3', most: 3 },
  { name: '4 to 11', most: 11 },
  { name: '12 to 25', most: 25 },
  { name: '26 and more', most: Number.POSITIVE_INFINITY },
] as const;

/** One product: what was inferred of it, and what was true. */
interface Compared {
  readonly soldLastYear: number;
  readonly trueSales: number;
  readonly inferred: number;
  readonly right: number;
  /** (inferred - true) / true of the 1-year averages; undefined where one of them is not there. */
  readonly averageError: number | undefined;
  readonly hasAverage: boolean;
}

export interface InferenceFigures {
  readonly name: string;
  readonly products: number;
  readonly trueSales: number;
  readonly inferred: number;
  /** Right ones of the inferred, and of the true; undefined without any. */
  readonly precision: number | undefined;
  readonly recall: number | undefined;
  /** Products of which the rules tell a 1-year average. */
  readonly averages: number;
  /** Of the absolute error of the 1-year average, as a fraction of the true one. */
  readonly errorP50: number | undefined;
  readonly errorP90: number | undefined;
  /** Mean of the signed error. */
  readonly bias: number | undefined;
}

/** The figures by sparsity, the sum of all as the last. */
export function runInference(options: { seed: number; rows: number }): InferenceFigures[] {
  const keepa = richKeepa(options);
  const compared = productsOf(keepa).map((product) => compare(keepa, product));
  let least = 0;
  const classes = sparsities.map(({ name, most }) => {
    const from = least;
    least = most + 1;
    return summed(
      name,
      compared.filter(({ soldLastYear }) => soldLastYear >= from && soldLastYear <= most),
    );
  });
  return [...classes, summed('all', compared)];
}

/** Every product on the list, with its history; those that Keepa has nothing of are left out. */
function productsOf(keepa: SimulatedKeepa): readonly Product[] {
  const asins = keepa.liveRows(startMs).map(({ asin }) => asin);
  const products: Product[] = [];
  for (let from = 0; from < asins.length; from += productsPerCall) {
    const batch = asins.slice(from, from + productsPerCall);
    const query = { domain: '1', stats: '365', asin: batch.join(',') };
    const { json } = ask(keepa, { path: '/product', query });
    const call = { endpoint: 'product', domainId: 1, asins: batch, history: true } as const;
    products.push(...decodeProductBatch(json, call).products);
  }
  return products.filter(({ history }) => history !== undefined);
}

function compare(keepa: SimulatedKeepa, product: Product): Compared {
  const truth = keepa
    .trueSales(product.asin, startMs)
    .filter(({ atMs }) => atMs >= startMs - 3 * yearMs);
  const lastYear = truth.filter(({ atMs }) => atMs >= startMs - yearMs);
  const judgement = judge({ product, priceType: 2, nowMs: startMs });
  const trueAverage = meanOf(lastYear.map(({ priceCents }) => priceCents));
  const { avg1yCents } = judgement;
  return {
    soldLastYear: lastYear.length,
    trueSales: truth.length,
    inferred: judgement.sales.length,
    right: rightOnes(judgement, truth),
    averageError:
      avg1yCents === undefined || trueAverage === undefined
        ? undefined
        : (avg1yCents - trueAverage) / trueAverage,
    hasAverage: avg1yCents !== undefined,
  };
}

/** How many inferred sales are true ones, each true one counted once. */
function rightOnes({ sales }: Judgement, truth: readonly LiveSale[]): number {
  const left = new Map<string, number>();
  for (const { condition, atMs } of truth) {
    const key = `${condition} ${atMs}`;
    left.set(key, (left.get(key) ?? 0) + 1);
  }
  let right = 0;
  for (const { condition, atMs } of sales) {
    const key = `${condition} ${atMs}`;
    const count = left.get(key) ?? 0;
    if (count === 0) continue;
    left.set(key, count - 1);
    right += 1;
  }
  return right;
}

function summed(name: string, compared: readonly Compared[]): InferenceFigures {
  const sum = (of: (one: Compared) => number): number =>
    compared.reduce((total, one) => total + of(one), 0);
  const [trueSales, inferred, right] = [
    sum((one) => one.trueSales),
    sum((one) => one.inferred),
    sum((one) => one.right),
  ];
  const errors = compared.flatMap(({ averageError }) => averageError ?? []);
  const sizes = errors.map(Math.abs).sort((a, b) => a - b);
  const at = (part: number): number | undefined => sizes[Math.ceil(part * (sizes.length - 1))];
  return {
    name,
    products: compared.length,
    trueSales,
    inferred,
    precision: inferred === 0 ? undefined : right / inferred,
    recall: trueSales === 0 ? undefined : right / trueSales,
    averages: sum(({ hasAverage }) => (hasAverage ? 1 : 0)),
    errorP50: at(0.5),
    errorP90: at(0.9),
    bias: meanOf(errors),
  };
}

function meanOf(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const heads = [
  'sold last year',
  'products',
  'true',
  'inferred',
  'precision',
  'recall',
  'averages',
  'error p50',
  'p90',
  'bias',
] as const;

function print(figures: readonly InferenceFigures[]): void {
  const percent = (part: number | undefined): string =>
    part === undefined ? '-' : `${(100 * part).toFixed(1)} %`;
  const rows = figures.map((one) => [
    one.name,
    String(one.products),
    String(one.trueSales),
    String(one.inferred),
    percent(one.precision),
    percent(one.recall),
    String(one.averages),
    percent(one.errorP50),
    percent(one.errorP90),
    percent(one.bias),
  ]);
  const table = [heads, ...rows];
  const widths = heads.map((_, at) => Math.max(...table.map((cells) => cells[at]?.length ?? 0)));
  const lines = table.map((cells) => {
    const padded = cells.map((cell, at) => cell.padStart(widths[at] ?? 0));
    return padded.join('  ');
  });
  process.stdout.write(
    'inferred sales of three years against the true ones; 1-year average against the true mean\n' +
      `${lines.join('\n')}\n`,
  );
}

function main(): void {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '600' },
      seed: { type: 'string', default: '1' },
    },
  });
  print(runInference({ rows: Number(values.rows), seed: Number(values.seed) }));
}

if (import.meta.main) main();
