/**
 * Which rows go into one call, and when those that yielded nothing are asked for again.
 *
 * One product that Keepa cannot answer can spoil the answer for the hundred beside it, and nobody
 * can tell which one it was. So what failed together comes back in halves, in the end singly: the
 * others are through after the first half, and the one that it was is alone with itself. Each time
 * it waits longer, so that it never stands in the way of the rest.
 *
 * Invariants:
 * - rows with different numbers of fruitless tries never share a call;
 * - the wait doubles from five minutes and ends at a day: nothing is ever given up, and nothing
 *   costs more than a try a day.
 */
import type { DomainId } from '../keepa/call.ts';
import { isDomainId } from '../keepa/domain.ts';
import type { WorkRow } from '../store/judging-ports.ts';

const retryFirstMs = 5 * 60_000;
/** The longest that anything waits. */
export const retryCapMs = 24 * 3_600_000;

/** The rows of one call: one marketplace, products each once. */
export interface Batch {
  readonly domainId: DomainId;
  readonly asins: readonly string[];
  /** Rows of these products; a product with two price types has two. */
  readonly rows: readonly WorkRow[];
}

/**
 * The first row and those behind it that may share its call, in the order given: at most
 * `itemsMax` products, halved for every fruitless try, at least one. Undefined without a row.
 */
export function nextBatch(
  due: readonly WorkRow[],
  { itemsMax }: { readonly itemsMax: number },
): Batch | undefined {
  const head = due.find(({ domainId }) => isDomainId(domainId));
  if (head === undefined || !isDomainId(head.domainId)) return undefined;
  const { domainId, attempts } = head;
  const alike = due.filter((row) => row.domainId === domainId && row.attempts === attempts);
  const most = Math.max(1, Math.floor(itemsMax / 2 ** attempts));
  const asins = [...new Set(alike.map(({ asin }) => asin))].slice(0, most);
  const chosen = new Set(asins);
  return { domainId, asins, rows: alike.filter(({ asin }) => chosen.has(asin)) };
}

/** When a row that yielded nothing at `nowMs`, after `attempts` fruitless tries before, is due. */
export function retryAtMs({ attempts }: Pick<WorkRow, 'attempts'>, nowMs: number): number {
  return nowMs + Math.min(retryCapMs, retryFirstMs * 2 ** attempts);
}

/**
 * The batch size that its class can pay for, as far as the broker has refused larger ones. It holds
 * for the plan on which it was learned: on another one everything is asked for again.
 */
export class FittingSize {
  readonly #most: number;
  #fitting: { readonly items: number; readonly capacity: number | undefined } | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  at(capacity: number | undefined): number {
    return this.#fitting?.capacity === capacity ? (this.#fitting?.items ?? this.#most) : this.#most;
  }

  /** Takes in a refusal; false when not even one item fits. */
  refused(fitsItems: number, capacity: number | undefined): boolean {
    if (fitsItems < 1) return false;
    this.#fitting = { items: fitsItems, capacity };
    return true;
  }
}
