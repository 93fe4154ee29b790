/**
 * The offers of a product: who sells which copy at what price.
 *
 * As many live offers as the offer counts say, the cheapest of each kind at exactly the price that
 * the price series shows; the others above it. The list also holds offers of the past, as the real
 * one does: only `liveOffersOrder` tells which are on sale.
 */
import { chanceOf } from './draw.ts';
import { minutesPerDay } from './keepa-minute.ts';
import { cheapestCondition } from './price-types.ts';
import type { Product } from './product.ts';
import { amazonSellerId, type SellerBook } from './sellers.ts';
import type { Track } from './track.ts';

/** Offers that Keepa reads at a time; each page found is billed. */
const offersPerPage = 10;
const shippingCents = 399;

export interface OfferAnswer {
  readonly offers: readonly Record<string, unknown>[];
  /** Positions of the live offers in `offers`, cheapest first. */
  readonly liveOrder: readonly number[];
  /** Pages of ten that were found. */
  readonly pages: number;
}

interface Copy {
  readonly landedCents: number;
  readonly record: Record<string, unknown>;
}

/** How many live offers the product has at `minute`. */
function liveOfferCount(product: Product, minute: number): number {
  const used = product.usedShelf.countsUpTo(minute).at(minute);
  const fresh = product.freshShelf?.countsUpTo(minute).at(minute) ?? -1;
  return Math.max(0, used) + Math.max(0, fresh);
}

/** The offers as they stand at `minute`, up to `limit` live ones. */
export function offersOf(
  product: Product,
  minute: number,
  wish: { readonly limit: number; readonly onlyLive: boolean },
  sellers: SellerBook,
): OfferAnswer {
  const count = liveOfferCount(product, minute);
  const live = liveCopies(product, minute, sellers).slice(0, wish.limit);
  const past = wish.onlyLive ? [] : pastCopies(product, minute, sellers);
  const offers: Record<string, unknown>[] = [];
  const position = new Map<Copy, number>();
  // Offers keep the order in which Keepa first saw them: past and live ones are mixed.
  for (let i = 0; i < Math.max(past.length, live.length); i += 1) {
    const gone = past[i];
    if (gone !== undefined) offers.push(gone);
    const copy = live[i];
    if (copy === undefined) continue;
    position.set(copy, offers.length);
    offers.push(copy.record);
  }
  return {
    offers: offers.map((offer, index) => ({ ...offer, offerId: index + 1 })),
    liveOrder: live.map((copy) => position.get(copy) ?? 0),
    // No more are read than were asked for: of 298 recorded calls for 20 none cost three pages.
    pages: Math.ceil(Math.min(wish.limit, count) / offersPerPage),
  };
}

function liveCopies(product: Product, minute: number, sellers: SellerBook): Copy[] {
  const kinds = [
    { track: product.used.upTo(minute), shelf: product.usedShelf, isNew: false },
    { track: product.fresh.upTo(minute), shelf: product.freshShelf, isNew: true },
  ];
  const copies: Copy[] = [];
  for (const { track, shelf, isNew } of kinds) {
    const count = shelf?.countsUpTo(minute).at(minute) ?? 0;
    for (let i = 0; i < count; i += 1) {
      copies.push(liveCopy({ product, minute, sellers, track, index: i, isNew }));
    }
  }
  return copies.sort((a, b) => a.landedCents - b.landedCents);
}

function liveCopy(offer: {
  readonly product: Product;
  readonly minute: number;
  readonly sellers: SellerBook;
  readonly track: Track;
  readonly index: number;
  readonly isNew: boolean;
}): Copy {
  const { product, minute, sellers, track, index, isNew } = offer;
  const unit = (salt: number): number =>
    chanceOf(product.plan.seed, index + (isNew ? 500 : 0), salt);
  const cheapest = track.at(minute);
  const isAmazon = isNew && index === 0 && product.amazon.upTo(minute).at(minute) === cheapest;
  const sellerId = isAmazon
    ? amazonSellerId
    : sellers.idFor(product.plan.seed, index + (isNew ? 500 : 0));
  const isFba = isAmazon || (isNew && product.plan.freshIsFba) || sellers.isFba(sellerId);
  const shipping = isFba || unit(1) < 0.4 ? 0 : shippingCents;
  const landedCents = Math.round(cheapest * (1 + index * (0.02 + 0.1 * unit(2))));
  const usedCondition = index === 0 ? cheapestCondition(product) : 2 + Math.floor(unit(3) * 4);
  const history = index === 0 ? recentTriplets(track, minute, shipping) : [];
  const since = minute - Math.floor(unit(4) * 40 * minutesPerDay);
  return {
    landedCents,
    record: {
      ...offerFlags({ sellerId, isFba, isAmazon, condition: isNew ? 1 : usedCondition }),
      lastSeen: minute,
      offerCSV: index === 0 ? history : [since, landedCents - shipping, shipping],
    },
  };
}

/** The last changes of the cheapest offer; the price on record is without the shipping. */
function recentTriplets(track: Track, minute: number, shipping: number): number[] {
  const last = track.indexAt(minute);
  const triplets: number[] = [];
  for (let i = Math.max(0, last - 5); i <= last; i += 1) {
    const value = track.nthValue(i);
    if (value >= 0) triplets.push(track.nthMinute(i), value - shipping, shipping);
  }
  return triplets;
}

/** Offers that are gone: their last price stands, and says nothing about today. */
function pastCopies(product: Product, minute: number, sellers: SellerBook) {
  const count = 4 + Math.floor(chanceOf(product.plan.seed, 0xbad) * 25);
  return Array.from({ length: count }, (_, index) => {
    const unit = (salt: number): number => chanceOf(product.plan.seed, index, salt, 0x9a57);
    const lastSeen = minute - Math.round((10 + 900 * unit(1)) * minutesPerDay);
    const price = Math.round(product.plan.used.levelCents * (0.4 + unit(2)));
    const sellerId = sellers.idFor(product.plan.seed, 1_000 + index);
    const condition = 1 + Math.floor(unit(3) * 5);
    const offerCSV = [lastSeen - 20 * minutesPerDay, price, shippingCents, lastSeen, price - 50, 0];
    return {
      ...offerFlags({ sellerId, isFba: sellers.isFba(sellerId), isAmazon: false, condition }),
      lastSeen,
      offerCSV: unit(4) < 0.02 ? [...offerCSV, lastSeen + 60, price, -2] : offerCSV,
    };
  });
}

function offerFlags(offer: {
  readonly sellerId: string;
  readonly isFba: boolean;
  readonly isAmazon: boolean;
  readonly condition: number;
}): Record<string, unknown> {
  return {
    condition: offer.condition,
    conditionComment: offer.condition === 1 ? null : 'Clean pages, light wear on the cover.',
    isAmazon: offer.isAmazon,
    isFBA: offer.isFba,
    isMAP: false,
    isPreorder: false,
    isPrime: offer.isFba,
    isPrimeExcl: false,
    isShippable: true,
    isWarehouseDeal: false,
    lastStockUpdate: 0,
    sellerId: offer.sellerId,
    shipsFromChina: false,
  };
}
