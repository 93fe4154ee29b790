/**
 * One row of a deal listing, decoded: what a page of 5 tokens tells about each of its 150 products.
 *
 * Money is integer cents of the domain's currency (whole yen for co.jp). A field that Keepa left
 * out, or sent as -1 or -2, is absent.
 */

/** Averages of one price type over Keepa's four intervals (the first covers 48 h, not 24). */
export interface IntervalAverages {
  readonly day?: number;
  readonly week?: number;
  readonly month?: number;
  readonly quarter?: number;
}

/** How often the sales rank dropped within so many days: a proxy for sales. */
export interface RankDrops {
  readonly days30?: number;
  readonly days90?: number;
  readonly days180?: number;
  readonly days365?: number;
}

export interface DealRow {
  readonly asin: string;
  readonly title: string;
  /** File name on Amazon's image host. */
  readonly imageName?: string;
  readonly parentAsin?: string;
  readonly rootCategory?: number;
  /** The csv index of the price that the query asked about (2 = used). */
  readonly priceType: number;
  /** Current price of that type; absent: no offer. */
  readonly priceCents?: number;
  /** Since when it has been that, Unix ms. */
  readonly priceSinceMs?: number;
  readonly averageCents: IntervalAverages;
  readonly rank?: number;
  readonly averageRank: IntervalAverages;
  readonly rankDrops: RankDrops;
  /** Current prices of the other kinds that a screen may compare with. */
  readonly amazonCents?: number;
  readonly newCents?: number;
  readonly usedCents?: number;
  readonly newOffers?: number;
  readonly usedOffers?: number;
  /** When this price last changed enough to make it a deal, Unix ms. */
  readonly createdAtMs?: number;
  /** Keepa's own last look; says nothing about a change. May lie a minute ahead. */
  readonly updatedAtMs?: number;
}

/** A row that could not be read: it fails alone. */
export interface RowFault {
  readonly index: number;
  readonly asin: string | undefined;
  readonly why: string;
}

export interface DealPage {
  readonly rows: readonly DealRow[];
  readonly faults: readonly RowFault[];
  /**
   * Rows on the wire, readable or not. Only an answered page with fewer than `dealPageRows` of
   * them ends a sweep.
   */
  readonly wireRows: number;
}

/** Rows of a full page (keepa-facts 6.2). */
export const dealPageRows = 150;
/** Keepa shows at most 10,000 rows of a query, so page 66 is the last it ever fills. */
export const dealPageLast = 66;
