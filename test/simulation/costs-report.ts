/**
 * The learned cost model under stress, as a table: how often a hold covers the truth, and how much
 * more is held than is paid, at prices from 0.4 to 4 times the documented one and while they move.
 *
 * `npm run sim:costs [-- --calls 2000 --seed 1]`; exits 1 when a hold covers less than 95 of 100.
 */
import { type Random, seededRandom } from '../../src/runtime/random.ts';
import { dealCall, productCall } from '../broker/broker-world.ts';
import { figuresOf, type Spread, stress } from '../broker/cost-stress.ts';
import { printLine, reportOptions } from './report.ts';

const shapes = [
  { name: 'page', call: dealCall, sizes: () => 1 },
  { name: 'product, one to four', call: productCall(100), sizes: between(1, 4) },
  { name: 'product, five to a hundred', call: productCall(100), sizes: between(5, 100) },
  { name: 'offers, one to four', call: productCall(10, 20), sizes: between(1, 4) },
  { name: 'offers, five to ten', call: productCall(10, 20), sizes: between(5, 10) },
];
const spreads: readonly Spread[] = ['flat', 'even', 'pages', 'skewed'];
const coveredPercentMin = 95;

function prices(calls: number): readonly (readonly [string, (call: number) => number])[] {
  const isLate = (call: number): boolean => call >= calls / 2;
  return [
    ['0.4', () => 0.4],
    ['0.7', () => 0.7],
    ['1', () => 1],
    ['2', () => 2],
    ['4', () => 4],
    ['1, then 4', (call) => (isLate(call) ? 4 : 1)],
    ['4, then 1', (call) => (isLate(call) ? 1 : 4)],
    ['1, then 0.4', (call) => (isLate(call) ? 0.4 : 1)],
  ];
}

function between(least: number, most: number): (random: Random) => number {
  return (random) => least + Math.floor(random.next() * (most - least + 1));
}

function main(): boolean {
  const given = reportOptions({ calls: '2000', seed: '1' });
  const [calls, seed] = [given.number('calls'), given.number('seed')];
  let isFine = true;
  printLine(`${calls} calls each, seed ${seed}: covered by the hold in %, held per token paid`);
  for (const { name, call, sizes } of shapes) {
    printLine(`\n${name.padEnd(28)}${spreads.map((spread) => spread.padStart(14)).join('')}`);
    for (const [price, factor] of prices(calls)) {
      const cells = spreads.map((spread) => {
        const random = seededRandom(seed).fork(`${name} ${price} ${spread}`);
        const done = stress({ call, calls, factor, spread, random, items: sizes });
        const { coveredPercent, heldPerPaid } = figuresOf(done);
        isFine &&= coveredPercent >= coveredPercentMin;
        return `${coveredPercent.toFixed(1)} ${heldPerPaid.toFixed(2)}`.padStart(14);
      });
      printLine(`  x ${price.padEnd(24)}${cells.join('')}`);
    }
  }
  return isFine;
}

if (!main()) {
  printLine('\nNOT SO: a hold covers less than 95 calls of 100');
  process.exitCode = 1;
}
