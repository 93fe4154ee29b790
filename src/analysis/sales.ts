/**
 * Sales: the confirmed offer drops, each with the price that was in force.
 *
 * The price of a sale is the last one recorded strictly before the drop: the one in the drop's own
 * minute is already the price of the offers that are left. Without a price above 0 the sale is real
 * but unpriced: it counts for velocity, not for money.
 */
import type { Series } from '../keepa/product.ts';
import { confirmationOf, type RankTrail } from './confirmation.ts';
import { valueBefore } from './series.ts';

export type Condition = 'used' | 'new';

export interface Sale {
  /** The drop's minute, Unix ms. */
  readonly atMs: number;
  readonly condition: Condition;
  /** Absent: no offer of that condition was on record just before the drop. */
  readonly priceCents?: number;
  /** Time of the sales-rank point that confirmed it, Unix ms. */
  readonly rankConfirmedAtMs: number;
}

const minuteMs = 60_000;

/** The confirmed ones among `drops` (minutes, in order), in the same order. */
export function confirmedSales(input: {
  readonly condition: Condition;
  readonly drops: Int32Array;
  readonly ranks: RankTrail;
  /** Timeline of the price of that condition. */
  readonly prices: Series;
}): Sale[] {
  const { condition, drops, ranks, prices } = input;
  const sales: Sale[] = [];
  for (const drop of drops) {
    const confirmed = confirmationOf(ranks, drop);
    if (confirmed === undefined) continue;
    const sale = { atMs: drop * minuteMs, condition, rankConfirmedAtMs: confirmed * minuteMs };
    const priceCents = valueBefore(prices, drop);
    sales.push(priceCents > 0 ? { ...sale, priceCents } : sale);
  }
  return sales;
}

/** Both lists, each in order of time, as one in order of time; used before new in a minute. */
export function mergedByTime(used: readonly Sale[], fresh: readonly Sale[]): Sale[] {
  const merged: Sale[] = [];
  let next = 0;
  for (const sale of used) {
    for (let other = fresh[next]; other && other.atMs < sale.atMs; other = fresh[next]) {
      merged.push(other);
      next += 1;
    }
    merged.push(sale);
  }
  return merged.concat(fresh.slice(next));
}
