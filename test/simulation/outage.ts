/**
 * A long outage of Keepa in virtual time, as figures: `npm run sim:outage -- [--rate 5]
 * [--rows 750] [--outage 30] [--fault error-html] [--seed 1]`.
 *
 * Whether a row is gone is asked of the simulated market, which knows, and not of the daemon.
 */
import type { Feed } from '../../src/actors/feed.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import type { Said } from '../runtime/recorded-log.ts';
import { printFigures, reportOptions } from './report.ts';
import { Simulation } from './simulated-daemon.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Everything used on the simulated list that is truly cheap: what leaves the list no longer is. */
export function bargains(name = 'used', selection: object = {}): Feed {
  const query = parseDealQuery(
    { sortType: 4, dateRange: 3, ...selection },
    { domainId: 1, priceType: 2 },
  );
  return { name, query, screen: { minPercentBelowAverage: 30 } };
}

export interface OutageOptions {
  readonly seed: number;
  readonly ratePerMinute: number;
  readonly rows: number;
  readonly warmUpHours: number;
  readonly outageHours: number;
  readonly afterHours: number;
  readonly fault: 'error-html' | 'silence';
  readonly sweepIntervalMs?: number;
}

export interface OutageFigures {
  readonly endedBefore: number;
  readonly endedDuring: number;
  readonly heldDuring: number;
  readonly healthyMsDuring: number;
  readonly gapsDuring: number;
  readonly suspendedDuring: string | null;
  /** From the end of the outage. */
  readonly firstSweepMs: number;
  readonly gapClosedMs: number | undefined;
  readonly firstEndingMs: number | undefined;
  /** Rows on the list at the first ending that had not been seen since the outage. */
  readonly unseenAtFirstEnding: number;
  readonly endedAfter: number;
  /** Sweeps that count as complete and took longer than twice their plan. */
  readonly lateSweeps: number;
  /** Of all endings, those of rows that were on the list at that moment. */
  readonly endedWrongly: number;
}

export function endingsIn({ log }: Simulation): readonly Said[] {
  return log.said.filter(({ event }) => event === 'ended');
}

/** Ended rows by now, those beyond the bound of lines included. */
export function endedRows({ log }: Simulation): number {
  const more = log.said.filter(({ event }) => event === 'ended-more');
  const lines = log.said.filter(({ event }) => event === 'ended').length;
  return more.reduce((sum, { fields }) => sum + Number(fields.rows), lines);
}

/** Warms up, breaks Keepa, heals it, and measures what ended when. */
export async function runOutage(options: OutageOptions): Promise<OutageFigures> {
  const { warmUpHours, outageHours, fault, sweepIntervalMs, ...plan } = options;
  const config = sweepIntervalMs === undefined ? {} : { sweepIntervalMs };
  const simulation = new Simulation({ ...plan, feeds: [bargains()], config });
  try {
    await simulation.start();
    const wrong = new WrongEndings(simulation);
    await wrong.advance(warmUpHours * hourMs);
    const endedBefore = endedRows(simulation);
    const healthyBefore = (await simulation.store.reader.healthyTime()).totalMs;
    simulation.keepa.setFaults(() => ({ kind: fault }));
    await wrong.advance(outageHours * hourMs);
    const report = await simulation.status();
    const during = {
      endedBefore,
      endedDuring: endedRows(simulation) - endedBefore,
      heldDuring: report.deals.held,
      healthyMsDuring: (await simulation.store.reader.healthyTime()).totalMs - healthyBefore,
      gapsDuring: report.gaps.length,
      suspendedDuring: report.feeds[0]?.suspended ?? null,
    };
    simulation.keepa.setFaults(undefined);
    const after = await recover(simulation, wrong, options.afterHours);
    await simulation.stop();
    return { ...during, ...after, endedWrongly: wrong.count };
  } finally {
    simulation.dispose();
  }
}

