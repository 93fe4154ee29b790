/**
 * What a plan sustains: the real broker, on a virtual clock, under the daemon's standing work.
 *
 * Everything that decides about tokens is the daemon's own: bucket, shares, credits, learned
 * holds, admission, the intervals of `actors/planning.ts`. What is left out is what costs time and
 * decides nothing here: rows, their histories, the database. With those (the whole daemon on the
 * simulated Keepa) a day of one plan takes a minute to compute; without, seven plans take seconds,
 * and a test holds the two against each other.
 *
 * Two lives of each plan: one that begins with the backlog there is, for how long it lasts and how
 * fresh the rows are; and one whose candidates never end, for the most that it can judge.
 */
import { headIntervalMs } from '../actors/planning.ts';
import type { SpendClass } from '../broker/request.ts';
import { createBroker, type TokenBroker } from '../broker/token-broker.ts';
import { firstItems, itemsIn, type KeepaCall } from '../keepa/call.ts';
import { type DealQuery, parseDealQuery } from '../keepa/deal-query.ts';
import { dealPageRows } from '../keepa/deal-row.ts';
import { seededRandom } from '../runtime/random.ts';
import { createPricedKeepa, type UnitPrices } from '../simulator/priced-keepa.ts';
import { VirtualClock } from '../simulator/virtual-clock.ts';
import { type MarketFigures, type Order, Workload } from './plan-workload.ts';

export interface PlanQuestion {
  readonly market: MarketFigures;
  readonly prices: UnitPrices;
  /** Candidates to be judged when it begins. */
  readonly backlog: number;
  readonly shares: Readonly<Record<SpendClass, number>>;
  readonly sweepIntervalMs: number;
  readonly ttlMs: number;
  /** What the broker has learned, if it has. */
  readonly learned: unknown;
}

export interface PlanFigures {
  readonly ratePerMinute: number;
  /** Mean time from one sweep's start to the next one's; of all feeds. */
  readonly sweepEveryMs: number;
  readonly headEveryMs: number;
  /** The most it can do in a day, candidates never ending. */
  readonly judgedPerDay: number;
  readonly verifiedPerDay: number;
  /** Age of last seen over all rows, over the last day of the run. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Until the backlog is empty; undefined: more comes in than goes out. */
  readonly backlogMs: number | undefined;
  /** Whether the backlog's end was reached, or is where its trend leads. */
  readonly isBacklogEstimated: boolean;
  /** Three of the longest sweeps fit into the TTL, so no row is dropped for not being looked at. */
  readonly isTtlHeld: boolean;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** What the market does is taken in so often. */
const stepMs = 5 * 60_000;
/** Two rounds of an actor never share an instant. */
const nextRoundMs = 1;
/** As idle actors of the daemon look for work. */
const idleMs = 60_000;
const startMs = Date.UTC(2026, 0, 1);
/** A backlog that lasts longer is judged by its trend on the last of these days. */
const backlogDaysMax = 3;
/** A sweep may take this much of the TTL: the janitor keeps a row for three of the longest. */
const sweepsPerTtl = 3;

/** Runs both lives; the same figures every time. */
export async function runPlan(ratePerMinute: number, question: PlanQuestion): Promise<PlanFigures> {
  // A rich plan shows in hours what a poor one shows in a day.
  const lookMs = dayMs / Math.min(4, Math.max(1, ratePerMinute / 10));
  const busy = new PlanLife(ratePerMinute, question, true);
  await busy.run(lookMs);
  const before = { judged: busy.work.judged, verified: busy.work.verified };
  await busy.run(lookMs);
  const perDay = (count: number): number => Math.round((count * dayMs) / lookMs);
  const life = new PlanLife(ratePerMinute, question, false);
  const backlog = await backlogEnd(life);
  life.beginLooking();
  await life.run(lookMs);
  return {
    ratePerMinute,
    sweepEveryMs: life.sweepEveryMs,
    headEveryMs: life.headEveryMs,
    judgedPerDay: perDay(busy.work.judged - before.judged),
    verifiedPerDay: perDay(busy.work.verified - before.verified),
    p50Ms: life.ageMs(0.5),
    p95Ms: life.ageMs(0.95),
    ...backlog,
    isTtlHeld: sweepsPerTtl * Math.max(life.longestSweepMs, busy.longestSweepMs) <= question.ttlMs,
  };
}

async function backlogEnd(
  life: PlanLife,
): Promise<Pick<PlanFigures, 'backlogMs' | 'isBacklogEstimated'>> {
  let before = life.work.backlog;
  let left = before;
  for (let day = 1; day <= backlogDaysMax; day += 1) {
    await life.run(dayMs, () => life.doneAfterMs !== undefined);
    const { doneAfterMs } = life;
    if (doneAfterMs !== undefined) return { backlogMs: doneAfterMs, isBacklogEstimated: false };
    before = left;
    left = life.work.backlog;
  }
  const perDay = before - left;
  const backlogMs = perDay <= 0 ? undefined : (backlogDaysMax + left / perDay) * dayMs;
  return { backlogMs, isBacklogEstimated: true };
}

const query: DealQuery = parseDealQuery(
  { sortType: 4, dateRange: 3 },
  { domainId: 1, priceType: 2 },
);
const silentLog = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  scoped: () => silentLog,
};

