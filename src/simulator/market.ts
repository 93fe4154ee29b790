/**
 * The market: which products exist, and which of them are on the list now.
 *
 * Deterministic in (seed, minute). Products are built when first needed and forgotten when too many
 * have gathered; building one again gives the same product.
 */
import { asinOf } from './catalogue.ts';
import { Product } from './product.ts';
import type { MarketTemper } from './product-plan.ts';
import { type Occupant, SpellBook } from './spells.ts';

export interface MarketOptions {
  readonly seed: number;
  /** Rows on the list on average. */
  readonly rows: number;
  readonly startMinute: number;
  /** How many times faster than real rows enter, leave and are re-priced. Default 1. */
  readonly pace?: number;
  /** Share of the listed rows that leave per day. Default 0.15. */
  readonly churnPerDay?: number;
  /** Share of the products that are worth buying. Default 0.1. */
  readonly verifiedShare?: number;
  /** Mean time between two price changes of a listed row, over all rows. Default 12. */
  readonly repriceMeanHours?: number;
}

/** Products of long ago that may stay in memory beside the listed ones. */
const sparePlaces = 2_000;

export class Market {
  readonly #temper: MarketTemper;
  readonly #book: SpellBook;
  readonly #occupants = new Map<string, Occupant>();
  readonly #products = new Map<number, Product>();

  constructor(options: MarketOptions) {
    const { seed, rows, startMinute, pace = 1 } = options;
    this.#temper = {
      seed,
      pace,
      verifiedShare: options.verifiedShare ?? 0.1,
      repriceMeanHours: options.repriceMeanHours ?? 12,
    };
    this.#book = new SpellBook({
      seed,
      rows,
      startMinute,
      pace,
      churnPerDay: options.churnPerDay ?? 0.15,
    });
    this.#book.onOccupant((occupant) => {
      this.#occupants.set(asinOf(seed, occupant.number), occupant);
    });
  }

  /** The products on the list at `minute`, in an order that says nothing. */
  listedAt(minute: number): Product[] {
    const listed: Product[] = [];
    this.#book.eachListedAt(minute, (occupant) => {
      listed.push(this.#productOf(occupant));
    });
    return listed;
  }

  /** The product with this ASIN, if it has come onto the list by `minute` at least once. */
  productAt(asin: string, minute: number): Product | undefined {
    this.#book.extendTo(minute);
    const occupant = this.#occupants.get(asin);
    const from = occupant?.spells[0]?.from ?? Number.POSITIVE_INFINITY;
    return occupant === undefined || from > minute ? undefined : this.#productOf(occupant);
  }

  #productOf(occupant: Occupant): Product {
    const known = this.#products.get(occupant.number);
    if (known !== undefined) return known;
    if (this.#products.size > this.#book.slots + sparePlaces) this.#forgetOldest();
    const product = new Product(this.#temper, occupant);
    this.#products.set(occupant.number, product);
    return product;
  }

  /** A Map keeps the order of insertion: the first ones were built the longest ago. */
  #forgetOldest(): void {
    let excess = sparePlaces / 2;
    for (const number of this.#products.keys()) {
      this.#products.delete(number);
      excess -= 1;
      if (excess <= 0) break;
    }
  }
}
