/**
 * Short scenarios for the canaries: a small world and the one trouble that brings a bug out.
 *
 * Random worlds find every canary sooner or later; these find it within minutes of virtual time, so
 * that all of them fit into the tests. Only the seed of the market and of the daemon's own chances
 * differs between two runs of a scenario.
 *
 * Invariant: without a canary every scenario is clean; a catch would prove nothing otherwise.
 */
import { defaultShares } from '../../src/config.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import type { ScenarioName } from './canary.ts';
import { runSaturated } from './canary-saturation.ts';
import type { Failure } from './checkers/checker.ts';
import type { Trouble } from './fault-plan.ts';
import { comparePlans } from './fault-plans-compared.ts';
import { runSeed } from './fault-run.ts';
import type { World } from './fault-world.ts';

const secondMs = 1_000;
const minuteMs = 60 * secondMs;

interface Scenario {
  readonly hours: number;
  readonly world?: Partial<Omit<World, 'seed' | 'config'>>;
  readonly config?: Partial<World['config']>;
  /** So far below its average a row has to be to pass the screen; absent: all rows pass. */
  readonly percentBelow?: number;
  /** Lists only what fell within a day, so that rows leave the list as well. */
  readonly isOfDay?: boolean;
  readonly plan?: readonly Trouble[];
  /** Followed by the phase in which everything heals. */
  readonly isHealed?: boolean;
  /** Run once on each of two plans; the larger one must not do worse. */
  readonly rates?: readonly [number, number];
}

/** The scenario's run under this seed: what was reported. */
export async function runScenario(
  name: ScenarioName,
  seed: number,
  onLine: (text: string) => void,
): Promise<readonly Failure[]> {
  if (name === 'saturated') return await runSaturated(seed);
  const { hours, plan = [], rates, isHealed = false, ...rest } = scenarios[name];
  const world = worldOf(rest, seed);
  if (rates !== undefined) return await comparePlans(runSeed, { world, hours, rates });
  const { failures } = await runSeed({
    ...{ seed, hours, world, plan, onLine },
    withoutHealing: !isHealed,
  });
  return failures;
}

function worldOf({ world, config, percentBelow, isOfDay }: Partial<Scenario>, seed: number): World {
  const dateRange = isOfDay ? 0 : 3;
  const query = parseDealQuery({ sortType: 4, dateRange }, { domainId: 1, priceType: 2 });
  const screen = percentBelow === undefined ? {} : { minPercentBelowAverage: percentBelow };
  return {
    seed,
    ratePerMinute: 20,
    rows: 60,
    initialTokens: 0,
    repriceMeanHours: 12,
    feeds: [{ name: 'feed-1', query, screen }],
    config: {
      shares: defaultShares,
      sweepIntervalMs: 15 * minuteMs,
      retention: { ttlHours: 3, purgeDays: 30 },
      standby: true,
      ...config,
    },
    coordination: 'apart',
    isDeathProvable: true,
    ...world,
  };
}

/** Between these minutes. */
function span(fromMinute: number, untilMinute: number): { atMs: number; untilMs: number } {
  return { atMs: fromMinute * minuteMs, untilMs: untilMinute * minuteMs };
}

/** One every so many minutes; the odd seconds let them meet whatever is under way. */
function every<T>(minutes: number, count: number, at: (atMs: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) =>
    at((index + 1) * minutes * minuteMs + ((index * 17) % 60) * secondMs),
  );
}

const crash = (atMs: number, downMs: number): Trouble => ({
  kind: 'crash',
  atMs,
  untilMs: atMs + minuteMs,
  calls: 1,
  side: 'after',
  turns: 1,
  downMs,
});

