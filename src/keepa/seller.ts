/** A seller's record, decoded. A seller without ratings is unknown, not bad. */
export interface Seller {
  readonly sellerId: string;
  readonly name?: string;
  /** 0 to 100; absent without ratings. */
  readonly ratingPercent?: number;
  readonly ratingCount?: number;
  readonly isFba?: boolean;
}

export interface SellerBatch {
  readonly sellers: readonly Seller[];
  readonly missing: readonly string[];
}
