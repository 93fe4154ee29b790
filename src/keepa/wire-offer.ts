/**
 * The offers of a product: the live ones, and hundreds that are long gone.
 *
 * Keepa lists every offer it ever saw (8 to 356 for 20 asked). Which of them are on sale now stands
 * in `liveOffersOrder`, as positions in the list; it proves nothing when the refresh failed.
 */
import { z } from 'zod';
import type { Offer } from './product.ts';
import {
  firstIssue,
  readCount,
  readPositive,
  readTimeMs,
  ShapeError,
  unread,
  type WireList,
  wireList,
  withoutAbsent,
} from './wire-values.ts';

/** `offerCSV` holds [time, price, shipping] per change. */
const triplet = 3;

const offerShape = z.object({
  sellerId: z.string().min(1),
  // Absent is Keepa's own 0: unknown.
  condition: z.number().int().nullish(),
  isFBA: z.boolean().nullish(),
  isAmazon: z.boolean().nullish(),
  isWarehouseDeal: z.boolean().nullish(),
  lastSeen: unread,
  offerCSV: wireList.nullish(),
});

export interface OfferAnswer {
  readonly offers: WireList | null | undefined;
  readonly liveOrder: WireList | null | undefined;
  /** Whether Keepa could refresh them: otherwise none is known to be on sale now. */
  readonly isFresh: boolean;
  /** Whether the answer was asked to hold live offers only. */
  readonly onlyLive: boolean;
}

/**
 * The offers in the order sent. An unreadable one that is not on sale is left out, as nobody reads
 * it.
 *
 * @throws ShapeError for an unreadable one that is on sale: it could be the cheapest.
 */
export function decodeOffers(answer: OfferAnswer): Offer[] {
  const livePositions = new Set(answer.isFresh ? answer.liveOrder : []);
  const allLive = answer.isFresh && answer.onlyLive && !Array.isArray(answer.liveOrder);
  const offers: Offer[] = [];
  (answer.offers ?? []).forEach((wireOffer, position) => {
    const isLive = allLive || livePositions.has(position);
    try {
      offers.push(decodeOffer(wireOffer, isLive));
    } catch (thrown) {
      if (!(thrown instanceof ShapeError)) throw thrown;
      if (isLive) throw new ShapeError(`offers[${position}].${thrown.message}`);
    }
  });
  return offers;
}

function decodeOffer(wireOffer: unknown, isLive: boolean): Offer {
  const { data, error } = offerShape.safeParse(wireOffer);
  if (data === undefined) throw new ShapeError(firstIssue(error));
  const prices = data.offerCSV ?? [];
  const last = (Math.floor(prices.length / triplet) - 1) * triplet;
  return {
    sellerId: data.sellerId,
    condition: data.condition ?? 0,
    isFba: data.isFBA === true,
    isAmazon: data.isAmazon === true,
    isWarehouse: data.isWarehouseDeal === true,
    lastSeenAtMs: readTimeMs(data.lastSeen, 'lastSeen'),
    isLive,
    ...(last < 0
      ? {}
      : withoutAbsent({
          priceCents: readPositive(prices[last + 1], 'offerCSV price'),
          // 0 is free shipping, and known.
          shippingCents: readCount(prices[last + 2], 'offerCSV shipping'),
        })),
  };
}
