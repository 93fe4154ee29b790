/**
 * Chooses the live offer that a deal is about.
 *
 * A listing shows a price; whether a copy can be bought at it, with shipping, only the offers say.
 * The cheapest one on sale now, of the kind that the feed asks for, is the deal.
 *
 * Invariants:
 * - an offer counts only when it is on sale in this very answer;
 * - unknown shipping is not free shipping: such an offer has no known price, and can neither be
 *   the cheapest nor prove that nothing is for sale;
 * - nor can a list that Keepa cut: what is dearer than twenty others may lie beyond its end.
 */
import { isSellerId } from '../keepa/call-limits.ts';
import { priceIndex } from '../keepa/price-type.ts';
import type { Offer } from '../keepa/product.ts';

/** The cheapest live offer of a kind, with what it costs in all. */
export interface BestOffer {
  readonly landedCents: number;
  readonly shippingCents: number;
  readonly condition: number;
  /** Absent when the offer's seller has no id that could be asked about. */
  readonly sellerId?: string;
  readonly isFba: boolean;
}

/**
 * - found: the cheapest live offer of the kind with a known price;
 * - none: nothing of the kind is on sale;
 * - beyond: nothing of the kind is in the list, but the list does not hold all that is on sale;
 * - unpriced: something of the kind is on sale, at prices that Keepa could not determine.
 */
export type OfferFinding =
  | { readonly kind: 'found'; readonly offer: BestOffer }
  | { readonly kind: 'none' }
  | { readonly kind: 'beyond' }
  | { readonly kind: 'unpriced' };

/** Keepa's words for a copy's condition: 1 new, 2 to 5 used, 6 refurbished, 7 to 10 collectible. */
const isNew = ({ condition }: Offer): boolean => condition === 1;
const isUsed = ({ condition }: Offer): boolean => condition >= 2 && condition <= 5;
const inCondition =
  (condition: number) =>
  (offer: Offer): boolean =>
    offer.condition === condition;

/** What the price of each type is the price of, by Keepa's index; any other type: any copy. */
const kinds: ReadonlyMap<number, (offer: Offer) => boolean> = new Map([
  [priceIndex.amazon, (offer: Offer) => offer.isAmazon && isNew(offer)],
  [priceIndex.new, isNew],
  [priceIndex.used, isUsed],
  [5, (offer: Offer) => offer.condition >= 7 && offer.condition <= 10],
  [6, inCondition(6)],
  [7, (offer: Offer) => isNew(offer) && !offer.isFba],
  [8, isNew],
  [9, (offer: Offer) => offer.isWarehouse],
  [10, (offer: Offer) => isNew(offer) && offer.isFba],
  [18, isNew],
  [19, inCondition(2)],
  [20, inCondition(3)],
  [21, inCondition(4)],
  [22, inCondition(5)],
  [32, isUsed],
  [33, isNew],
]);

/**
 * The live offer that a deal of this price type is about, among freshly read offers. `isCut`: there
 * may be more than these.
 */
export function findOffer(
  offers: readonly Offer[],
  { priceType, isCut }: { readonly priceType: number; readonly isCut: boolean },
): OfferFinding {
  const isOfKind = kinds.get(priceType) ?? (() => true);
  const live = offers.filter((offer) => offer.isLive && isOfKind(offer));
  let best: BestOffer | undefined;
  for (const offer of live) {
    const { priceCents, shippingCents } = offer;
    if (priceCents === undefined || shippingCents === undefined) continue;
    const landedCents = priceCents + shippingCents;
    if (best !== undefined && best.landedCents <= landedCents) continue;
    best = {
      landedCents,
      shippingCents,
      condition: offer.condition,
      isFba: offer.isFba,
      ...(isSellerId(offer.sellerId) ? { sellerId: offer.sellerId } : {}),
    };
  }
  if (best !== undefined) return { kind: 'found', offer: best };
  if (live.length > 0) return { kind: 'unpriced' };
  return { kind: isCut ? 'beyond' : 'none' };
}
