/**
 * What a product is like: the hidden truth that its public history is generated from.
 *
 * A listing promises a bargain; the plan says whether it is one. Only `worthwhile` products really
 * sell near the price their average shows. The others look as good on the list and are not: a short
 * spike has lifted the average (`spiky`), nobody buys (`dead`), buyers pay only the low end of what
 * sellers ask (`thin`), or there is hardly any history (`sparse`).
 *
 * Money and rank lie in the ranges of the recorded book listing: used 20 to 75 dollars, 50 % or
 * more below the average, rank 50,000 to 1,500,000. So the recorded query lists nearly every row,
 * and the number of rows is what was asked for.
 */
import { type Random, seededRandom } from '../runtime/random.ts';
import { between, chanceOf, clamp, logNormal, mix } from './draw.ts';
import { minutesPerDay, minutesPerHour } from './keepa-minute.ts';
import type { Occupant, Spell } from './spells.ts';

type ProductKind = 'worthwhile' | 'spiky' | 'dead' | 'thin' | 'sparse';

/** What lives on one shelf: used or new copies. */
export interface ShelfPlan {
  /** The price buyers think fair; far above it nobody buys. */
  readonly fairCents: number;
  readonly salesPerYear: number;
  /** Offers there usually are. */
  readonly targetOffers: number;
}

export interface PricePlan {
  /** Level of ordinary life, before season and noise. */
  readonly levelCents: number;
  /** The same from the first spell on. */
  readonly levelAfterCents: number;
  readonly changeMeanMinutes: number;
  /** A listed price is this share of its 90-day average; absent: this price is never a deal. */
  readonly dealShare: number | undefined;
}

interface Spike extends Spell {
  readonly factor: number;
}

export interface ProductPlan {
  /** All chance of this product hangs on it. */
  readonly seed: number;
  readonly kind: ProductKind;
  readonly spells: readonly Spell[];
  readonly trackedFrom: number;
  readonly used: PricePlan;
  readonly usedShelf: ShelfPlan;
  /** Absent: nobody offers a new copy. */
  readonly fresh: PricePlan | undefined;
  readonly freshShelf: ShelfPlan;
  readonly freshIsFba: boolean;
  readonly amazon: 'never' | 'gone' | 'present' | 'dips';
  readonly listCents: number;
  readonly spike: Spike | undefined;
  /** Stretches without any used offer, before the first spell. */
  readonly absences: readonly Spell[];
  readonly seasonShare: number;
  readonly seasonPeak: number;
  /** Mean time between two price changes while listed. */
  readonly repriceMeanMinutes: number;
  readonly recheckMinutes: number;
  readonly rank: RankPlan | undefined;
}

export interface RankPlan {
  /** Where the rank drifts to when nothing sells. */
  readonly ceiling: number;
  /** About where a sale lifts it to. */
  readonly best: number;
  readonly driftHours: number;
  /** Sales that no offer count shows (Amazon's own, or offers nobody counted). */
  readonly unseenSalesPerYear: number;
  readonly noisePerYear: number;
}

export interface MarketTemper {
  readonly seed: number;
  /** Share of the products that are worth buying. */
  readonly verifiedShare: number;
  readonly repriceMeanHours: number;
  readonly pace: number;
}

/** Spread of the rows' own pace: some change hourly, many only every few days. */
const repriceSpread = 1.3;
const yearMinutes = 365 * minutesPerDay;

/** Draws the plan of one product; equal arguments give equal plans. */
export function planOf(temper: MarketTemper, occupant: Occupant): ProductPlan {
  const seed = mix(temper.seed, occupant.number, 0x91a);
  const random = seededRandom(seed);
  const kind = kindOf(random, temper.verifiedShare);
  const firstSpell = occupant.spells[0]?.from ?? 0;
  const season = random.next() < 0.4 ? between(random, 0.08, 0.3) : 0;
  const seasonPeak = random.next();
  // Drops of 58 to 80 %, most of them near the low end: 56 was the recorded median, 81 the best.
  const dealShare = 0.42 - 0.22 * random.next() ** 2;
  const dealCents = clamp(logNormal(random, 3_000, 0.38), 2_150, 9_000 / (1 / dealShare - 1));
  const averageCents = dealCents / dealShare / seasonAt(season, seasonPeak, firstSpell);
  const isSpiky = kind === 'spiky';
  const usedLevel = isSpiky ? dealCents * between(random, 1, 1.3) : averageCents;
  const freshLevel = averageCents * between(random, 1.15, 2.2);
  const freshDips = random.next() < 0.3;
  const years = kind === 'sparse' ? between(random, 0.05, 0.4) : between(random, 1, 4.5);
  const trackedFrom = firstSpell - Math.round(years * yearMinutes);
  const spike = isSpiky
    ? spikeFor({ random, firstSpell, averageCents, levelCents: usedLevel })
    : undefined;
  const changeMeanMinutes = between(random, 2, 10) * minutesPerDay;
  const paceOfRow = Math.exp(repriceSpread * (random.next() + random.next() - 1) * 2.4);
  return {
    seed,
    kind,
    spells: occupant.spells,
    trackedFrom,
    used: { levelCents: usedLevel, levelAfterCents: averageCents, changeMeanMinutes, dealShare },
    usedShelf: usedShelfOf(random, kind, usedLevel),
    fresh:
      random.next() < 0.12
        ? undefined
        : {
            levelCents: freshLevel,
            levelAfterCents: freshLevel,
            changeMeanMinutes: changeMeanMinutes * 1.5,
            dealShare: freshDips ? between(random, 0.25, 0.44) : undefined,
          },
    freshShelf: {
      fairCents: freshLevel,
      salesPerYear: between(random, 0, kind === 'worthwhile' ? 6 : 1.5),
      targetOffers: Math.round(logNormal(random, 2.2, 0.6)),
    },
    freshIsFba: random.next() < 0.4,
    amazon: amazonOf(random, freshDips),
    listCents: Math.round((freshLevel * 1.9) / 100) * 100 - 1,
    spike,
    absences: absencesOf(random, kind, trackedFrom, firstSpell),
    seasonShare: season,
    seasonPeak,
    repriceMeanMinutes:
      (temper.repriceMeanHours * minutesPerHour * paceNormal) / paceOfRow / temper.pace,
    recheckMinutes: Math.round(clamp(logNormal(random, 400, 0.95), 30, 1_370)),
    rank: random.next() < 0.985 ? rankPlanOf(random, kind) : undefined,
  };
}

