/**
 * Seller trust: how good a seller is at least, as far as the number of ratings allows to say.
 *
 * 100 % of three ratings is worth less than 97 % of ten thousand. The lower end of Wilson's
 * interval says so without a threshold: few ratings keep it low, many bring it near the share.
 * A seller without ratings is unknown, which is not the same as 0 %.
 */
import type { Seller } from '../keepa/seller.ts';

/** The 97.5 % quantile of the normal distribution: 95 % lie between it and its negative. */
const normalQuantile = 1.959963984540054;

/**
 * Lower bound, 0 to 1, of the share of satisfied buyers at 95 % confidence (two-sided); undefined
 * without a rating. The count of satisfied ones is the published per cent of the ratings.
 */
export function sellerTrust(
  seller: Pick<Seller, 'ratingPercent' | 'ratingCount'>,
): number | undefined {
  const { ratingPercent, ratingCount } = seller;
  if (ratingPercent === undefined || ratingCount === undefined || ratingCount <= 0) {
    return undefined;
  }
  const share = Math.min(100, Math.max(0, ratingPercent)) / 100;
  const spread = normalQuantile ** 2 / ratingCount;
  const centre = share + spread / 2;
  const reach = Math.sqrt(spread * (share * (1 - share) + spread / 4));
  return Math.max(0, (centre - reach) / (1 + spread));
}
