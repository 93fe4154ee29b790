/**
 * What really happens on a shelf: copies are sold, withdrawn and restocked.
 *
 * A sale takes one copy off the shelf and, through the rank history, lifts the sales rank. A
 * withdrawal takes one off and leaves the rank alone. Whoever infers sales from public history must
 * tell the two apart; `salesUpTo` holds the truth to compare with.
 *
 * Invariants: the count falls by exactly one per sale; a shelf with a price holds at least one
 * copy; the price of a sale is the one in force in the minute before it.
 */
import { seededRandom } from '../runtime/random.ts';
import { chanceOf, clamp, exponential, mix } from './draw.ts';
import { GrowingTrack, type Point } from './growing-track.ts';
import { minutesPerDay } from './keepa-minute.ts';
import type { ShelfPlan } from './product-plan.ts';
import type { Spell } from './spells.ts';
import type { Track } from './track.ts';

const yearMinutes = 365 * minutesPerDay;
/** How long an offer stays that nobody buys, on average. */
const patienceMinutes = 400 * minutesPerDay;
/** Cheap copies sell up to this much faster than fair ones. */
const demandMax = 2.5;
/** Nobody buys far above the fair price. */
const demandEndsAtFair = 1.8;
/** How often a row leaves the list because its copy was sold. */
const soldShare = 0.5;

export interface ShelfSale {
  readonly minute: number;
  readonly priceCents: number;
}

export interface ShelfSetting {
  readonly plan: ShelfPlan;
  readonly seed: number;
  readonly trackedFrom: number;
  readonly prices: GrowingTrack;
  readonly absences: readonly Spell[];
  /** Minutes at which a spell ends: there the listed copy may have been sold. */
  readonly spellEnds: readonly number[];
}

export class Shelf {
  readonly #setting: ShelfSetting;
  readonly #counts: GrowingTrack;
  readonly #sales: ShelfSale[] = [];

  constructor(setting: ShelfSetting) {
    this.#setting = setting;
    this.#counts = new GrowingTrack((soFar) => this.#life(soFar));
  }

  /** Number of offers over time; -1 while there is none. */
  countsUpTo(minute: number): Track {
    return this.#counts.upTo(minute);
  }

  /** Every true sale up to and including `minute`, oldest first. */
  salesUpTo(minute: number): readonly ShelfSale[] {
    this.#counts.upTo(minute);
    let end = this.#sales.length;
    while (end > 0 && (this.#sales[end - 1]?.minute ?? 0) > minute) end -= 1;
    return end === this.#sales.length ? this.#sales : this.#sales.slice(0, end);
  }

  *#life(soFar: Track): Generator<Point> {
    const { plan, seed, trackedFrom } = this.#setting;
    const random = seededRandom(mix(seed, 0x5e1f));
    const saleRate = (plan.salesPerYear * demandMax) / yearMinutes;
    let minute = trackedFrom;
    let count = Math.max(1, plan.targetOffers);
    yield { minute, value: this.#isOffered(minute) ? count : -1 };
    for (;;) {
      const leaveRate = count / patienceMinutes;
      const stockRate = this.#restockRate(count);
      const total = saleRate + leaveRate + stockRate;
      const drawn = minute + Math.max(1, Math.round(exponential(random, 1 / total)));
      const fixed = this.#nextFixed(minute);
      minute = Math.min(drawn, fixed);
      if (drawn >= fixed) {
        count = this.#atFixed(minute, count);
      } else if (this.#isOffered(minute)) {
        const draw = random.next() * total;
        if (draw < saleRate) count -= this.#sell(minute, count, random.next());
        else if (draw < saleRate + leaveRate) count -= count > 1 ? 1 : 0;
        else count += random.next() < 0.15 ? random.integer(2, 4) : 1;
      }
      const value = this.#isOffered(minute) ? count : -1;
      if (value !== soFar.at(minute)) yield { minute, value };
    }
  }

  /** Restocking keeps the shelf near its target, whatever sells. */
  #restockRate(count: number): number {
    const { plan } = this.#setting;
    const outflow = plan.salesPerYear / yearMinutes + plan.targetOffers / patienceMinutes;
    return (outflow / 1.3) * clamp((plan.targetOffers / count) ** 1.5, 0.2, 4);
  }

  /** The next minute with an event of its own: an absence begins or ends, a spell ends. */
  #nextFixed(minute: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const end of this.#setting.spellEnds) if (end > minute) next = Math.min(next, end);
    for (const { from, until } of this.#setting.absences) {
      if (from > minute) next = Math.min(next, from);
      if (until > minute) next = Math.min(next, until);
    }
    return next;
  }

  #atFixed(minute: number, count: number): number {
    const { absences, seed, spellEnds } = this.#setting;
    if (absences.some((absence) => absence.until === minute)) {
      return 1 + Math.floor(chanceOf(seed, minute) * 2);
    }
    const isSold = spellEnds.includes(minute) && chanceOf(seed, minute, 7) < soldShare;
    return isSold && count > 1 ? count - this.#record(minute) : count;
  }

  /**
   * 1 when a copy is sold: buyers come more often the cheaper it is; the last copy is kept back.
   */
  #sell(minute: number, count: number, draw: number): 0 | 1 {
    if (count <= 1) return 0;
    const price = this.#priceBefore(minute);
    const fair = this.#setting.plan.fairCents;
    if (price <= 0 || price > fair * demandEndsAtFair) return 0;
    const demand = clamp((fair / price) ** 2.5, 0.02, demandMax);
    return draw < demand / demandMax ? this.#record(minute) : 0;
  }

  #record(minute: number): 1 {
    this.#sales.push({ minute, priceCents: this.#priceBefore(minute) });
    return 1;
  }

  #priceBefore(minute: number): number {
    return this.#setting.prices.upTo(minute).at(minute - 1);
  }

  #isOffered(minute: number): boolean {
    return this.#setting.prices.upTo(minute).at(minute) > 0;
  }
}