async function recover(simulation: Simulation, wrong: WrongEndings, hours: number) {
  const { clock, store, keepa } = simulation;
  const healedAtMs = clock.now();
  const before = endedRows(simulation);
  let firstSweepMs = Number.POSITIVE_INFINITY;
  let firstEndingMs: number | undefined;
  let unseenAtFirstEnding = 0;
  for (let minute = 0; minute < hours * 60; minute += 1) {
    await wrong.advance(minuteMs);
    const [feed] = await store.reader.feeds();
    const isSwept = (feed?.lastSweepAtMs ?? 0) > healedAtMs;
    if (isSwept) firstSweepMs = Math.min(firstSweepMs, clock.now() - healedAtMs);
    if (firstEndingMs !== undefined || endedRows(simulation) === before) continue;
    firstEndingMs = clock.now() - healedAtMs;
    const deals = await store.reader.deals({ states: 'all', withHeld: true });
    const seen = new Map(deals.map(({ asin, lastSeenAtMs }) => [asin, lastSeenAtMs]));
    unseenAtFirstEnding = keepa
      .liveRows(clock.now())
      .filter(({ asin }) => (seen.get(asin) ?? healedAtMs) < healedAtMs).length;
  }
  const [gap] = await store.reader.gaps();
  const sweeps = await store.reader.completeSweeps({ feed: 'used', sinceMs: 0 });
  return {
    lateSweeps: sweeps.filter((it) => it.endedAtMs - it.startedAtMs > 2 * it.plannedMs).length,
    firstSweepMs,
    firstEndingMs,
    unseenAtFirstEnding,
    gapClosedMs: gap?.closedAtMs === undefined ? undefined : gap.closedAtMs - healedAtMs,
    endedAfter: endedRows(simulation) - before,
  };
}

/** Compares every logged ending with the market of the same minute. */
export class WrongEndings {
  count = 0;
  readonly #simulation: Simulation;
  #checked = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Moves the clock on, minute by minute where rows end. */
  async advance(ms: number): Promise<void> {
    const { clock, keepa } = this.#simulation;
    const endMs = clock.now() + ms;
    while (clock.now() < endMs) {
      await clock.advanceBy(Math.min(minuteMs, endMs - clock.now()));
      const endings = endingsIn(this.#simulation);
      if (endings.length === this.#checked) continue;
      const live = new Set(keepa.liveRows(clock.now()).map(({ asin }) => asin));
      for (const { fields } of endings.slice(this.#checked)) {
        if (live.has(String(fields.asin))) this.count += 1;
      }
      this.#checked = endings.length;
    }
  }
}

function print(options: OutageOptions, figures: OutageFigures, tookMs: number): void {
  const minutes = (ms: number | undefined): string =>
    ms === undefined ? 'never' : `${(ms / minuteMs).toFixed(0)} min`;
  const { outageHours, rows, ratePerMinute, seed, fault, warmUpHours } = options;
  const found = [
    ['ended before it', figures.endedBefore],
    ['ended during it', figures.endedDuring],
    ['held during it', figures.heldDuring],
    ['healthy time during it', `${minutes(figures.healthyMsDuring)}`],
    ['coverage gaps shown', figures.gapsDuring],
    ['status said', `${figures.suspendedDuring ?? '-'}`],
    ['first complete sweep', `${minutes(figures.firstSweepMs)} after it`],
    ['gap closed', `${minutes(figures.gapClosedMs)} after it`],
    ['first ending', `${minutes(figures.firstEndingMs)} after it`],
    ['listed and not re-seen', `${figures.unseenAtFirstEnding} rows at the first ending`],
    ['ended after it', figures.endedAfter],
    ['sweeps complete too late', figures.lateSweeps],
    ['ended while listed', `${figures.endedWrongly} of all`],
  ] as const;
  printFigures(
    `${outageHours} hours of ${fault} after ${warmUpHours} good ones, ${rows} rows, ` +
      `${ratePerMinute} tokens a minute, seed ${seed}`,
    found,
    tookMs,
  );
}

async function main(): Promise<void> {
  const given = reportOptions({
    rate: '5',
    rows: '750',
    outage: '30',
    fault: 'error-html',
    seed: '1',
  });
  const options: OutageOptions = {
    ratePerMinute: given.number('rate'),
    rows: given.number('rows'),
    seed: given.number('seed'),
    warmUpHours: 24,
    outageHours: given.number('outage'),
    afterHours: 24,
    fault: given.text('fault') === 'silence' ? 'silence' : 'error-html',
  };
  const startedMs = performance.now();
  const figures = await runOutage(options);
  print(options, figures, performance.now() - startedMs);
}

if (import.meta.main) await main();
