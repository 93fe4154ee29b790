/**
 * What is complete enough to be judged.
 *
 * The predecessor read throttled and partial answers as "no data" and rejected more than half of
 * what it had paid for. So a payload is first asked whether it is whole. One that is not says
 * nothing: the row stays as it was and comes back later (promise P9).
 *
 * Some products are like that, though: they have no ranks, or no history at all. An answer of such
 * a product and a broken one look the same, and only repetition tells them apart. How often depends
 * on what believing a falsehood would do.
 *
 * Invariants:
 * - what an earlier answer had and this one lacks is never believed: it is this one that lacks it;
 * - only answers that lacked the same count towards believing: one that was missing altogether, or
 *   a request that died, says nothing about the product.
 */
import { recordsNothing } from '../analysis/recheck.ts';
import type { AmazonPrices, History, Product, Series } from '../keepa/product.ts';
import type { DealKey } from '../store/judging-ports.ts';
import type { DealReader } from '../store/ports.ts';

/** What is known of a row's product besides the answer at hand. */
export interface Known {
  /** What was bought of it before; undefined: nothing that can be read. */
  readonly kept: Product | undefined;
  /** Why each of the row's fruitless tries so far was fruitless. */
  readonly earlier: readonly string[];
}

/** So many answers that lack the same before one more is believed, spaced over five hours. */
const lackingUntilBelieved = 6;
/** A series that is missing beside others: rarely a broken answer, so it is asked for once more. */
const seriesLackingUntilBelieved = 1;

interface Lack {
  readonly why: string;
  readonly believedAfter: number;
}

/** Why the product as bought is not whole, or undefined when it may be judged. */
export function incompleteness(product: Product, { kept, earlier }: Known): string | undefined {
  const lost = lostPart(product, kept);
  if (lost !== undefined) return lost;
  // Keepa records nothing of these: empty is all they can be.
  if (recordsNothing(product)) return undefined;
  return lacksOf(product, kept).find((lack) => !isBelieved(lack, earlier))?.why;
}

/** Whether the same was answered so often that one more answer is taken at its word. */
export function isBelieved({ why, believedAfter }: Lack, earlier: readonly string[]): boolean {
  return earlier.filter((other) => other === why).length >= believedAfter;
}

/** Of a product of which Keepa records nothing, when asked whether it would still be listed. */
export const recordsNothingAnyMore: Lack = {
  why: 'Keepa records nothing of the product',
  believedAfter: lackingUntilBelieved,
};

function lostPart(now: Product, before: Product | undefined): string | undefined {
  if (before === undefined) return undefined;
  if (now.history === undefined) {
    return before.history && 'the history is missing, which was there before';
  }
  if (isWhole(before.amazon) && !isWhole(now.amazon)) {
    return 'the statistics are missing, which were there before';
  }
  return lostSeries(now.history, before.history);
}

function lostSeries(now: History, before: History | undefined): string | undefined {
  if (before === undefined) return undefined;
  if (hasPoints(before.rank) && !hasPoints(now.rank)) return 'the sales ranks are missing';
  if (hasPoints(before.priceUsed) && !hasPoints(now.priceUsed)) return 'the prices are missing';
  if (hasPoints(before.priceNew) && !hasPoints(now.priceNew)) return 'the prices are missing';
  return hasCounts(before) && !hasCounts(now) ? 'the offer counts are missing' : undefined;
}

/** What a product lacks that was never seen with it. A kept history without it was believed. */
function lacksOf({ history, amazon }: Product, kept: Product | undefined): readonly Lack[] {
  if (history === undefined) {
    return [{ why: 'the history is missing', believedAfter: lackingUntilBelieved }];
  }
  if (kept?.history !== undefined) return [];
  const lacks: Lack[] = [];
  const series = [
    ...(hasCounts(history) ? [] : ['offer counts']),
    ...(hasPoints(history.rank) ? [] : ['sales ranks']),
  ];
  if (series.length > 0) {
    const why = `the history has no ${series.join(' and no ')}`;
    lacks.push({ why, believedAfter: seriesLackingUntilBelieved });
  }
  if (!isWhole(amazon)) {
    lacks.push({
      why: 'the statistics lack the prices of Amazon',
      believedAfter: lackingUntilBelieved,
    });
  }
  return lacks;
}

/** Whether the statistics say what the cap on the list-at price is, be it that there is none. */
export function isWhole(amazon: AmazonPrices | undefined): boolean {
  return amazon !== undefined && amazon.isPartial !== true;
}

function hasCounts({ countUsed, countNew }: History): boolean {
  return hasPoints(countUsed) || hasPoints(countNew);
}

function hasPoints(series: Series | undefined): boolean {
  return series !== undefined && series.minutes.length > 0;
}

/**
 * Why the last `attempts` tries for the product before `beforeMs` yielded nothing. Two rows of one
 * product that were answered together are one try; what could not be judged from kept evidence was
 * none. What is noted at `beforeMs` itself is the answer at hand, stored a second time.
 */
export async function earlierTries(
  reader: DealReader,
  { attempts, ...row }: DealKey & { readonly attempts: number },
  beforeMs: number,
): Promise<readonly string[]> {
  if (attempts === 0) return [];
  const whys = new Map<number, string>();
  for (const { kind, atMs, text } of await reader.past(row)) {
    if (kind !== 'retry' || Math.abs(atMs - beforeMs) < 1) continue;
    const [purpose, ...why] = text.split(': ');
    if (purpose !== 'rejudge') whys.set(atMs, why.join(': '));
  }
  return [...whys.values()].slice(-attempts);
}
