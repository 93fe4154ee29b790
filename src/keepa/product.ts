/**
 * A product with its history, decoded.
 *
 * A series keeps the order Keepa sent; `values` holds NaN where Keepa said "none from then on", so
 * that an absent point can never be taken for a zero: every comparison with it is false and every
 * sum with it stays absent.
 */
import type { IntervalAverages, RankDrops } from './deal-row.ts';

export interface Series {
  /** Unix minutes, in the order sent. */
  readonly minutes: Int32Array;
  /** Cents, ranks or counts; NaN where absent. Same length as `minutes`. */
  readonly values: Float64Array;
}

/** The series that the rules read, by name; a series Keepa did not send is absent. */
export interface History {
  readonly amazon?: Series;
  readonly priceNew?: Series;
  readonly priceUsed?: Series;
  readonly rank?: Series;
  readonly countNew?: Series;
  readonly countUsed?: Series;
  /** Every other price a feed can be about, by Keepa's index; landed where it has shipping. */
  readonly other: ReadonlyMap<number, Series>;
}

/** Amazon's own price in Keepa's statistics: the cap on what a copy can fetch. */
export interface AmazonPrices {
  readonly currentCents?: number;
  readonly average180Cents?: number;
  readonly average365Cents?: number;
  /** The statistics did not say all three, not even that there is none: the cap may be lower. */
  readonly isPartial?: true;
}

/**
 * What Keepa's statistics say of the product now: the figures that a deal listing would show of it.
 *
 * The averages of a listing over 31 and 90 days are these over 30 and 90 (recorded: within 2 % and
 * within a cent); those over shorter intervals are not in the statistics.
 */
export interface ListingFigures {
  /** By price type, for every kind of money that the statistics have a place for. */
  readonly prices: ReadonlyMap<number, ListingPrice>;
  readonly rank?: number;
  readonly averageRank: IntervalAverages;
  readonly rankDrops: RankDrops;
  readonly newOffers?: number;
  readonly usedOffers?: number;
}

export interface ListingPrice {
  /** Absent: no offer, or a price that only an answer with offers has. */
  readonly nowCents?: number;
  readonly averageCents: IntervalAverages;
}

/** What Amazon takes; unknown stays unknown. */
export interface Fees {
  readonly fbaPickAndPackCents?: number;
  readonly referralPercent?: number;
  readonly variableClosingCents?: number;
}

/** Keepa's condition code: 1 new, 2 like new, 3 very good, 4 good, 5 acceptable. */
export interface Offer {
  readonly sellerId: string;
  readonly condition: number;
  readonly isFba: boolean;
  readonly isAmazon: boolean;
  readonly isWarehouse: boolean;
  readonly lastSeenAtMs: number | undefined;
  /** The last price on record; absent when undetermined. */
  readonly priceCents?: number;
  /** Absent: unknown, which is not free. */
  readonly shippingCents?: number;
  /** In the live order of this answer, so on sale now. */
  readonly isLive: boolean;
}

export interface Product {
  readonly asin: string;
  readonly domainId: number;
  readonly title?: string;
  /** 0 standard, 3 inaccessible, 4 invalid (these two are empty), 5 parent of variations. */
  readonly productType: number;
  readonly updatedAtMs?: number;
  /** Absent when the answer carried none (csv null or missing): not the same as an empty one. */
  readonly history?: History;
  /** Absent when the statistics are: then nobody knows whether there is a cap. */
  readonly amazon?: AmazonPrices;
  /** Absent when the statistics are: not asked for, or not delivered whole. */
  readonly listing?: ListingFigures;
  readonly fees: Fees;
  /** Absent when none were asked for. */
  readonly offers?: readonly Offer[];
  /** False: Keepa could not refresh them and the list is historical. Absent: not asked. */
  readonly offersFresh?: boolean;
  /** There may be more live offers than the list holds. Absent: not so, or not asked. */
  readonly offersCut?: true;
}

export interface ProductFault {
  readonly asin: string | undefined;
  readonly why: string;
}

export interface ProductBatch {
  readonly products: readonly Product[];
  /** Asked for and not in the answer: neither billed nor judged. */
  readonly missing: readonly string[];
  readonly faults: readonly ProductFault[];
}
