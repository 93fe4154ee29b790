/**
 * The work that every policy is given: five actors, each with one request outstanding.
 *
 * They are those of keepa-deals in small: one polls the head of the list, one sweeps it, one
 * verifies survivors and judges what is fresh, one judges the backlog, one looks at rows that are
 * missing. Each asks for the next thing when the last one is stored, and none ever gives up.
 *
 * A token is *useful* when it bought something that was not known: a page with at least one row
 * that is new, has another price, or was last seen two minutes ago or more (looked at more often, a
 * listing shows the same page twice); the first history of a row; offers of a survivor at a price
 * not verified yet; a look at a row that two sweeps lack. The measure is the bill, and it is
 * the same for all.
 */

import { FittingSize } from '../../src/actors/batch-spacing.ts';
import { headIntervalMs } from '../../src/actors/planning.ts';
import { defaultShares } from '../../src/config.ts';
import { dealPageLast } from '../../src/keepa/deal-row.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { KnownRow, KnownRows, Work } from './known-rows.ts';
import {
  type MarketTape,
  type MarketView,
  pageRows,
  sinceMs,
  type TapeRow,
} from './market-tape.ts';
import type { BenchActor, Ending, Order, Policy } from './policy.ts';

/** The shortest time between the starts of two sweeps: the daemon's default. */
const sweepIntervalMs = 300_000;
/** See the head of the file. */
const usefulAgeMs = 120_000;
const idleMs = 60_000;
const hourMs = 3_600_000;
const pageTokens = 5;
/** Rows are asked for again a moment later, so that two answers never share an instant. */
const nextMs = 1;

const query = { domainId: 1, priceType: 2, sortType: 4, selection: {}, hash: 'bench' } as const;

export interface WorkloadParts {
  readonly clock: Clock;
  readonly policy: Policy;
  readonly tape: MarketTape;
  readonly view: MarketView;
  readonly known: KnownRows;
  readonly rate: number;
}

export class Workload {
  readonly #parts: WorkloadParts;
  readonly #sizes: { readonly history: FittingSize; readonly offers: FittingSize };
  usefulTokens = 0;
  sweeps = 0;
  /** Tokens by what they bought. */
  readonly spent = new Map<string, number>();