const scenarios: Readonly<Record<Exclude<ScenarioName, 'saturated'>, Scenario>> = {
  /** Nothing goes wrong. */
  peace: { hours: 0.6 },
  /** Nothing goes wrong, and there is more work than tokens. */
  scarce: { hours: 1.1, world: { ratePerMinute: 2, rows: 120 } },
  /** The listings are read all the time. */
  shares: {
    hours: 1,
    world: { ratePerMinute: 5, rows: 250 },
    config: {
      sweepIntervalMs: minuteMs,
      shares: { interactive: 5, head: 15, refresh: 10, backfill: 60, upsert: 10 },
    },
  },
  /** For as long as it takes to measure a share. */
  saving: {
    hours: 1.5,
    world: { ratePerMinute: 5, rows: 250 },
    config: {
      sweepIntervalMs: minuteMs,
      shares: { interactive: 5, head: 10, refresh: 5, backfill: 70, upsert: 10 },
    },
  },
  /** The class with the most work has the smallest share. */
  narrow: {
    hours: 1,
    world: { ratePerMinute: 5, rows: 250 },
    config: { shares: { interactive: 40, head: 10, refresh: 30, backfill: 10, upsert: 10 } },
  },
  /** On a plan on which one batch takes an hour. */
  poor: { hours: 3.1, world: { ratePerMinute: 1, rows: 500 } },
  /** Begun with a full bucket, and there is always something to read. */
  full: {
    hours: 0.8,
    world: { rows: 120, initialTokens: 1200 },
    config: { sweepIntervalMs: minuteMs },
  },
  /** Somebody else holds the database. */
  busy: {
    hours: 1.1,
    world: { ratePerMinute: 2 },
    plan: [{ kind: 'busy', ...span(1, 40) }],
  },
  crashes: { hours: 0.5, plan: every(4, 6, (atMs) => crash(atMs, 2 * secondMs)) },
  /** A new process cannot tell that the old one is dead. */
  'silent-deaths': {
    hours: 0.5,
    world: { isDeathProvable: false, coordination: 'file' },
    plan: every(8, 3, (atMs) => crash(atMs, 2 * secondMs)),
  },
  'lock-file': {
    hours: 0.5,
    world: { coordination: 'file' },
    plan: every(8, 3, (atMs) => crash(atMs, 2 * secondMs)),
  },
  /** The process stands still while another one takes over. */
  pauses: {
    hours: 0.5,
    world: { ratePerMinute: 60, rows: 120 },
    plan: every(9, 2, (atMs) => ({ kind: 'pause', atMs, untilMs: atMs + 2 * minuteMs })),
  },
  /** As before, and the first thing that is due afterwards is to spend what came meanwhile. */
  'taken-over': {
    hours: 0.4,
    world: { ratePerMinute: 5, rows: 250 },
    plan: [{ kind: 'pause', atMs: 18 * 60_200 - secondMs, untilMs: 20 * 60_200 }],
  },
  restarts: {
    hours: 0.55,
    world: { ratePerMinute: 120, rows: 250, initialTokens: 7200 },
    plan: every(2, 14, (atMs) => ({
      kind: 'restart',
      atMs,
      untilMs: atMs + minuteMs,
      downMs: secondMs,
    })),
  },
  /** Keepa answers nothing for hours, and rows come and go meanwhile. */
  outage: {
    hours: 5.3,
    world: { rows: 250, repriceMeanHours: 6, initialTokens: 1200 },
    isOfDay: true,
    plan: [{ kind: 'keepa', ...span(60, 300), chance: 1, fault: { kind: 'error-html' } }],
  },
  /** Many of a few rows are gone when Keepa answers again. */
  vanished: {
    hours: 9.2,
    world: { rows: 60, repriceMeanHours: 0.4, initialTokens: 1200 },
    isOfDay: true,
    percentBelow: 90,
    plan: [{ kind: 'keepa', ...span(32, 510), chance: 1, fault: { kind: 'error-html' } }],
  },
  /** Some rows of the list do not pass the screen. */
  picky: { hours: 1.2, percentBelow: 55, world: { rows: 80, initialTokens: 300 } },
  /** So few that each could be bought many times over. */
  'few-rows': { hours: 1.5, world: { rows: 6, ratePerMinute: 60, initialTokens: 3600 } },
  /** Keepa answers nothing for a while, and then all is well again. */
  healed: {
    hours: 0.5,
    world: { rows: 200, initialTokens: 300 },
    isHealed: true,
    plan: [{ kind: 'keepa', ...span(10, 28), chance: 1, fault: { kind: 'error-html' } }],
  },
  /** Listings are refused, at a balance that would pay for them. */
  refusals: {
    hours: 1.2,
    plan: [
      {
        kind: 'keepa',
        ...span(20, 60),
        chance: 1,
        endpoints: ['deal'],
        fault: { kind: 'refused' },
      },
    ],
  },
  /** Every product is missing from its answer. */
  partial: {
    hours: 0.6,
    plan: [{ kind: 'keepa', ...span(0, 36), chance: 1, fault: { kind: 'partial', every: 1 } }],
  },
  /** Answers are whole for a while; then every history is missing. */
  stripped: {
    hours: 2.2,
    world: { initialTokens: 1200, repriceMeanHours: 2 },
    plan: [{ kind: 'keepa', ...span(20, 132), chance: 1, fault: { kind: 'no-history' } }],
  },
  /** No history ever, so nothing is kept of a product but what came of its requests. */
  bare: {
    hours: 0.55,
    config: { sweepIntervalMs: 6 * minuteMs },
    plan: [{ kind: 'keepa', ...span(0, 33), chance: 1, fault: { kind: 'no-history' } }],
  },
  resets: {
    hours: 0.6,
    plan: [{ kind: 'keepa', ...span(5, 30), chance: 0.3, fault: { kind: 'reset-after' } }],
  },
  /** Somebody with the same key takes half of the income. */
  stranger: {
    hours: 1.5,
    plan: [{ kind: 'stranger', ...span(1, 89), everyMs: 5 * minuteMs, tokens: 50 }],
  },
  /** Somebody with the same key takes all of it. */
  drained: {
    hours: 0.8,
    plan: [{ kind: 'stranger', ...span(5, 20), everyMs: minuteMs, tokens: 45 }],
  },
  /** People pause it, over a restart as well, and ask for a product. */
  asked: {
    hours: 2.1,
    plan: [
      { kind: 'person', ...span(10, 10), does: 'refresh', part: 0.5, isVerifying: false },
      { kind: 'person', ...span(20, 50), does: 'pause', ends: 'by-resume' },
      { kind: 'person', ...span(70, 100), does: 'pause', ends: 'by-itself' },
      { kind: 'restart', ...span(80, 81), downMs: secondMs },
    ],
  },
  /** People pause it twice, for less than a row may stay unseen, and rows go meanwhile. */
  'paused-twice': {
    hours: 5.6,
    world: { rows: 250, repriceMeanHours: 6, initialTokens: 1200 },
    isOfDay: true,
    plan: [
      { kind: 'person', ...span(60, 160), does: 'pause', ends: 'by-resume' },
      { kind: 'person', ...span(175, 275), does: 'pause', ends: 'by-resume' },
    ],
  },
  /** Long enough for an hour of which status tells, after the one in which it becomes quiet. */
  quiet: { hours: 2.6, world: { ratePerMinute: 5 } },
  'dearer-plan': { hours: 0.6, plan: [{ kind: 'rate', ...span(8, 30), ratePerMinute: 40 }] },
  /** The same market on two plans. */
  'two-plans': { hours: 1, world: { rows: 120 }, rates: [2, 60] },
};
