/**
 * The fault plan of one seed: what goes wrong, when, and for how long, and what people do
 * meanwhile.
 *
 * Troubles come as episodes on a timetable, so that they overlap, follow each other closely or
 * leave hours of peace between them, and so that a plan can be printed and read. After the last
 * hour of the plan everything heals.
 *
 * Invariants:
 * - everything here follows from the seed and the hours;
 * - no episode goes on beyond the end of the plan.
 */
import { type Random, seededRandom } from '../../src/runtime/random.ts';
import type { FaultEpisode } from '../../src/simulator/fault-timetable.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { type Deed, drawDeeds } from './fault-deeds.ts';
import { pick, type World } from './fault-world.ts';

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** When a killed process dies: at so many calls through a port from then on. */
export interface CrashPoint {
  readonly calls: number;
  /** Before the call took effect, after it did, or so many turns into it. */
  readonly side: 'before' | 'after' | 'during';
  readonly turns: number;
}

/** Times are ms since the start of the simulation. */
export type Trouble = { readonly atMs: number; readonly untilMs: number } & (
  | ({ readonly kind: 'keepa' } & Omit<FaultEpisode, 'fromMs' | 'untilMs'>)
  | { readonly kind: 'stranger'; readonly everyMs: number; readonly tokens: number }
  | { readonly kind: 'rate'; readonly ratePerMinute: number }
  | { readonly kind: 'wall-step'; readonly deltaMs: number }
  | ({ readonly kind: 'crash'; readonly downMs: number } & CrashPoint)
  | { readonly kind: 'restart'; readonly downMs: number }
  | { readonly kind: 'pause' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'disk-full' }
  | { readonly kind: 'endless-list' }
  | { readonly kind: 'coordination-down' }
  | { readonly kind: 'coordination-emptied' }
  | { readonly kind: 'lease-cleared' }
  | ({ readonly kind: 'person' } & Deed)
);

const outsideMachine: readonly Trouble['kind'][] = [
  'keepa',
  'stranger',
  'rate',
  'endless-list',
  'person',
];

/** Whether the process or what it runs on is broken; all else is Keepa's, or people's. */
export function isOfMachine({ kind }: Trouble): boolean {
  return !outsideMachine.includes(kind);
}

/** The plan for so many hours, in order of time. */
export function drawPlan(world: World, hours: number): readonly Trouble[] {
  const random = seededRandom(world.seed).fork('plan');
  const count = Math.max(3, Math.round((hours / 24) * random.integer(3, 14)));
  const endMs = hours * hourMs;
  const troubles = Array.from({ length: count }, () => {
    const atMs = random.integer(0, endMs - 10 * minuteMs);
    return drawTrouble(random, world, { atMs, endMs });
  });
  const deeds = drawDeeds(world, endMs).map((deed): Trouble => ({ kind: 'person', ...deed }));
  return [...troubles, ...deeds, ...drawRarity(world, endMs)].toSorted((a, b) => a.atMs - b.atMs);
}

/**
 * In one plan of three, and drawn apart from the others: a plan that refills nothing at all, or
 * lists so long that Keepa does not show their end, which leaves feeds partial.
 */
function drawRarity({ seed }: World, endMs: number): readonly Trouble[] {
  const random = seededRandom(seed).fork('rarity');
  if (random.next() >= 1 / 3) return [];
  const atMs = random.integer(0, endMs - 10 * minuteMs);
  if (random.next() < 0.5) {
    return [{ kind: 'rate', ...until(random, { atMs, endMs }, 3 * hourMs), ratePerMinute: 0 }];
  }
  return [{ kind: 'endless-list', ...until(random, { atMs, endMs }, 6 * hourMs) }];
}

type Draw = (random: Random, world: World, time: { atMs: number; endMs: number }) => Trouble;

function until(random: Random, { atMs, endMs }: { atMs: number; endMs: number }, maxMs: number) {
  return { atMs, untilMs: Math.min(endMs, atMs + random.integer(minuteMs, maxMs)) };
}

const keepaTrouble: Draw = (random, world, time) => {
  const fault = drawFault(random, world);
  // What Keepa tells wrongly it tells for a short while only: nobody could see through a day of it.
  const isLie = fault.kind === 'short-page';
  return {
    kind: 'keepa',
    ...until(random, time, (isLie ? 1 : pick(random, [1, 2, 4, 9])) * hourMs),
    chance: pick(random, [0.1, 0.3, 0.6, 1]),
    ...(random.next() < 0.3 ? { endpoints: [pick(random, ['deal', 'product'] as const)] } : {}),
    fault,
  };
};

