/**
 * The prices of a product over its whole life: used, new, and Amazon's own.
 *
 * Ordinary life wanders around a level, with a season, and changes every few days. While the
 * product is listed its price is a share of its own 90-day average (that is what makes it a deal),
 * changed whenever the row's own pace says so; when the spell ends the price goes back up, and
 * that is why the row leaves the list.
 *
 * Invariant: NEW is never above AMAZON, because it includes it.
 */
import { seededRandom } from '../runtime/random.ts';
import { between, chanceOf, clamp, exponential, mix, normalOf } from './draw.ts';
import { GrowingTrack, type Point } from './growing-track.ts';
import { minutesPerDay } from './keepa-minute.ts';
import { type PricePlan, type ProductPlan, seasonAt } from './product-plan.ts';
import type { Spell } from './spells.ts';
import { meansOf, type Track } from './track.ts';

const quarterMinutes = 90 * minutesPerDay;
/** Below this the recorded listing shows nothing. */
const dealCentsMin = 2_000;
/**
 * The furthest that noise moves a price, either way; AMAZON keeps more than twice that above NEW.
 */
const noiseShareMax = 0.18;
const amazonPremium = 1.5;
const thinWavesMinutes = 20 * minutesPerDay;

/** The lowest used price, shipping included. */
export function usedPrices(plan: ProductPlan): GrowingTrack {
  return new GrowingTrack((soFar) =>
    lifeOf({
      plan,
      price: plan.used,
      soFar,
      stream: 0x05ed,
      repriceMeanMinutes: plan.repriceMeanMinutes,
      absences: plan.absences,
    }),
  );
}

/** The lowest new price, shipping and Amazon's own offer included; -1 throughout without offers. */
export function newPrices(plan: ProductPlan): GrowingTrack {
  const price = plan.fresh;
  if (price === undefined) return constant(plan.trackedFrom, -1);
  return new GrowingTrack((soFar) =>
    lifeOf({
      plan,
      price,
      soFar,
      stream: 0x0e3,
      repriceMeanMinutes: plan.repriceMeanMinutes * 2,
      absences: [],
    }),
  );
}

/** Amazon's own price. Where it makes the deal itself, it is the lowest new offer while listed. */
export function amazonPrices(plan: ProductPlan, fresh: GrowingTrack): GrowingTrack {
  if (plan.fresh === undefined || plan.amazon === 'never') return constant(plan.trackedFrom, -1);
  const level = plan.fresh.levelCents * (1 + plan.seasonShare) * amazonPremium;
  return new GrowingTrack(() => amazonLife(plan, level, fresh));
}

/** A series that never changes. */
function constant(minute: number, value: number): GrowingTrack {
  return new GrowingTrack(() => [{ minute, value }].values());
}

interface Life {
  readonly plan: ProductPlan;
  readonly price: PricePlan;
  readonly soFar: Track;
  readonly stream: number;
  readonly repriceMeanMinutes: number;
  readonly absences: readonly Spell[];
}

function* lifeOf(life: Life): Generator<Point> {
  const { plan, price } = life;
  yield { minute: plan.trackedFrom, value: ordinaryCents(life, plan.trackedFrom) };
  let minute = plan.trackedFrom;
  if (price.dealShare !== undefined) {
    for (const spell of plan.spells) {
      yield* ordinaryLife(life, minute, spell.from);
      yield* spellLife(life, price.dealShare, spell);
      yield { minute: spell.until, value: ordinaryCents(life, spell.until) };
      minute = spell.until;
    }
  }
  yield* ordinaryLife(life, minute, Number.POSITIVE_INFINITY);
}

/** Everyday changes after `from` and before `until`, with the edges of spikes and absences. */
function* ordinaryLife(life: Life, from: number, until: number): Generator<Point> {
  const random = seededRandom(mix(life.plan.seed, life.stream, from));
  const edges = edgesOf(life);
  let minute = from;
  for (;;) {
    const step = Math.max(45, Math.round(exponential(random, life.price.changeMeanMinutes)));
    const edge = edges.find((e) => e > minute) ?? Number.POSITIVE_INFINITY;
    const next = Math.min(minute + step, edge);
    if (next >= until) return;
    minute = next;
    const value = isAbsent(life, minute) ? -1 : ordinaryCents(life, minute);
    yield { minute, value };
  }
}

