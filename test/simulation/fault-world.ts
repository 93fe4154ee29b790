/**
 * The world of one seed: which plan, market, feeds and settings the daemon finds itself in.
 *
 * Small markets on purpose: what goes wrong goes wrong with sixty rows as with six thousand, and
 * a seed that takes seconds is one that a thousand of can be run. Sweeps are rarer than on a real
 * plan for the same reason. Prices move: in some markets every row's several times a day.
 *
 * Invariant: everything here follows from the seed.
 */
import type { Feed } from '../../src/actors/feed.ts';
import { type Config, defaultShares, type Shares } from '../../src/config.ts';
import type { AcceptanceRules } from '../../src/config-judging.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import { type Random, seededRandom } from '../../src/runtime/random.ts';

const minuteMs = 60_000;

/** Tokens a minute. The rich are the rarer for what their days take to simulate. */
const plans = [1, 1, 2, 2, 3, 3, 5, 5, 5, 5, 5, 10, 10, 20, 20, 20, 25, 60, 120, 250] as const;

export interface World {
  readonly seed: number;
  readonly ratePerMinute: number;
  readonly rows: number;
  readonly initialTokens: number;
  readonly repriceMeanHours: number;
  readonly feeds: readonly Feed[];
  readonly config: Pick<Config, 'shares' | 'sweepIntervalMs' | 'retention' | 'standby'> &
    Partial<Pick<Config, 'acceptance'>>;
  /** Where leases and checkpoints live: with the process, or in a store of their own. */
  readonly coordination: 'file' | 'apart';
  /** Whether a new process can tell that a dead one is dead, or has to wait for its lease. */
  readonly isDeathProvable: boolean;
}

/** One of the items, the earlier ones as often as they are repeated. */
export function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[random.integer(0, items.length - 1)] ?? items[0];
}

export function drawWorld(seed: number): World {
  const random = seededRandom(seed).fork('world');
  const ratePerMinute = pick(random, plans);
  const rows = pick(random, [40, 40, 60, 60, 80, 120, 180, 250]);
  const capacity = 60 * ratePerMinute;
  const feeds = drawFeeds(random, drawDateRange(seed));
  return {
    seed,
    ratePerMinute,
    rows,
    initialTokens: pick(random, [0, random.integer(0, capacity), capacity]),
    repriceMeanHours: pick(random, [2, 4, 8, 24]),
    feeds,
    config: {
      shares: drawShares(random),
      sweepIntervalMs: pick(random, [15, 30, 30, 60]) * minuteMs,
      retention: { ttlHours: pick(random, [3, 6, 24, 72]), purgeDays: 30 },
      standby: random.next() < 0.5,
      acceptance: drawAcceptance(seed),
    },
    coordination: random.next() < 0.3 ? 'file' : 'apart',
    isDeathProvable: random.next() < 0.7,
  };
}

/** A list of what fell within a day, which rows leave all the time, or within three months. */
function drawDateRange(seed: number): number {
  return pick(seededRandom(seed).fork('date-range'), [0, 3, 3]);
}

/** Anything that earns a cent, or only what earns well or sells often. */
function drawAcceptance(seed: number): AcceptanceRules {
  const random = seededRandom(seed).fork('acceptance');
  return pick<AcceptanceRules>(random, [
    { minProfitCents: 1 },
    { minProfitCents: 800 },
    { minProfitCents: 1, minSales1y: 6 },
  ]);
}

/** Mostly one; others list another price, or the same rows under a stricter query. */
function drawFeeds(random: Random, dateRange: number): readonly Feed[] {
  const count = pick(random, [1, 1, 1, 2, 2, 3] as const);
  const priceTypes = [2, pick(random, [2, 2, 1, 0]), pick(random, [2, 1, 9])];
  return priceTypes.slice(0, count).map((priceType, index) => {
    const isStrict = random.next() < 0.4;
    const ranges = isStrict ? { isRangeEnabled: true, deltaPercentRange: [40, 100] } : {};
    const query = parseDealQuery({ sortType: 4, dateRange, ...ranges }, { domainId: 1, priceType });
    const screen = random.next() < 0.5 ? { minPercentBelowAverage: 30 } : {};
    return { name: `feed-${index + 1}`, query, screen };
  });
}

/** The default ones, or others that leave nobody without. */
function drawShares(random: Random): Shares {
  if (random.next() < 0.7) return defaultShares;
  const head = random.integer(8, 20);
  const refresh = random.integer(5, 15);
  const backfill = random.integer(20, 40);
  return { interactive: 5, head, refresh, backfill, upsert: 95 - head - refresh - backfill };
}