class PlanLife {
  readonly work: Workload;
  longestSweepMs = 0;
  /** Since the start; undefined: not yet. */
  doneAfterMs: number | undefined;
  readonly #clock = new VirtualClock(startMs);
  readonly #question: PlanQuestion;
  readonly #broker: TokenBroker;
  /** When each page of the listings was last swept. */
  readonly #pageSeenAtMs: number[];
  readonly #gapsMs: number[] = [];
  #isLooking = false;
  #sweepStarts: number[] = [];
  #polls = 0;
  #lookingSinceMs = startMs;

  constructor(ratePerMinute: number, question: PlanQuestion, isEndless: boolean) {
    const { market, prices, backlog, shares, learned } = question;
    const clock = this.#clock;
    this.#question = question;
    this.work = new Workload(market, { nowMs: startMs, backlog, isEndless });
    const pages = Math.floor(market.rows / market.feeds / dealPageRows) + 1;
    this.#pageSeenAtMs = Array.from({ length: pages * market.feeds }, () => startMs);
    this.#broker = createBroker({
      clock,
      random: seededRandom(1),
      log: silentLog,
      client: createPricedKeepa({ clock, ratePerMinute, prices }),
      policy: { shares, deficitFloor: 0 },
      record: async () => {},
      gate: () => ({ open: true }),
      isFinal: () => false,
      canPass: () => true,
      learned,
    });
    this.#broker.start();
    void this.#sweep();
    void this.#poll();
    void this.#repeat('upsert', (nowMs) => this.work.nextForAnalyst(nowMs));
    void this.#repeat('backfill', (nowMs) => this.work.nextForBacklog(nowMs));
    void this.#repeat('refresh', () => this.work.nextForRefresher());
  }

  get sweepEveryMs(): number {
    const [first, ...rest] = this.#sweepStarts;
    const last = rest.at(-1);
    if (first === undefined || last === undefined) return this.longestSweepMs;
    return (last - first) / rest.length;
  }

  get headEveryMs(): number {
    const lookedMs = this.#clock.now() - this.#lookingSinceMs;
    return lookedMs / Math.max(1, this.#polls);
  }

  async run(ms: number, isEnough: () => boolean = () => false): Promise<void> {
    const endMs = this.#clock.now() + ms;
    while (this.#clock.now() < endMs && !isEnough()) {
      await this.#clock.advanceBy(Math.min(stepMs, endMs - this.#clock.now()));
      const nowMs = this.#clock.now();
      this.work.advance(nowMs);
      if (!this.work.hasBacklog(nowMs)) this.doneAfterMs ??= nowMs - startMs;
    }
  }

  /** From now on sweeps, polls and ages are counted. */
  beginLooking(): void {
    this.#isLooking = true;
    this.#lookingSinceMs = this.#clock.now();
    this.#sweepStarts = [];
    this.#polls = 0;
  }

  /**
   * The age of last seen that this part of the rows is below, at any moment. A page that is swept
   * every g ms has each age up to g for equally long, so it follows from the gaps exactly.
   */
  ageMs(part: number): number {
    const nowMs = this.#clock.now();
    const gaps = [...this.#gapsMs, ...this.#pageSeenAtMs.map((seenMs) => nowMs - seenMs)];
    const total = gaps.reduce((sum, gap) => sum + gap, 0);
    let low = 0;
    let high = gaps.reduce((most, gap) => Math.max(most, gap), 0);
    while (high - low > 1) {
      const age = (low + high) / 2;
      const below = gaps.reduce((sum, gap) => sum + Math.min(age, gap), 0);
      if (below < part * total) low = age;
      else high = age;
    }
    return Math.round(high);
  }

  /** One page after the other, feed after feed, as the backfiller: one outstanding. */
  async #sweep(): Promise<void> {
    const clock = this.#clock;
    const { sweepIntervalMs, market } = this.#question;
    const pages = this.#pageSeenAtMs.length / market.feeds;
    for (;;) {
      const startedAtMs = clock.now();
      if (this.#isLooking) this.#sweepStarts.push(startedAtMs);
      for (let at = 0; at < this.#pageSeenAtMs.length; at += 1) {
        await this.#buy('backfill', 'sweep', { endpoint: 'deal', query, page: at % pages });
        const seenBeforeMs = this.#pageSeenAtMs[at] ?? startMs;
        if (this.#isLooking) this.#gapsMs.push(clock.now() - seenBeforeMs);
        this.#pageSeenAtMs[at] = clock.now();
      }
      this.longestSweepMs = Math.max(this.longestSweepMs, clock.now() - startedAtMs);
      await clock.sleep(Math.max(nextRoundMs, startedAtMs + sweepIntervalMs - clock.now()));
    }
  }

  async #poll(): Promise<void> {
    const clock = this.#clock;
    const { feeds } = this.#question.market;
    for (;;) {
      const startedAtMs = clock.now();
      for (let feed = 0; feed < feeds; feed += 1) {
        await this.#buy('head', 'head-poll', { endpoint: 'deal', query, page: 0 });
      }
      if (this.#isLooking) this.#polls += 1;
      const { netRate } = this.#broker.snapshot();
      const sharePercent = this.#question.shares.head;
      const intervalMs = headIntervalMs(feeds, { netRate, sharePercent });
      await clock.sleep(Math.max(nextRoundMs, startedAtMs + intervalMs - clock.now()));
    }
  }

  /** Buys whatever comes next for as long as there is any, as an actor does. */
  async #repeat(spendClass: SpendClass, next: (nowMs: number) => Order | undefined): Promise<void> {
    const clock = this.#clock;
    for (;;) {
      const order = next(clock.now());
      if (order === undefined) {
        await clock.sleep(idleMs);
        continue;
      }
      const items = await this.#buy(spendClass, order.kind, callFor(order));
      this.work.bought({ ...order, items }, clock.now());
      await clock.sleep(nextRoundMs);
    }
  }

  /** How many items were bought: a batch may be cut, and one too large is asked for as it fits. */
  async #buy<C extends KeepaCall>(
    spendClass: SpendClass,
    purpose: string,
    call: C,
  ): Promise<number> {
    const commit = async (): Promise<void> => {};
    const settlement = await this.#broker.request({ spendClass, purpose, call, commit });
    if (settlement.kind === 'answered') return itemsIn(settlement.bought.call);
    if (settlement.kind === 'too-large' && settlement.fitsItems > 0) {
      return await this.#buy(spendClass, purpose, firstItems(call, settlement.fitsItems));
    }
    // Never affordable on this plan: the actors step back for an hour as well.
    await this.#clock.sleep(hourMs);
    return 0;
  }
}

function callFor({ kind, items }: Order): KeepaCall {
  const names = Array.from({ length: items }, (_, at) => `B${String(at).padStart(9, '0')}`);
  switch (kind) {
    case 'seller':
      return { endpoint: 'seller', domainId: 1, sellerIds: names };
    case 'verify':
    case 'verify-again':
      return { endpoint: 'product', domainId: 1, asins: names, history: true, offers: 20 };
    default:
      return { endpoint: 'product', domainId: 1, asins: names, history: true };
  }
}
