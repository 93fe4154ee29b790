/**
 * Sellers: of a long record, the name and the rating.
 *
 * `currentRating` is not in Keepa's list of fields but in its answers; where it is missing, the
 * last point of the rating's series says the same. A seller nobody has rated has no per cent: 0
 * would make it the worst of all.
 */
import { z } from 'zod';
import type { SellerCall } from './call.ts';
import type { Seller, SellerBatch, SellerFault } from './seller.ts';
import {
  decoration,
  elementAt,
  firstIssue,
  isRecord,
  readCount,
  ShapeError,
  unread,
  wireList,
  withoutAbsent,
} from './wire-values.ts';

const percentMax = 100;

const sellerShape = z.object({
  sellerName: decoration(z.string()),
  hasFBA: decoration(z.boolean()),
  currentRating: unread,
  currentRatingCount: unread,
  csv: wireList.nullish(),
});

/**
 * The sellers in an answer's body. A body without any is an answer in which all are missing: Keepa
 * leaves out those it does not know.
 *
 * @throws ShapeError when `sellers` is something else than an object of sellers by id.
 */
export function decodeSellerBatch(body: unknown, call: SellerCall): SellerBatch {
  const byId = (isRecord(body) ? body.sellers : undefined) ?? {};
  if (!isRecord(byId)) throw new ShapeError('sellers: is not an object by seller id');
  const sellers: Seller[] = [];
  const missing: string[] = [];
  const faults: SellerFault[] = [];
  for (const sellerId of new Set(call.sellerIds)) {
    const wireSeller = Object.hasOwn(byId, sellerId) ? byId[sellerId] : undefined;
    if (wireSeller === undefined || wireSeller === null) {
      missing.push(sellerId);
      continue;
    }
    const seller = decodeOrExplain(sellerId, wireSeller);
    if (typeof seller === 'string') faults.push({ sellerId, why: seller });
    else sellers.push(seller);
  }
  return { sellers, missing, faults };
}

function decodeOrExplain(sellerId: string, wireSeller: unknown): Seller | string {
  const { data, error } = sellerShape.safeParse(wireSeller);
  if (data === undefined) return firstIssue(error);
  try {
    const ratingCount =
      readCount(data.currentRatingCount, 'currentRatingCount') ?? lastValue(data.csv, 1);
    const percent = readCount(data.currentRating, 'currentRating') ?? lastValue(data.csv, 0);
    const isRated = percent !== undefined && percent <= percentMax && ratingCount !== 0;
    return withoutAbsent({
      sellerId,
      name: data.sellerName ?? undefined,
      ratingPercent: isRated ? percent : undefined,
      ratingCount,
      isFba: data.hasFBA ?? undefined,
    });
  } catch (thrown) {
    if (thrown instanceof ShapeError) return thrown.message;
    throw thrown;
  }
}

/** The value of the last whole point of csv[index], whose points are pairs. */
function lastValue(csv: readonly unknown[] | null | undefined, index: number): number | undefined {
  const points = elementAt(csv, index);
  if (points === null || points === undefined) return undefined;
  if (!Array.isArray(points)) throw new ShapeError(`csv[${index}]: is not a list`);
  const end = points.length - (points.length % 2);
  return end === 0 ? undefined : readCount(points[end - 1], `csv[${index}]`);
}
