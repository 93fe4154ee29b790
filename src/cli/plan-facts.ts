/**
 * What a plan is computed from, and where each figure came from: the running daemon, the database
 * that it fills, else what Keepa documents and what was observed of its listings.
 *
 * A figure that rests on too few answers is no measurement, and the documented one is taken. What
 * was measured and what was assumed is told apart in the output, or nobody could judge the answer.
 */
import type { Config } from '../config.ts';
import { systemClock } from '../runtime/clock.ts';
import type { UnitPrices } from '../simulator/priced-keepa.ts';
import type { StatusReport } from '../status/report-fields.ts';
import { type DealReader, learnedAgeMsMax } from '../store/ports.ts';
import { StoreOpenError } from '../store/store-open-error.ts';
import { CliError, exitCodes } from './cli-error.ts';
import { socketPath } from './data-dir.ts';
import type { PlanQuestion } from './plan-run.ts';
import type { MarketFigures } from './plan-workload.ts';
import { withStore } from './reading.ts';
import { askDaemon, whyUntold } from './status-client.ts';

export interface PlanFacts {
  readonly ratePerMinute: number;
  readonly rateFrom: 'asked' | 'daemon' | 'assumed';
  /** Why the rate is not the daemon's; absent where it was asked for, or is. */
  readonly whyAssumed?: string;
  readonly rowsFrom: 'asked' | 'database' | 'assumed';
  /** Of each price whether it was measured here. */
  readonly measured: Readonly<Record<keyof UnitPrices, boolean>>;
  /** Which shares of the market were measured here; the others, and its pace, are assumed. */
  readonly marketMeasured: readonly (keyof MarketFigures)[];
  readonly question: PlanQuestion;
}

const rateAssumed = 5;
const rowsAssumed = 750;
/** Keepa shows no more of one query. */
const rowsPerFeedMax = 10_000;
/** Documented; of offers the average over 298 recorded calls. */
const pricesDocumented: UnitPrices = { page: 5, history: 1, offers: 7, seller: 1 };
const shapes = { page: 'deal', history: 'product', offers: 'product+offers20', seller: 'seller' };
/** Answers looked at, and fewer than this say nothing. */
const answersMax = 50;
const answersMin = 5;
/** Rows, and fewer than this say nothing of a share. */
const rowsMin = 100;
/** Observed: 15 % of the rows are new a day, a price lasts half of one; one in ten is accepted. */
const marketAssumed = {
  candidateShare: 1,
  acceptedShare: 0.1,
  newPerDayShare: 0.15,
  repriceHours: 12,
  sellersPerVerification: 0.5,
};

interface Stored {
  readonly prices: UnitPrices;
  readonly measured: PlanFacts['measured'];
  readonly rows: number | undefined;
  readonly candidates: number | undefined;
  readonly shares: Partial<Pick<MarketFigures, 'candidateShare' | 'acceptedShare'>>;
  readonly learned: unknown;
}

/** Reads only. @throws CliError usage; StoreOpenError when the database cannot be read. */
export async function readPlanFacts(
  flags: { readonly rate?: readonly number[]; readonly rows?: number; readonly ttl?: number },
  config: Config,
): Promise<PlanFacts> {
  const feeds = Math.max(1, config.feeds.length);
  const live = await askDaemon(socketPath(config.dataDir), systemClock());
  const report: StatusReport | undefined = live.kind === 'answered' ? live.report : undefined;
  const stored = await readStored(config.dataDir);
  const rows = flags.rows ?? stored?.rows ?? rowsAssumed;
  if (rows > feeds * rowsPerFeedMax) {
    throw new CliError(exitCodes.usage, {
      what: `--rows ${rows}`,
      why: `Keepa lists at most ${rowsPerFeedMax} rows of a feed; feeds: ${feeds}`,
      todo: 'ask for fewer, or split the feed',
    });
  }
  const market: MarketFigures = {
    ...marketAssumed,
    rows,
    feeds,
    ...stored?.shares,
  };
  const rate = report?.tokens.refillRate ?? undefined;
  const whyAssumed =
    live.kind === 'answered' ? 'the daemon does not know it' : whyUntold[live.kind];
  return {
    ratePerMinute: flags.rate?.[0] ?? rate ?? rateAssumed,
    rateFrom: flags.rate !== undefined ? 'asked' : rate !== undefined ? 'daemon' : 'assumed',
    ...((flags.rate ?? rate) ? {} : { whyAssumed }),
    rowsFrom: flags.rows !== undefined ? 'asked' : stored?.rows ? 'database' : 'assumed',
    measured: stored?.measured ?? { page: false, history: false, offers: false, seller: false },
    marketMeasured: Object.keys(stored?.shares ?? {}) as (keyof MarketFigures)[],
    question: {
      market,
      prices: stored?.prices ?? pricesDocumented,
      backlog:
        (flags.rows === undefined ? stored?.candidates : undefined) ??
        Math.round(rows * market.candidateShare),
      shares: config.shares,
      sweepIntervalMs: config.sweepIntervalMs,
      ttlMs: (flags.ttl ?? config.retention.ttlHours) * 3_600_000,
      learned: stored?.learned,
    },
  };
}

/** Undefined without a database; a new one holds nothing, which is as good. */
async function readStored(dataDir: string): Promise<Stored | undefined> {
  try {
    return await withStore(dataDir, ({ reader }) => readFrom(reader));
  } catch (error) {
    if (error instanceof StoreOpenError && error.reason === 'missing') return undefined;
    throw error;
  }
}

async function readFrom(reader: DealReader): Promise<Stored> {
  const costs = await reader.unitCosts(answersMax);
  const known = new Map(
    costs.filter(({ samples }) => samples >= answersMin).map((cost) => [cost.shape, cost]),
  );
  const price = (name: keyof UnitPrices): number =>
    known.get(shapes[name])?.meanTokens ?? pricesDocumented[name];
  const isMeasured = (name: keyof UnitPrices): boolean => known.has(shapes[name]);
  const deals = await reader.countByState();
  const live = deals.total - deals.ended;
  return {
    prices: {
      page: price('page'),
      history: price('history'),
      offers: price('offers'),
      seller: price('seller'),
    },
    measured: {
      page: isMeasured('page'),
      history: isMeasured('history'),
      offers: isMeasured('offers'),
      seller: isMeasured('seller'),
    },
    rows: live > 0 ? live : undefined,
    candidates: live > 0 ? deals.candidate : undefined,
    shares: sharesOf({ ...deals, live, ...(await reader.rowsByNeed()) }),
    learned: await reader.learnedCosts(systemClock().now() - learnedAgeMsMax),
  };
}

/** Of the rows that are there: what passes the screens, and what of that comes to its offers. */
function sharesOf(rows: {
  readonly live: number;
  readonly candidate: number;
  readonly screened: number;
  readonly worthOffers: number;
}): Stored['shares'] {
  const passing = rows.live - rows.screened;
  const judged = passing - rows.candidate;
  return {
    ...(rows.live >= rowsMin ? { candidateShare: passing / rows.live } : {}),
    ...(judged >= rowsMin ? { acceptedShare: rows.worthOffers / judged } : {}),
  };
}
