/**
 * Sales: the confirmed offer drops, each with the price that was in force.
 *
 * The price of a sale is the last one recorded strictly before the drop: the one in the drop's own
 * minute is already the price of the offers that are left. Without a price above 0 the sale is real
 * but unpriced: it counts for velocity, not for money.
 */
import type { Series } from '../keepa/product.ts';
import { confirmationOf, type RankTrail } from './confirmation.ts';
import { firstFrom, walkTo } from './series.ts';

export type Condition = 'used' | 'new';

export interface Sale {
  /** The drop's minute, Unix ms. */
  readonly atMs: number;
  readonly condition: Condition;
  /** Undefined: no offer of that condition was on record just before the drop. */
  readonly priceCents: number | undefined;
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
  let rankFrom = 0;
  let priceFrom = firstFrom(prices.minutes, drops[0] ?? 0);
  for (const drop of drops) {
    rankFrom = walkTo(ranks.minutes, drop, rankFrom);
    const confirmed = confirmationOf(ranks, drop, rankFrom);
    if (confirmed === undefined) continue;
    priceFrom = walkTo(prices.minutes, drop, priceFrom);
    // The last point strictly before the drop, also when it is an absent one.
    const cents = prices.values[priceFrom - 1] ?? Number.NaN;
    sales.push({
      atMs: drop * minuteMs,
      condition,
      priceCents: cents > 0 ? cents : undefined,
      rankConfirmedAtMs: confirmed * minuteMs,
    });
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
