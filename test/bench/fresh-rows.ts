/**
 * How fresh the whole daemon keeps a table when there is nothing left to judge.
 *
 * The backlog is worked off on a rich plan first, which is not measured; then the plan is changed
 * under way to the one in question. The market is quiet: no listed row changes its price, and one
 * in twenty is new each day, because what changes asks for tokens of its own, and what is asked
 * here is what sweeping can reach. (With no change at all there is no bargain left to be listed.)
 * Ages are of rows that are truly listed, looked at every five minutes.
 */
import { Simulation, type SimulationOptions } from '../simulation/simulated-daemon.ts';

const minuteMs = 60_000;
/** Enough for 3,000 histories and every survivor's offers, which take 20 s per ten. */
const warmUpRate = 1_000;
const warmUpMinutes = 90;
/** Until what the rich plan had left is gone and the sweeps have found their pace. */
const settleMinutes = 60;
const restingHours = 1_000_000;
const quietChurnPerDay = 0.05;
/** Reached by one row in ten of this market: as many are verified as in the tables of policies. */
const minProfitCents = 9_700;
const listing = { domainId: 1, priceTypes: [2], dateRange: 3, sortType: 4 };

export interface FreshFigures {
  readonly rate: number;
  readonly rows: number;
  readonly ageP50Ms: number;
  readonly ageP95Ms: number;
  readonly ageMaxMs: number;
  /** Rows that still waited for a verdict when the measured time began. */
  readonly candidates: number;
  readonly refusals: number;
  readonly lowestBalance: number;
  readonly endedRows: number;
  /** Tokens of the measured hours by what they bought. */
  readonly spent: Readonly<Record<string, number>>;
  readonly virtualHours: number;
  /** Of this thread, for the measured hours alone: the simulated Keepa's is in it as well. */
  readonly cpuMs: number;
  readonly tookMs: number;
}

export interface FreshOptions {
  readonly seed: number;
  readonly rate: number;
  readonly rows: number;
  readonly hours: number;
  readonly churnPerDay?: number;
}

export async function runFreshRows(options: FreshOptions): Promise<FreshFigures> {
  const { seed, rate, rows, hours, churnPerDay = quietChurnPerDay } = options;
  const market: SimulationOptions & { readonly churnPerDay: number } = {
    seed,
    rows,
    churnPerDay,
    ratePerMinute: warmUpRate,
    repriceMeanHours: restingHours,
    config: { acceptance: { minProfitCents } },
  };
  const simulation = new Simulation(market);
  const { clock, keepa } = simulation;
  try {
    await simulation.start();
    await clock.advanceBy(warmUpMinutes * minuteMs);
    keepa.setRate(rate, clock.now());
    await clock.advanceBy(settleMinutes * minuteMs);
    const { candidate } = await simulation.store.reader.countByState();
    const [cpuBefore, startedMs] = [cpuMs(), performance.now()];
    const fromMs = clock.now();
    const ages: number[] = [];
    for (let minute = 0; minute < hours * 60; minute += 1) {
      await clock.advanceBy(minuteMs);
      if (minute % 5 === 0) ages.push(...(await agesOf(simulation)));
    }
    const [cpuSpentMs, tookMs] = [cpuMs() - cpuBefore, performance.now() - startedMs];
    const sorted = Float64Array.from(ages).sort();
    const at = (part: number): number => sorted[Math.ceil(part * (sorted.length - 1))] ?? 0;
    const { ended } = await simulation.store.reader.countByState();
    const { refused, lowestBalance } = keepa.requests;
    const spent = await spentSince(simulation, fromMs);
    await simulation.stop();
    return {
      rate,
      rows,
      ageP50Ms: at(0.5),
      ageP95Ms: at(0.95),
      ageMaxMs: at(1),
      candidates: candidate,
      refusals: refused,
      lowestBalance,
      endedRows: ended,
      spent,
      virtualHours: hours,
      cpuMs: cpuSpentMs,
      tookMs,
    };
  } finally {
    simulation.dispose();
  }
}

async function agesOf({ store, keepa, clock }: Simulation): Promise<number[]> {
  const nowMs = clock.now();
  const deals = await store.reader.deals({ states: 'all' });
  const seen = new Map(deals.map(({ asin, lastSeenAtMs }) => [asin, lastSeenAtMs]));
  // A row that is not known is as old as its price: since then it could have been seen.
  return keepa
    .liveRows(nowMs, listing)
    .map(({ asin, priceSinceMs }) => nowMs - (seen.get(asin) ?? priceSinceMs));
}

async function spentSince({ store }: Simulation, fromMs: number): Promise<Record<string, number>> {
  const spent: Record<string, number> = {};
  for (const { atMs, purpose, costTokens } of await store.reader.recentRequests(100_000)) {
    if (atMs >= fromMs) spent[purpose] = (spent[purpose] ?? 0) + costTokens;
  }
  return spent;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
