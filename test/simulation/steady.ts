/**
 * Three virtual days of steady work, as figures: `npm run sim:steady -- [--rate 5] [--rows 750]
 * [--hours 72] [--seed 1]`.
 *
 * What it shows is measured at the simulated Keepa, which keeps the true bucket and knows the true
 * listing, and not at the daemon's own books.
 */
import { identityOf } from '../../src/actors/feed.ts';
import { printFigures, reportOptions } from './report.ts';
import { Simulation, usedFeed } from './simulated-daemon.ts';

const hourMs = 3_600_000;

export interface SteadyFigures {
  readonly refusals: number;
  readonly lowestBalance: number;
  readonly expiredTokens: number;
  readonly refilledTokens: number;
  /** Live rows that the table did not hold when the first sweep had ended, and at the end. */
  readonly unknownAfterFirstSweep: number;
  readonly unknownAtEnd: number;
  readonly liveRows: number;
  readonly tableRows: number;
  readonly sweeps: number;
  readonly headPolls: number;
  readonly ageP50Ms: number;
  readonly ageP95Ms: number;
  readonly ageMaxMs: number;
  /** Live rows whose price in the table is the market's. */
  readonly pricedRightPercent: number;
  readonly spentByClass: Readonly<Record<string, number>>;
  readonly unexplainedTokens: number;
}

export interface SteadyOptions {
  readonly seed: number;
  readonly ratePerMinute: number;
  readonly rows: number;
  readonly hours: number;
}

/** Runs the daemon for so many virtual hours and measures it. */
export async function runSteady({ hours, ...options }: SteadyOptions): Promise<SteadyFigures> {
  const simulation = new Simulation(options);
  try {
    await simulation.start();
    const unknownAfterFirstSweep = await untilFirstSweep(simulation, hours);
    const endMs = simulation.clock.now() + hours * hourMs;
    await simulation.clock.advanceTo(endMs);
    const figures = await measure(simulation, unknownAfterFirstSweep);
    await simulation.stop();
    return figures;
  } finally {
    simulation.dispose();
  }
}

async function untilFirstSweep(simulation: Simulation, hoursMax: number): Promise<number> {
  for (let minute = 0; minute < hoursMax * 60; minute += 1) {
    const [feed] = await simulation.store.reader.feeds();
    if (feed?.lastSweepAtMs !== undefined) return (await unknownRows(simulation)).length;
    await simulation.clock.advanceBy(60_000);
  }
  throw new Error(`no sweep has ended within ${hoursMax} hours`);
}

async function unknownRows(simulation: Simulation): Promise<readonly string[]> {
  const known = new Set((await tableOf(simulation)).keys());
  return simulation.keepa
    .liveRows(simulation.clock.now())
    .map(({ asin }) => asin)
    .filter((asin) => !known.has(asin));
}

async function tableOf({ store }: Simulation): Promise<ReadonlyMap<string, number | undefined>> {
  const deals = await store.reader.deals({ states: 'all' });
  return new Map(deals.map(({ asin, priceNowCents }) => [asin, priceNowCents]));
}

async function measure(
  simulation: Simulation,
  unknownAfterFirstSweep: number,
): Promise<SteadyFigures> {
  const { store, keepa, clock, daemon } = simulation;
  const { refused, lowestBalance, expiredTokens, refilledTokens } = keepa.requests;
  const live = keepa.liveRows(clock.now());
  const table = await tableOf(simulation);
  const freshness = await ageOfLive(simulation);
  const spent = await store.reader.spentSince(0);
  const recent = await store.reader.recentRequests(100_000);
  const right = live.filter(({ asin, priceCents }) => table.get(asin) === priceCents);
  const lastSweep = await store.reader.lastSweep(identityOf(usedFeed()));
  return {
    refusals: refused,
    lowestBalance,
    expiredTokens,
    refilledTokens,
    unknownAfterFirstSweep,
    unknownAtEnd: (await unknownRows(simulation)).length,
    liveRows: live.length,
    tableRows: table.size,
    sweeps: lastSweep?.number ?? 0,
    headPolls: recent.filter(({ purpose }) => purpose === 'head-poll').length,
    ...freshness,
    pricedRightPercent: (100 * right.length) / live.length,
    spentByClass: spent.byClass,
    unexplainedTokens: daemon.sources().broker()?.unexplainedTokens ?? 0,
  };
}

/** Age of last seen over the rows that are truly listed now. */
async function ageOfLive({
  store,
  keepa,
  clock,
}: Simulation): Promise<Pick<SteadyFigures, 'ageP50Ms' | 'ageP95Ms' | 'ageMaxMs'>> {
  const deals = await store.reader.deals({ states: 'all' });
  const seen = new Map(deals.map(({ asin, lastSeenAtMs }) => [asin, lastSeenAtMs]));
  const ages = keepa
    .liveRows(clock.now())
    .flatMap(({ asin }) => seen.get(asin) ?? [])
    .map((seenAtMs) => clock.now() - seenAtMs)
    .toSorted((a, b) => a - b);
  const at = (part: number): number => ages[Math.ceil(part * (ages.length - 1))] ?? 0;
  return { ageP50Ms: at(0.5), ageP95Ms: at(0.95), ageMaxMs: at(1) };
}

function print(options: SteadyOptions, figures: SteadyFigures, tookMs: number): void {
  const minutes = (ms: number): string => `${(ms / 60_000).toFixed(1)} min`;
  const { hours, rows, ratePerMinute, seed } = options;
  const spent = Object.entries(figures.spentByClass).map(([name, tokens]) => `${name} ${tokens}`);
  const found = [
    ['429s', figures.refusals],
    ['lowest balance', figures.lowestBalance],
    ['tokens refilled', figures.refilledTokens],
    ['tokens expired', figures.expiredTokens],
    ['tokens spent', `${spent.join(', ')}`],
    ['unexplained tokens', figures.unexplainedTokens],
    ['sweeps begun', figures.sweeps],
    ['head polls', figures.headPolls],
    [
      'live rows not in table',
      `${figures.unknownAfterFirstSweep} after the first sweep, ` +
        `${figures.unknownAtEnd} at the end, of ${figures.liveRows}`,
    ],
    ['rows in table', figures.tableRows],
    [
      'age of last seen',
      `p50 ${minutes(figures.ageP50Ms)}, ` +
        `p95 ${minutes(figures.ageP95Ms)}, max ${minutes(figures.ageMaxMs)}`,
    ],
    ["price is the market's", `${figures.pricedRightPercent.toFixed(1)} % of live rows`],
  ] as const;
  printFigures(
    `${hours} virtual hours, ${rows} rows, ${ratePerMinute} tokens a minute, seed ${seed}`,
    found,
    tookMs,
  );
}

async function main(): Promise<void> {
  const given = reportOptions({ rate: '5', rows: '750', hours: '72', seed: '1' });
  const options: SteadyOptions = {
    ratePerMinute: given.number('rate'),
    rows: given.number('rows'),
    hours: given.number('hours'),
    seed: given.number('seed'),
  };
  const startedMs = performance.now();
  const figures = await runSteady(options);
  print(options, figures, performance.now() - startedMs);
}

if (import.meta.main) await main();
