/**
 * One simulated product: its identity, its hidden plan, and the history that follows from both.
 *
 * Nothing is generated before it is asked for. A row on a page of the list needs little; only a
 * `/product` answer needs everything.
 *
 * Invariant: every reading is a function of (seed, product, minute), whatever was read before.
 */
import { type Identity, identityOf } from './catalogue.ts';
import { mix } from './draw.ts';
import type { GrowingTrack } from './growing-track.ts';
import { amazonPrices, newPrices, usedPrices } from './price-history.ts';
import { type MarketTemper, type ProductPlan, planOf } from './product-plan.ts';
import { RankHistory } from './rank-history.ts';
import { Shelf } from './sales.ts';
import type { Occupant } from './spells.ts';

/** One sale as it really happened; what an observer has to infer. */
export interface TrueSale {
  readonly minute: number;
  readonly condition: 'used' | 'new';
  readonly priceCents: number;
}

export class Product {
  readonly number: number;
  readonly identity: Identity;
  readonly plan: ProductPlan;
  readonly used: GrowingTrack;
  readonly fresh: GrowingTrack;
  #amazon: GrowingTrack | undefined;
  #usedShelf: Shelf | undefined;
  #freshShelf: Shelf | undefined;
  #rank: RankHistory | undefined;

  constructor(temper: MarketTemper, occupant: Occupant) {
    this.number = occupant.number;
    this.identity = identityOf(temper.seed, occupant.number);
    this.plan = planOf(temper, occupant);
    this.used = usedPrices(this.plan);
    this.fresh = newPrices(this.plan);
  }

  get amazon(): GrowingTrack {
    this.#amazon ??= amazonPrices(this.plan, this.fresh);
    return this.#amazon;
  }

  get usedShelf(): Shelf {
    const { plan } = this;
    this.#usedShelf ??= new Shelf({
      plan: plan.usedShelf,
      seed: mix(plan.seed, 2),
      trackedFrom: plan.trackedFrom,
      prices: this.used,
      absences: plan.absences,
      spellEnds: plan.spells.map((spell) => spell.until),
    });
    return this.#usedShelf;
  }

  /** Undefined where nobody offers a new copy. */
  get freshShelf(): Shelf | undefined {
    const { plan } = this;
    if (plan.fresh === undefined) return undefined;
    this.#freshShelf ??= new Shelf({
      plan: plan.freshShelf,
      seed: mix(plan.seed, 1),
      trackedFrom: plan.trackedFrom,
      prices: this.fresh,
      absences: [],
      spellEnds: [],
    });
    return this.#freshShelf;
  }

  /** Undefined for a product without a sales rank. */
  get rank(): RankHistory | undefined {
    const { plan } = this;
    if (plan.rank === undefined) return undefined;
    const fresh = this.freshShelf;
    this.#rank ??= new RankHistory({
      plan: plan.rank,
      seed: mix(plan.seed, 3),
      trackedFrom: plan.trackedFrom,
      shelves: fresh === undefined ? [this.usedShelf] : [this.usedShelf, fresh],
    });
    return this.#rank;
  }

  /** Every true sale up to `minute`, oldest first; used before new in the same minute. */
  salesUpTo(minute: number): TrueSale[] {
    const used = this.usedShelf.salesUpTo(minute);
    const fresh = this.freshShelf?.salesUpTo(minute) ?? [];
    return [
      ...used.map((sale) => ({ ...sale, condition: 'used' as const })),
      ...fresh.map((sale) => ({ ...sale, condition: 'new' as const })),
    ].sort((a, b) => a.minute - b.minute);
  }
}
