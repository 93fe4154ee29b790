/**
 * The sales rank: lifted by every sale within hours, and drifting away in between.
 *
 * Only the lifts are kept. What Keepa would have recorded between two of them follows from the lift
 * before (the drift is sampled ever more rarely), so a rank history costs memory only per sale and
 * any stretch of it can be read without the rest. Sales that no shelf shows lift the rank as well,
 * and so does noise: a lift alone proves no sale.
 *
 * Invariants: the rank falls exactly at lifts, and rises or stays between them; what it is at a
 * time does not depend on how far it was asked before.
 */
import { type Random, seededRandom } from '../runtime/random.ts';
import { chanceOf, exponential, mix } from './draw.ts';
import { minutesPerDay, minutesPerHour } from './keepa-minute.ts';
import type { RankPlan } from './product-plan.ts';
import type { Shelf } from './sales.ts';
import { Track } from './track.ts';

const yearMinutes = 365 * minutesPerDay;
/** When the drift after a lift is recorded, in hours; then every two days. */
const sampleHours = [3, 8, 16, 28, 44, 64, 88, 116, 148, 184] as const;
const sampleHoursLast = 184;
const sampleHoursStep = 48;
/** A sale shows in the rank within 40 hours at the latest. */
const delayMinutesMax = 40 * minutesPerHour;

interface Lift {
  readonly minute: number;
  readonly isSale: boolean;
}

export interface RankSetting {
  readonly plan: RankPlan;
  readonly seed: number;
  readonly trackedFrom: number;
  readonly shelves: readonly Shelf[];
}

export class RankHistory {
  readonly #setting: RankSetting;
  /** Time of each lift and the rank it led to; the first point is the beginning, not a lift. */
  readonly #lifts = new Track();
  readonly #taken: number[];
  readonly #unseen: Random;
  #pending: Lift[] = [];
  #nextUnseen: Lift;

  constructor(setting: RankSetting) {
    this.#setting = setting;
    this.#taken = setting.shelves.map(() => 0);
    this.#unseen = seededRandom(mix(setting.seed, 0x4a2c));
    this.#lifts.push(setting.trackedFrom, Math.round(setting.plan.ceiling * 0.8));
    this.#nextUnseen = this.#drawUnseen(setting.trackedFrom);
  }

  /** The last rank recorded at or before `minute`; -1 before tracking began. */
  rankAt(minute: number): number {
    this.#extendTo(minute);
    const index = this.#lifts.indexAt(minute);
    if (index < 0) return -1;
    return this.#valueAfter(index, lastSampleBefore(minute - this.#lifts.nthMinute(index)));
  }

  /** How often the rank fell after `from` and up to `until`. */
  dropsIn(from: number, until: number): number {
    this.#extendTo(until);
    const before = Math.max(0, this.#lifts.indexAt(from));
    return Math.max(0, this.#lifts.indexAt(until) - before);
  }

  /**
   * The recorded points from the last one at or before `from` up to `until`, as a track of its own.
   */
  between(from: number, until: number): Track {
    this.#extendTo(until);
    const points = new Track();
    const last = this.#lifts.indexAt(until);
    for (let index = Math.max(0, this.#lifts.indexAt(from)); index <= last; index += 1) {
      const lifted = this.#lifts.nthMinute(index);
      const end = index === last ? until + 1 : this.#lifts.nthMinute(index + 1);
      for (let offset = 0; lifted + offset < end; offset = nextSampleAfter(offset)) {
        points.push(lifted + offset, this.#valueAfter(index, offset));
      }
    }
    return points;
  }

  #valueAfter(index: number, offset: number): number {
    const { ceiling, driftHours } = this.#setting.plan;
    const level = this.#lifts.nthValue(index);
    const share = 1 - Math.exp(-offset / (driftHours * minutesPerHour));
    return level + Math.floor((ceiling - level) * share);
  }

  #extendTo(minute: number): void {
    this.#takeSales(minute);
    while (this.#nextUnseen.minute <= minute) {
      this.#pending.push(this.#nextUnseen);
      this.#nextUnseen = this.#drawUnseen(this.#nextUnseen.minute);
    }
    if (this.#pending.length === 0) return;
    this.#pending.sort((a, b) => a.minute - b.minute || Number(a.isSale) - Number(b.isSale));
    const due = this.#pending.filter((lift) => lift.minute <= minute);
    if (due.length === 0) return;
    this.#pending = this.#pending.slice(due.length);
    for (const lift of due) this.#apply(lift);
  }

  #takeSales(minute: number): void {
    for (const [shelfIndex, shelf] of this.#setting.shelves.entries()) {
      const sales = shelf.salesUpTo(minute);
      for (let i = this.#taken[shelfIndex] ?? 0; i < sales.length; i += 1) {
        const sold = sales[i]?.minute ?? 0;
        const unit = chanceOf(this.#setting.seed, sold, shelfIndex, 0xde1);
        this.#pending.push({ minute: sold + delayOf(unit), isSale: true });
      }
      this.#taken[shelfIndex] = Math.max(sales.length, this.#taken[shelfIndex] ?? 0);
    }
  }

  #apply(lift: Lift): void {
    const last = this.#lifts.length - 1;
    const gap = lift.minute - this.#lifts.nthMinute(last);
    if (gap <= 0) return;
    const before = this.#valueAfter(last, lastSampleBefore(gap - 1));
    const unit = chanceOf(this.#setting.seed, lift.minute, 0x11f7);
    const wish = lift.isSale
      ? Math.min(this.#setting.plan.best * (0.7 + 0.7 * unit), before * 0.88)
      : before * (0.93 + 0.06 * unit);
    this.#lifts.push(lift.minute, Math.min(before - 1, Math.max(50_001, Math.round(wish))));
  }

  #drawUnseen(after: number): Lift {
    const { unseenSalesPerYear, noisePerYear } = this.#setting.plan;
    const perYear = unseenSalesPerYear + noisePerYear;
    const step = Math.max(1, Math.round(exponential(this.#unseen, yearMinutes / perYear)));
    const isSale = this.#unseen.next() < unseenSalesPerYear / perYear;
    return { minute: after + step, isSale };
  }
}

/** Nine of ten sales show within six hours. */
function delayOf(unit: number): number {
  if (unit < 0.9) return 20 + Math.floor((unit / 0.9) * 340);
  return 360 + Math.floor(((unit - 0.9) / 0.1) * (delayMinutesMax - 360));
}

/** Minutes after a lift at which the last sample at or before `offset` minutes was taken. */
function lastSampleBefore(offset: number): number {
  let last = 0;
  if (offset >= sampleHoursLast * minutesPerHour) {
    const step = sampleHoursStep * minutesPerHour;
    const first = sampleHoursLast * minutesPerHour;
    return first + Math.floor((offset - first) / step) * step;
  }
  for (const hours of sampleHours) {
    if (hours * minutesPerHour > offset) break;
    last = hours * minutesPerHour;
  }
  return last;
}

function nextSampleAfter(offset: number): number {
  for (const hours of sampleHours) if (hours * minutesPerHour > offset) return hours * 60;
  return offset + sampleHoursStep * minutesPerHour;
}