  constructor(parts: WorkloadParts) {
    const { batch } = parts.policy;
    this.#parts = parts;
    this.#sizes = {
      history: new FittingSize(batch.history),
      offers: new FittingSize(batch.offers),
    };
  }

  /** Sets all actors going; they go on for as long as the clock does. */
  start(): void {
    void this.#pollHeads();
    void this.#sweep();
    void this.#work('fresh', ['verify', 'fresh', 'verify-again']);
    void this.#work('backlog', ['backlog']);
    void this.#work('recheck', ['recheck']);
    void this.#endUnseen();
  }

  async #pollHeads(): Promise<void> {
    const { clock, policy, rate, view } = this.#parts;
    const income = { netRate: rate, sharePercent: defaultShares.head };
    const intervalMs = policy.headEveryMs ?? headIntervalMs(1, income);
    for (;;) {
      const startedMs = clock.monotonic();
      for (let page = 0; page <= dealPageLast; page += 1) {
        let isMore = false;
        await this.#buyPage('head', 'head-poll', (nowMs) => {
          const rows = view.newestPage(page, nowMs);
          isMore = rows.length === pageRows && this.sweeps > 0 && !this.#knowsAny(rows);
          return rows;
        });
        if (!isMore) break;
      }
      await clock.sleep(Math.max(nextMs, startedMs + intervalMs - clock.monotonic()));
    }
  }

  async #sweep(): Promise<void> {
    const { clock, view, known } = this.#parts;
    for (;;) {
      const startedMs = clock.now();
      let isLast = false;
      for (let page = 0; !isLast; page += 1) {
        await this.#buyPage('sweep', 'sweep', (nowMs) => {
          const rows = view.page(page, nowMs);
          isLast = rows.length < pageRows || page >= dealPageLast;
          return rows;
        });
        await clock.sleep(nextMs);
      }
      this.sweeps += 1;
      known.sweepEnded(startedMs);
      await clock.sleep(Math.max(nextMs, startedMs + sweepIntervalMs - clock.now()));
    }
  }

  /** One piece of the first kind of work that there is, and again. */
  async #work(actor: BenchActor, kinds: readonly Work[]): Promise<void> {
    const { clock } = this.#parts;
    for (;;) {
      const waitMs = (await this.#workOnce(actor, kinds)) ? nextMs : idleMs;
      await clock.sleep(waitMs);
    }
  }

  async #workOnce(actor: BenchActor, kinds: readonly Work[]): Promise<boolean> {
    const { clock, known } = this.#parts;
    for (const work of kinds) {
      const isOffers = work === 'verify' || work === 'verify-again';
      const size = isOffers ? this.#sizes.offers : this.#sizes.history;
      const rows = known.take(work, size.at(undefined), clock.now());
      if (rows.length === 0) continue;
      const ending = await this.#buyProducts(actor, work, rows);
      if (ending.kind === 'too-large') {
        known.giveBack(work, rows);
        return size.refused(ending.fits, undefined);
      }
      return true;
    }
    return false;
  }

  async #buyProducts(actor: BenchActor, work: Work, rows: readonly KnownRow[]): Promise<Ending> {
    const { policy, known } = this.#parts;
    const isOffers = work === 'verify' || work === 'verify-again';
    return await policy.ask({
      actor,
      purpose: work,
      call: {
        endpoint: 'product',
        domainId: 1,
        asins: rows.map(({ row }) => row.asin),
        history: true,
        ...(isOffers ? { offers: 20 } : {}),
      },
      store: (items) => {
        for (const bought of rows.slice(0, items)) this.#storeProduct(work, bought);
        known.giveBack(work, rows.slice(items));
      },
    });
  }

  #storeProduct(work: Work, bought: KnownRow): void {
    const { clock, known, tape } = this.#parts;
    const nowMs = clock.now();
    switch (work) {
      case 'fresh':
      case 'backlog':
        this.#spend('history', 1, known.storeHistory(bought));
        break;
      case 'recheck':
        known.storeRecheck(bought, nowMs);
        this.#spend(work, 1, true);
        break;
      default: {
        const tokens = tape.offerTokens(bought.row, nowMs);
        this.#spend(work, tokens, bought.verifiedMs !== bought.pricedMs);
        known.storeOffers(bought, tokens > 0, nowMs);
      }
    }
  }

  async #buyPage(
    actor: BenchActor,
    purpose: string,
    rowsAt: (nowMs: number) => readonly TapeRow[],
  ): Promise<void> {
    const { clock, known, policy } = this.#parts;
    const order: Order = {
      actor,
      purpose,
      call: { endpoint: 'deal', query, page: 0 },
      store: () => {
        const nowMs = clock.now();
        let isNews = false;
        for (const row of rowsAt(nowMs)) {
          const seenMs = known.find(row)?.lastSeenMs ?? Number.NEGATIVE_INFINITY;
          const said = known.see(row, sinceMs(row, nowMs), nowMs);
          isNews ||= said !== 'seen' || nowMs - seenMs >= usefulAgeMs;
        }
        this.#spend(purpose, pageTokens, isNews);
      },
    };
    await policy.ask(order);
  }

  async #endUnseen(): Promise<void> {
    const { clock, known } = this.#parts;
    for (;;) {
      await clock.sleep(hourMs);
      known.endUnseen(clock.now());
    }
  }

  #knowsAny(rows: readonly TapeRow[]): boolean {
    return rows.some((row) => this.#parts.known.find(row) !== undefined);
  }

  #spend(purpose: string, tokens: number, isUseful: boolean): void {
    this.spent.set(purpose, (this.spent.get(purpose) ?? 0) + tokens);
    if (isUseful) this.usefulTokens += tokens;
  }
}