/** The factor of a price by the time of the year. */
export function seasonAt(share: number, peak: number, minute: number): number {
  return 1 + share * Math.cos(2 * Math.PI * (minute / yearMinutes - peak));
}

/** What the rows' own paces average to, so that the mean over all rows is the one asked for. */
const paceNormal = (() => {
  const s = repriceSpread * 2.4;
  // Mean of exp(s (u + v - 1)) over two uniform draws.
  return ((Math.exp(s / 2) - Math.exp(-s / 2)) / s) ** 2;
})();

function kindOf(random: Random, verifiedShare: number): ProductKind {
  const draw = random.next();
  if (draw < verifiedShare) return 'worthwhile';
  const rest = (draw - verifiedShare) / (1 - verifiedShare);
  if (rest < 0.4) return 'spiky';
  if (rest < 0.72) return 'dead';
  return rest < 0.9 ? 'thin' : 'sparse';
}

function usedShelfOf(random: Random, kind: ProductKind, levelCents: number): ShelfPlan {
  const salesPerYear = {
    worthwhile: between(random, 14, 70),
    spiky: between(random, 2, 25),
    dead: between(random, 0, 1.2),
    thin: between(random, 6, 40),
    sparse: between(random, 0, 6),
  }[kind];
  return {
    fairCents: kind === 'thin' ? levelCents * 0.45 : levelCents,
    salesPerYear,
    targetOffers: Math.max(2, Math.round(logNormal(random, 4.2, 0.5))),
  };
}

function amazonOf(random: Random, freshDips: boolean): ProductPlan['amazon'] {
  if (freshDips && random.next() < 0.3) return 'dips';
  const draw = random.next();
  if (draw < 0.5) return 'never';
  return draw < 0.8 ? 'gone' : 'present';
}

function rankPlanOf(random: Random, kind: ProductKind): RankPlan {
  const ceiling = between(random, kind === 'dead' ? 900_000 : 500_000, 1_450_000);
  return {
    ceiling,
    best: clamp(logNormal(random, 170_000, 0.5), 60_000, ceiling * 0.6),
    driftHours: between(random, 110, 320),
    unseenSalesPerYear: between(random, 0, kind === 'dead' ? 0.5 : 3),
    noisePerYear: between(random, 3, 14),
  };
}

/** A spike in the last 90 days that lifts their average to what the listing claims. */
function spikeFor(wish: {
  readonly random: Random;
  readonly firstSpell: number;
  readonly averageCents: number;
  readonly levelCents: number;
}): Spike {
  const days = between(wish.random, 8, 30);
  const lifted = (90 * wish.averageCents - (90 - days) * wish.levelCents) / days;
  const until = wish.firstSpell - Math.round(between(wish.random, 0.2, 12) * minutesPerDay);
  const from = until - Math.round(days * minutesPerDay);
  return { from, until, factor: Math.max(1.5, lifted / wish.levelCents) };
}

/** Two of three sparse products and one dead one of four had no used offer for some time. */
function absencesOf(random: Random, kind: ProductKind, from: number, until: number): Spell[] {
  const draw = random.next();
  const share = { worthwhile: 0, spiky: 0, dead: 0.25, thin: 0.05, sparse: 0.65 }[kind];
  if (draw >= share) return [];
  const span = until - from;
  const begins = from + Math.round(span * between(random, 0.2, 0.5));
  return [{ from: begins, until: begins + Math.round(span * between(random, 0.05, 0.3)) }];
}

/** When Keepa last looked at the product on its own, at or before `minute`. */
export function lastRecheckAt(plan: ProductPlan, minute: number): number {
  const phase = Math.floor(chanceOf(plan.seed, 0x4ec) * plan.recheckMinutes);
  return minute - ((minute + phase) % plan.recheckMinutes);
}