/** The listed price: a share of the average, moved a little at every re-pricing. */
function* spellLife(life: Life, share: number, spell: Spell): Generator<Point> {
  const random = seededRandom(mix(life.plan.seed, life.stream, spell.from, 1));
  let minute = spell.from;
  let last = -1;
  while (minute < spell.until) {
    const average = meansOf(life.soFar, minute, [quarterMinutes])[0] ?? -1;
    const wish = average * share * between(random, 0.8, 1.16);
    const value = Math.max(dealCentsMin, charm(wish, random.next()));
    last = value === last ? value + 17 : value;
    yield { minute, value: last };
    minute += Math.max(1, Math.round(exponential(random, life.repriceMeanMinutes)));
  }
}

function* amazonLife(plan: ProductPlan, level: number, fresh: GrowingTrack): Generator<Point> {
  const random = seededRandom(mix(plan.seed, 0xa3a));
  const first = plan.spells[0]?.from ?? plan.trackedFrom;
  const goneAt = plan.trackedFrom + (first - plan.trackedFrom) * between(random, 0.2, 0.95);
  let minute = plan.trackedFrom;
  let spells = plan.amazon === 'dips' ? plan.spells : [];
  for (;;) {
    const isGone = plan.amazon === 'gone' && minute >= goneAt;
    yield { minute, value: isGone ? -1 : charm(level * (1 + noiseOf(random.next())), 0.5) };
    if (isGone) return;
    const next = minute + Math.round(exponential(random, 25 * minutesPerDay)) + 60;
    const spell = spells[0];
    if (spell === undefined || next < spell.from) {
      minute = next;
      continue;
    }
    spells = spells.slice(1);
    const mirrored = fresh.upTo(spell.until);
    for (let i = mirrored.indexAt(spell.from); mirrored.nthMinute(i) < spell.until; i += 1) {
      if (i >= mirrored.length) break;
      yield { minute: Math.max(mirrored.nthMinute(i), spell.from), value: mirrored.nthValue(i) };
    }
    minute = spell.until;
  }
}

function ordinaryCents(life: Life, minute: number): number {
  const { plan, price } = life;
  const isSpiked = plan.spike !== undefined && isIn(plan.spike, minute) && price === plan.used;
  const noise = noiseOf(chanceOf(plan.seed, life.stream, minute));
  const season = seasonAt(plan.seasonShare, plan.seasonPeak, minute);
  const level = levelAt(life, minute) * (isSpiked ? (plan.spike?.factor ?? 1) : 1);
  return charm(level * season * (1 + noise), chanceOf(plan.seed, life.stream, minute, 2));
}

/** Once off the list a price stays up; buyers of a thin product wait for the weeks it is cheap. */
function levelAt(life: Life, minute: number): number {
  const { plan, price } = life;
  const listedFrom = plan.spells[0]?.from ?? plan.trackedFrom;
  if (minute >= listedFrom) return price.levelAfterCents;
  const isCheapWeek =
    plan.kind === 'thin' &&
    price === plan.used &&
    chanceOf(plan.seed, 0xc4ea, Math.floor(minute / thinWavesMinutes)) < 0.35;
  return price.levelCents * (isCheapWeek ? 0.48 : 1);
}

/** Noise of about 8 %, bounded. */
function noiseOf(unit: number): number {
  return clamp(0.08 * normalOf(unit, (unit * 7_919) % 1), -noiseShareMax, noiseShareMax);
}

/** Cents as sellers like them: two of three prices end in 99, 49 or 95. */
function charm(cents: number, unit: number): number {
  if (unit > 0.66) return Math.round(cents);
  const ending = unit < 0.4 ? 99 : unit < 0.55 ? 49 : 95;
  return Math.max(ending, Math.round(cents / 100) * 100 - 100 + ending);
}

function edgesOf(life: Life): number[] {
  const { plan } = life;
  const edges = life.absences.flatMap((a) => [a.from, a.until]);
  if (plan.spike !== undefined && life.price === plan.used) {
    edges.push(plan.spike.from, plan.spike.until);
  }
  return edges.sort((a, b) => a - b);
}

function isAbsent(life: Life, minute: number): boolean {
  return life.absences.some((absence) => isIn(absence, minute));
}

function isIn(span: Spell, minute: number): boolean {
  return span.from <= minute && minute < span.until;
}