/** As Keepa answers a key whose plan is not paid for; the words are not recorded. */
const unpaid: Fault = {
  kind: 'answer',
  response: {
    status: 402,
    contentType: 'application/json',
    body: '{"error":{"message":"PAYMENT_REQUIRED"}}',
  },
};

function drawFault(random: Random, { ratePerMinute }: World): Fault {
  const others = [1, 5, 20, 60].filter((rate) => rate !== ratePerMinute);
  return pick<Fault>(random, [
    { kind: 'refused' },
    { kind: 'error-json' },
    { kind: 'error-html' },
    { kind: 'silence' },
    { kind: 'hang' },
    { kind: 'reset-before' },
    { kind: 'reset-after' },
    { kind: 'partial', every: random.integer(1, 3) },
    { kind: 'no-history' },
    { kind: 'short-page', rows: pick(random, [0, random.integer(0, 40)]) },
    { kind: 'unordered' },
    { kind: 'rate-blip', ratePerMinute: others[random.integer(0, others.length - 1)] ?? 1 },
    { kind: 'zero-rate' },
    unpaid,
  ]);
}

const crash: Draw = (random, _world, time) => ({
  kind: 'crash',
  ...until(random, time, hourMs),
  calls: random.integer(1, 60),
  side: pick(random, ['before', 'during', 'after'] as const),
  turns: random.integer(1, 120),
  downMs: pick(random, [secondMs, 5 * secondMs, 20 * secondMs, 10 * minuteMs, 2 * hourMs]),
});

/** Hours in which nothing at all is answered. */
const outage: Draw = (random, _world, { atMs, endMs }) => ({
  kind: 'keepa',
  atMs,
  untilMs: Math.min(endMs, atMs + random.integer(2, 9) * hourMs),
  chance: 1,
  fault: pick<Fault>(random, [{ kind: 'error-html' }, { kind: 'hang' }, { kind: 'reset-before' }]),
});

const stranger: Draw = (random, { ratePerMinute }, time) => {
  const everyMs = random.integer(1, 20) * minuteMs;
  const part = pick(random, [0.1, 0.3, 0.5, 1.2]);
  const tokens = Math.max(1, Math.round((part * ratePerMinute * everyMs) / minuteMs));
  return { kind: 'stranger', ...until(random, time, 5 * hourMs), everyMs, tokens };
};

const changedRate: Draw = (random, { ratePerMinute }, time) => ({
  kind: 'rate',
  ...until(random, time, 8 * hourMs),
  ratePerMinute: Math.max(1, Math.round(ratePerMinute * pick(random, [0.2, 0.5, 2, 4]))),
});

/** A wall clock that is wrong for a while; then it is put right, which is a step as well. */
const wallStep: Draw = (random, _world, time) => ({
  kind: 'wall-step',
  ...until(random, time, 3 * hourMs),
  deltaMs: pick(random, [-1, 1]) * pick(random, [2_000, 40_000, 4 * minuteMs, 2 * hourMs]),
});

/** A process that is stopped for longer than its lease, while another one takes over. */
const paused: Draw = (random, _world, { atMs, endMs }) => ({
  kind: 'pause',
  atMs,
  untilMs: Math.min(endMs, atMs + random.integer(5 * secondMs, 4 * minuteMs)),
});

/** What can break on the machine itself. */
const broken: Draw = (random, _world, time) => {
  const kind = pick(random, [
    'busy',
    'disk-full',
    'coordination-down',
    'coordination-emptied',
    'lease-cleared',
    'restart',
  ] as const);
  const span = until(random, time, pick(random, [1, 5, 40]) * minuteMs);
  if (kind === 'restart') return { kind, ...span, downMs: random.integer(1, 900) * secondMs };
  return { kind, ...span };
};

/** Repeated by how often they are drawn. */
const draws: readonly [Draw, ...Draw[]] = [
  keepaTrouble,
  keepaTrouble,
  keepaTrouble,
  keepaTrouble,
  outage,
  crash,
  crash,
  crash,
  stranger,
  changedRate,
  wallStep,
  broken,
  broken,
  paused,
];

function drawTrouble(random: Random, world: World, time: { atMs: number; endMs: number }): Trouble {
  return pick(random, draws)(random, world, time);
}

/** One line for people. */
export function describeTrouble(trouble: Trouble): string {
  const { kind, atMs, untilMs, ...rest } = trouble;
  const span = `${(atMs / hourMs).toFixed(2)} h to ${(untilMs / hourMs).toFixed(2)} h`;
  return `${span}: ${kind} ${JSON.stringify(rest)}`;
}
