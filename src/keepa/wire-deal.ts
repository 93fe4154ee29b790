/**
 * A page of a deal listing: up to 150 rows of some 600 numbers, of which a row of ours needs 20.
 *
 * The lists of a row are indexed by price type (price-type.ts); averages by interval outside and
 * price type inside. A row of a shape that Keepa does not document fails alone and is reported; its
 * page is paid for, and the other rows are good.
 *
 * Invariants:
 * - rows + faults = rows on the wire, and only a page whose list is there has a count at all: an
 *   answer without one must never look like the empty page that ends a sweep.
 */
import { z } from 'zod';
import { isAsin } from './call-limits.ts';
import type { DealPage, DealRow, IntervalAverages, RowFault } from './deal-row.ts';
import { isMoney, priceIndex } from './price-type.ts';
import {
  decoration,
  elementAt,
  firstIssue,
  isRecord,
  readCategory,
  readCount,
  readPositive,
  readTimeMs,
  ShapeError,
  unread,
  type WireList,
  wireList,
  withoutAbsent,
} from './wire-values.ts';

/** Positions in the outer dimension of `avg`. */
const intervals = ['day', 'week', 'month', 'quarter'] as const;
/** File names on Amazon's image host look like 51ugCZ5LL.jpg. */
const imageNamePattern = /^[\w.+%-]{1,100}$/;

const rowShape = z.object({
  // An ASIN of another shape would later cost a whole batch of a hundred its answer.
  asin: z.string().refine(isAsin, 'is no ASIN'),
  title: decoration(z.string()),
  parentAsin: decoration(z.string().refine(isAsin)),
  image: unread,
  rootCat: unread,
  current: wireList,
  currentSince: wireList.nullish(),
  avg: wireList.nullish(),
  creationDate: unread,
  lastUpdate: unread,
  salesRankDrops30: unread,
  salesRankDrops90: unread,
  salesRankDrops180: unread,
  salesRankDrops365: unread,
});
type WireRow = z.infer<typeof rowShape>;

/**
 * The page in an answer's body, for a query about `priceType`.
 *
 * @throws ShapeError when the list of rows is not there.
 */
export function decodeDealPage(body: unknown, priceType: number): DealPage {
  const deals = isRecord(body) ? body.deals : undefined;
  const list = isRecord(deals) ? deals.dr : undefined;
  if (!Array.isArray(list)) throw new ShapeError('deals.dr: no list of rows in the answer');
  const rows: DealRow[] = [];
  const faults: RowFault[] = [];
  list.forEach((wireRow: unknown, index) => {
    const row = decodeOrExplain(wireRow, priceType);
    if (typeof row === 'string') faults.push({ index, asin: asinOf(wireRow), why: row });
    else rows.push(row);
  });
  return { rows, faults, wireRows: list.length };
}

/** The row, or in one line why it cannot be read. */
function decodeOrExplain(wireRow: unknown, priceType: number): DealRow | string {
  const { data, error } = rowShape.safeParse(wireRow);
  if (data === undefined) return firstIssue(error);
  try {
    return decodeRow(data, priceType);
  } catch (thrown) {
    if (thrown instanceof ShapeError) return thrown.message;
    throw thrown;
  }
}

function decodeRow(row: WireRow, priceType: number): DealRow {
  const price = (index: number) => readPositive(elementAt(row.current, index), `current[${index}]`);
  const count = (index: number) => readCount(elementAt(row.current, index), `current[${index}]`);
  const { rank } = priceIndex;
  return withoutAbsent({
    asin: row.asin,
    title: row.title ?? '',
    imageName: decodeImageName(row.image),
    parentAsin: row.parentAsin ?? undefined,
    rootCategory: readCategory(row.rootCat),
    priceType,
    // A query about the sales rank has ranks in these places, and a rank is not money.
    priceCents: isMoney(priceType) ? price(priceType) : undefined,
    priceSinceMs: readTimeMs(elementAt(row.currentSince, priceType), `currentSince[${priceType}]`),
    averageCents: isMoney(priceType) ? decodeAverages(row.avg, priceType) : {},
    rank: price(rank),
    averageRank: decodeAverages(row.avg, rank),
    rankDrops: withoutAbsent({
      days30: readCount(row.salesRankDrops30, 'salesRankDrops30'),
      days90: readCount(row.salesRankDrops90, 'salesRankDrops90'),
      days180: readCount(row.salesRankDrops180, 'salesRankDrops180'),
      days365: readCount(row.salesRankDrops365, 'salesRankDrops365'),
    }),
    amazonCents: price(priceIndex.amazon),
    newCents: price(priceIndex.new),
    usedCents: price(priceIndex.used),
    newOffers: count(priceIndex.countNew),
    usedOffers: count(priceIndex.countUsed),
    createdAtMs: readTimeMs(row.creationDate, 'creationDate'),
    updatedAtMs: readTimeMs(row.lastUpdate, 'lastUpdate'),
  });
}

/** The averages of one price type: `avg[interval][priceType]`, the interval outside. */
function decodeAverages(avg: WireList | null | undefined, priceType: number): IntervalAverages {
  const averages: { -readonly [K in keyof IntervalAverages]: IntervalAverages[K] } = {};
  intervals.forEach((interval, position) => {
    const ofInterval = elementAt(avg, position) ?? [];
    if (!Array.isArray(ofInterval)) throw new ShapeError(`avg[${position}]: is not a list`);
    const average = readPositive(
      elementAt(ofInterval, priceType),
      `avg[${position}][${priceType}]`,
    );
    if (average !== undefined) averages[interval] = average;
  });
  return averages;
}

/** Keepa sends the file name as a list of character codes, or null; anything else is no name. */
function decodeImageName(image: unknown): string | undefined {
  if (!Array.isArray(image) || image.length > 100) return undefined;
  const name = image
    .map((code: unknown) => (typeof code === 'number' ? String.fromCharCode(code) : ' '))
    .join('');
  return imageNamePattern.test(name) ? name : undefined;
}

function asinOf(wireRow: unknown): string | undefined {
  const asin = isRecord(wireRow) ? wireRow.asin : undefined;
  return typeof asin === 'string' ? asin.slice(0, 40) : undefined;
}
