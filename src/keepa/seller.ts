/** A seller's record, decoded. A seller without ratings is unknown, not bad. */
export interface Seller {
  readonly sellerId: string;
  readonly name?: string;
  /** 0 to 100; absent without ratings. */
  readonly ratingPercent?: number;
  readonly ratingCount?: number;
  /** Keepa may say false of one that does use it. */
  readonly isFba?: boolean;
}

/** A seller that was sent and could not be read. */
export interface SellerFault {
  readonly sellerId: string;
  readonly why: string;
}

export interface SellerBatch {
  readonly sellers: readonly Seller[];
  /** Asked for and not in the answer: unknown to Keepa, and not billed. */
  readonly missing: readonly string[];
  readonly faults: readonly SellerFault[];
}
