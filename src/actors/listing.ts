/**
 * What the upserter and the backfiller share: a listing page on its way from Keepa to the store.
 *
 * Seeing a row costs nothing beyond its page, so every row of every page is screened, re-priced
 * and dated here, whatever it was bought for. There is one path, because two of them drift.
 */
import assert from 'node:assert/strict';
import { promiseOf } from '../analysis/promise.ts';
import { screenRow } from '../analysis/screen.ts';
import type { Broker, Settlement, SpendClass } from '../broker/request.ts';
import type { CostModel } from '../config-judging.ts';
import type { DealCall } from '../keepa/call.ts';
import type { DealPage, DealRow } from '../keepa/deal-row.ts';
import type { Log } from '../runtime/log.ts';
import type { DealWriter, ListedPage, PageCounts, ScreenedRow } from '../store/ports.ts';
import { type Feed, identityOf } from './feed.ts';

/** Keepa lists only what it looked at within a day (observed at most 22.9 h)... */
const updateAgeMsMax = 24 * 3_600_000;
/** ...and its look may lie a minute ahead of the answer; ten allow for clocks that differ. */
const updateAheadMsMax = 10 * 60_000;

/**
 * Why the page's times cannot be true, or undefined. A wrong epoch or a wrong system clock makes
 * today's rows look years old, and whatever is judged by age would follow: it is not stored.
 */
export function timeFault(rows: readonly DealRow[], nowMs: number): string | undefined {
  const times = rows.flatMap((row) => (row.updatedAtMs === undefined ? [] : [row.updatedAtMs]));
  if (times.length === 0) return undefined;
  const aheadMs = Math.max(...times) - nowMs;
  if (aheadMs <= updateAheadMsMax && aheadMs >= -updateAgeMsMax) return undefined;
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  const side = aheadMs > 0 ? 'ahead of' : 'behind';
  return `the newest row was updated ${minutes} min ${side} this machine's clock`;
}

/** One page to be bought, and for what. */
export interface PageOrder {
  readonly feed: Feed;
  readonly spendClass: SpendClass;
  readonly purpose: string;
  readonly call: DealCall;
  /** What the page is to a sweep once it is there; a head poll belongs to none. */
  sweepOf(page: DealPage): ListedPage['sweep'];
  /**
   * Runs after the rows are committed, and before anything else is bought. It never throws: the
   * page is stored, and would only be stored again.
   */
  afterStore(): Promise<void>;
  readonly signal: AbortSignal;
}

/** Why a page brought nothing; `isHopeless`: asking again soon will not help. */
export interface Trouble {
  readonly trouble: string;
  readonly isHopeless: boolean;
}

/** What a page brought, or why it brought nothing. */
export type PageBought = { readonly page: DealPage; readonly counts: PageCounts } | Trouble;

/** What turns a page into stored rows. */
export interface ListingParts {
  readonly broker: Broker;
  readonly writer: DealWriter;
  /** What a copy costs besides its price, for what a row promises. */
  readonly costs: CostModel;
  readonly log: Log;
}

/** Buys one page, screens its rows and stores them in one transaction. */
export async function buyPage(
  { broker, writer, costs, log }: ListingParts,
  order: PageOrder,
): Promise<PageBought> {
  const { feed, call, spendClass, purpose, signal } = order;
  let stored: PageBought | undefined;
  const settlement = await broker.request({
    spendClass,
    purpose,
    call,
    signal,
    commit: async ({ answer: page, atMs }) => {
      const fault = shapeFault(page) ?? timeFault(page.rows, atMs);
      if (fault !== undefined) {
        stored = { trouble: fault, isHopeless: true };
        return;
      }
      const rows = page.rows.map((row) => screened(row, feed, costs));
      const sweep = order.sweepOf(page);
      const { wireRows } = page;
      const listed = { feed: identityOf(feed, call.query), rows, wireRows, seenAtMs: atMs };
      const counts = await writer.storePage(sweep === undefined ? listed : { ...listed, sweep });
      await order.afterStore();
      stored = { page, counts };
    },
  });
  if (settlement.kind !== 'answered') return troubleOf(settlement);
  assert(stored !== undefined, 'an answered request has been committed');
  if ('page' in stored) tellFaults(log, feed, stored.page);
  return stored;
}

/** A row that cannot be read costs its page nothing, but it does not vanish without a word. */
function tellFaults(log: Log, feed: Feed, { faults }: DealPage): void {
  const [first] = faults;
  if (first === undefined) return;
  log.warn('rows-unreadable', { feed: feed.name, rows: faults.length, first: first.why });
}

/** The promise of a rejected row counts as well: another feed's screen may let it pass. */
function screened(row: DealRow, feed: Feed, costs: CostModel): ScreenedRow {
  const rejectedFor = screenRow(row, feed.screen);
  const promise = promiseOf(row, costs);
  return rejectedFor === undefined ? { row, promise } : { row, promise, rejectedFor };
}

function troubleOf(
  settlement: Exclude<Settlement<DealCall>, { readonly kind: 'answered' }>,
): PageBought {
  switch (settlement.kind) {
    case 'permanent':
      return { trouble: `Keepa refuses it: ${settlement.why}`, isHopeless: true };
    case 'unstorable':
      return { trouble: `cannot be stored: ${settlement.why}`, isHopeless: true };
    case 'dead':
      return {
        trouble: `given up after ${settlement.attempts} attempts: ${settlement.why}`,
        isHopeless: false,
      };
    case 'too-large':
      return { trouble: 'a page costs more than its class can ever save', isHopeless: true };
    case 'cancelled':
      return { trouble: 'taken back', isHopeless: false };
  }
}

/**
 * Why a page says nothing about its feed: most of its rows cannot be read. Keepa has changed the
 * shape of its rows then, and a sweep of such pages would prove every deal absent.
 */
export function shapeFault({ rows, faults }: DealPage): string | undefined {
  const [first] = faults;
  if (first === undefined || faults.length <= rows.length) return undefined;
  return `${faults.length} of ${rows.length + faults.length} rows cannot be read: ${first.why}`;
}

/**
 * How many neighbours are out of newest-first order. The order is only checked: correctness never
 * rests on it, but a listing in another order than asked for is worth knowing about.
 */
export function outOfOrder(rows: readonly DealRow[]): number {
  let count = 0;
  let before: number | undefined;
  for (const { createdAtMs } of rows) {
    if (createdAtMs === undefined) continue;
    if (before !== undefined && createdAtMs > before) count += 1;
    before = createdAtMs;
  }
  return count;
}
