/**
 * Who is on the list, and when: the births and deaths of the market.
 *
 * The list is a fixed number of slots. One product at a time occupies a slot; it is listed for one
 * spell, sometimes for several with pauses between, and leaves for good; within minutes another
 * product takes the slot. So the number of rows stays near what was asked for, for ever, while its
 * members come and go.
 *
 * Each occupant is drawn from the seed, its slot and its number in the slot, and the chain of a
 * slot begins long before the market's first minute. So the state at a time is a function of seed
 * and time alone, and the first minute is no different from any later one.
 */
import { seededRandom } from '../runtime/random.ts';
import { between, exponential, mix } from './draw.ts';
import { minutesPerDay } from './keepa-minute.ts';

/** Half open: listed from its first minute, no longer in the minute it ends. */
export interface Spell {
  readonly from: number;
  readonly until: number;
}

export interface Occupant {
  /** Unique in its market; all else about the product is drawn from it. */
  readonly number: number;
  /** In time order, disjoint, at least one. */
  readonly spells: readonly Spell[];
}

export interface SpellOptions {
  readonly seed: number;
  /** Rows on the list on average. */
  readonly rows: number;
  readonly startMinute: number;
  /** Share of the listed rows that leave per day. */
  readonly churnPerDay: number;
  /** How many times faster than real the market moves. */
  readonly pace: number;
}

/** Share of the spells after which the product comes back. */
const returnShare = 0.12;
const pauseMeanDays = 1.5;
const vacancyMeanMinutes = 20;

export class SpellBook {
  readonly #options: SpellOptions;
  readonly #spellMeanMinutes: number;
  readonly #slots: Occupant[][] = [];
  readonly #listeners: ((occupant: Occupant) => void)[] = [];
  #completeUntil: number;

  constructor(options: SpellOptions) {
    this.#options = options;
    this.#spellMeanMinutes = minutesPerDay / options.churnPerDay / options.pace;
    this.#completeUntil = options.startMinute;
    const pause = (returnShare * pauseMeanDays * minutesPerDay) / options.pace;
    const listedShare = 1 / (1 + (pause + vacancyMeanMinutes) / this.#spellMeanMinutes);
    const slots = Math.max(1, Math.round(options.rows / listedShare));
    for (let slot = 0; slot < slots; slot += 1) this.#slots.push([this.#firstOf(slot, slots)]);
  }

  get slots(): number {
    return this.#slots.length;
  }

  /** Calls `listener` with every occupant so far, and with each later one as it is first needed. */
  onOccupant(listener: (occupant: Occupant) => void): void {
    this.#listeners.push(listener);
    for (const chain of this.#slots) for (const occupant of chain) listener(occupant);
  }

  /** Draws every occupant that has begun by `minute`. */
  extendTo(minute: number): void {
    if (minute < this.#completeUntil) return;
    let next = Number.POSITIVE_INFINITY;
    for (const [slot, chain] of this.#slots.entries()) {
      let last = chain[chain.length - 1];
      while (last !== undefined && endOf(last) <= minute) {
        last = this.#draw(slot, chain.length, endOf(last));
        chain.push(last);
        for (const listener of this.#listeners) listener(last);
      }
      if (last !== undefined) next = Math.min(next, endOf(last));
    }
    this.#completeUntil = next;
  }

  /** Calls `visit` with the occupant and the spell of every row that is listed at `minute`. */
  eachListedAt(minute: number, visit: (occupant: Occupant, spell: Spell) => void): void {
    this.extendTo(minute);
    for (const chain of this.#slots) {
      for (let i = chain.length - 1; i >= 0; i -= 1) {
        const occupant = chain[i];
        if (occupant === undefined || firstOf(occupant) > minute) continue;
        const spell = occupant.spells.find((s) => s.from <= minute && minute < s.until);
        if (spell !== undefined) visit(occupant, spell);
        break;
      }
    }
  }

  /** The chain began four mean spells before the market, at a random point of its own. */
  #firstOf(slot: number, slots: number): Occupant {
    const { seed, startMinute } = this.#options;
    const random = seededRandom(mix(seed, slot, 0x510));
    const lead = Math.round(this.#spellMeanMinutes * between(random, 4, 5));
    let end = startMinute - lead;
    for (let skipped = -1; ; skipped -= 1) {
      const occupant = this.#draw(slot, skipped, end, slots);
      if (endOf(occupant) > startMinute) return { ...occupant, number: slot };
      end = endOf(occupant);
    }
  }

  #draw(slot: number, index: number, previousEnd: number, slots = this.slots): Occupant {
    const { seed, pace } = this.#options;
    const random = seededRandom(mix(seed, slot, index, 0x5e11));
    const spells: Spell[] = [];
    let from = previousEnd + 1 + Math.round(exponential(random, vacancyMeanMinutes));
    for (;;) {
      // A spell far beyond the mean would outlive the averages that make the row a bargain.
      const length = Math.min(exponential(random, 1), 4) * this.#spellMeanMinutes;
      const until = from + Math.max(30, Math.round(length));
      spells.push({ from, until });
      if (random.next() >= returnShare) break;
      const pause = exponential(random, (pauseMeanDays * minutesPerDay) / pace);
      from = until + Math.max(60, Math.round(pause));
    }
    return { number: slot + index * slots, spells };
  }
}

function firstOf(occupant: Occupant): number {
  return occupant.spells[0]?.from ?? 0;
}

/** The minute in which the occupant leaves its slot for good. */
function endOf(occupant: Occupant): number {
  return occupant.spells[occupant.spells.length - 1]?.until ?? 0;
}
