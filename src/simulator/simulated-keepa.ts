/**
 * A simulated Keepa: the true bucket in front of a seeded market.
 *
 * A request has two ends. `begin` admits it and does the work; `finish`, at the end of the
 * processing time, takes the tokens and writes the answer. What happens in between (waiting, an
 * impatient caller, a broken line) is the business of the doors, and changes nothing about the
 * bill.
 *
 * Invariants:
 * - the market depends on (seed, time) alone; only the token fields depend on what was asked
 *   before;
 * - a request is admitted while the balance is above zero, whatever it costs;
 * - no error, counter or text here holds the key.
 */
import type { WireRequest, WireResponse } from '../keepa/transport.ts';
import { Bucket, type BucketReading, tickMs } from './bucket.ts';
import { isComplaint, readSelection } from './deal-selection.ts';
import { chanceOf, mix } from './draw.ts';
import {
  type Answer,
  type CostFactors,
  type Endpoint,
  Endpoints,
  endpointOf,
} from './endpoints.ts';
import { invalidKeyAnswer, jsonAnswer, notFoundAnswer, zeroReading } from './envelope.ts';
import { answerInstead, applyFault, type Fault, type FaultHook } from './faults.ts';
import { minuteAt, msOfMinute } from './keepa-minute.ts';
import { processingMsOf } from './latency.ts';
import { Market, type MarketOptions } from './market.ts';
import { SellerBook } from './sellers.ts';

export interface SimulatedKeepaOptions
  extends Pick<MarketOptions, 'churnPerDay' | 'verifiedShare' | 'repriceMeanHours' | 'pace'> {
  readonly seed: number;
  /** Rows on the list on average. */
  readonly rows: number;
  readonly ratePerMinute: number;
  /** The market's first instant, Unix ms; nothing is known of earlier ones. */
  readonly startMs: number;
  /** The only key that is accepted. Default: any. */
  readonly key?: string;
  /** Default: a full bucket. */
  readonly initialTokens?: number;
  /** Of the time that Keepa takes to answer, as recorded. Default: 100. */
  readonly latencyPercent?: number;
}

/** A request with the key that came with it. */
export interface KeyedRequest extends WireRequest {
  readonly key: string;
}

/** One request between its two ends. */
export interface Exchange {
  /** From the start of the work to the answer. */
  readonly processingMs: number;
  /** What the door has to do at the end; `reset-before` is to be done at once. */
  readonly delivery: 'answer' | 'silence' | 'reset-before' | 'reset-after';
  /** Takes the tokens and writes the answer. Call it once, when the processing time is over. */
  finish(): WireResponse;
}

export interface RequestCounts {
  readonly byEndpoint: Readonly<Record<Endpoint, number>>;
  readonly unknownPath: number;
  readonly invalidKey: number;
  /** Answers with status 429. */
  readonly refused: number;
  readonly spentTokens: Readonly<Record<Endpoint, number>>;
  readonly lowestBalance: number;
  /** Tokens that arrived at a full bucket. */
  readonly expiredTokens: number;
  readonly refilledTokens: number;
}

/** A row as it truly stands, for whoever checks what a client believes. */
export interface LiveRow {
  readonly asin: string;
  readonly priceCents: number;
  readonly priceSinceMs: number;
}

export interface LiveSale {
  readonly atMs: number;
  readonly condition: 'used' | 'new';
  readonly priceCents: number;
}

export class SimulatedKeepa {
  readonly #options: SimulatedKeepaOptions;
  readonly #bucket: Bucket;
  readonly #markets = new Map<number, Market>();
  readonly #endpoints: Endpoints;
  readonly #counts = { token: 0, deal: 0, product: 0, seller: 0 };
  readonly #spent = { token: 0, deal: 0, product: 0, seller: 0 };
  #unknownPath = 0;
  #invalidKey = 0;
  #refused = 0;
  #faults: FaultHook | undefined;
  #costFactors: CostFactors = {};

  constructor(options: SimulatedKeepaOptions) {
    const { seed, ratePerMinute, startMs } = options;
    this.#options = options;
    const phase = Math.round(chanceOf(seed, 0x71c4) * tickMs);
    this.#bucket = new Bucket({
      ratePerMinute,
      balance: options.initialTokens ?? ratePerMinute * 60,
      nextTickMs: startMs + phase,
    });
    this.#endpoints = new Endpoints({
      marketOf: (domainId) => this.#marketOf(domainId),
      sellers: new SellerBook(seed),
      costFactors: () => this.#costFactors,
    });
  }

  /** Admits a request at `nowMs` and does the work. */
  begin(request: KeyedRequest, nowMs: number): Exchange {
    const fault = this.#faults?.(request, nowMs);
    if (fault?.kind === 'reset-before' || fault?.kind === 'hang') {
      const delivery = fault.kind === 'hang' ? 'silence' : fault.kind;
      return { processingMs: 0, delivery, finish: () => notFoundAnswer() };
    }
    const endpoint = endpointOf(request.path);
    if (endpoint === undefined) {
      this.#unknownPath += 1;
      return ready(notFoundAnswer());
    }
    const { key } = this.#options;
    if (request.key === '' || (key !== undefined && request.key !== key)) {
      this.#invalidKey += 1;
      return ready(invalidKeyAnswer(nowMs));
    }
    this.#counts[endpoint] += 1;
    const instead = answerInstead(fault);
    if (instead !== undefined) return ready(instead);
    const isAffordable = this.#bucket.balanceAt(nowMs) > 0 || endpoint === 'token';
    if (!isAffordable || fault?.kind === 'refused') {
      this.#refused += 1;
      return ready(jsonAnswer(429, {}, this.#figures(0, nowMs, 0)));
    }
    const answer = this.#endpoints.answer(endpoint, request, minuteAt(nowMs));
    return this.#exchange(endpoint, answer, nowMs, fault);
  }

  /**
   * Both ends at once, for callers that keep no time: the answer belongs to `processingMs` later.
   */
  handle(
    request: KeyedRequest,
    nowMs: number,
  ): { readonly response: WireResponse; readonly processingMs: number } {
    const { processingMs, finish } = this.begin(request, nowMs);
    return { response: finish(), processingMs };
  }

  /**
   * The rows truly on the list at `nowMs`: all of them with their used price, or those that a
   * query's JSON would list with the price it asks about. The cap of 10,000 does not apply.
   */
  liveRows(nowMs: number, selection?: Readonly<Record<string, unknown>>): readonly LiveRow[] {
    const minute = minuteAt(nowMs);
    if (selection !== undefined) {
      const wish = readSelection(JSON.stringify(selection));
      if (isComplaint(wish)) throw new RangeError(`no such query: ${wish.details ?? ''}`);
      return this.#endpoints.listOf(wish, minute).rows.map((row) => ({
        asin: row.product.identity.asin,
        priceCents: row.priceCents,
        priceSinceMs: msOfMinute(row.sinceMinute),
      }));
    }
    return this.#marketOf(1)
      .listedAt(minute)
      .map((product) => {
        const track = product.used.upTo(minute);
        const last = track.indexAt(minute);
        return {
          asin: product.identity.asin,
          priceCents: track.nthValue(last),
          priceSinceMs: msOfMinute(track.nthMinute(last)),
        };
      });
  }

  /** What was really sold of a product up to `nowMs`, oldest first; empty for an unknown ASIN. */
  trueSales(asin: string, nowMs: number, domainId = 1): readonly LiveSale[] {
    const minute = minuteAt(nowMs);
    const sales = this.#marketOf(domainId).productAt(asin, minute)?.salesUpTo(minute) ?? [];
    return sales.map((sale) => ({
      atMs: msOfMinute(sale.minute),
      condition: sale.condition,
      priceCents: sale.priceCents,
    }));
  }

  /** Whether the hidden plan makes the product worth buying; undefined for an unknown ASIN. */
  isWorthBuying(asin: string, nowMs: number, domainId = 1): boolean | undefined {
    const product = this.#marketOf(domainId).productAt(asin, minuteAt(nowMs));
    return product === undefined ? undefined : product.plan.kind === 'worthwhile';
  }

  /** Tokens in the bucket once every lump up to `nowMs` has arrived. */
  balance(nowMs: number): number {
    return this.#bucket.balanceAt(nowMs);
  }

  /** Another plan from `nowMs` on. */
  setRate(ratePerMinute: number, nowMs: number): void {
    this.#bucket.setRate(ratePerMinute, nowMs);
  }

  /** Trackings take this much from the refill from `nowMs` on. */
  setFlowReduction(tokensPerMinute: number, nowMs: number): void {
    this.#bucket.setFlowReduction(tokensPerMinute, nowMs);
  }

  /** Somebody else with the same key spends. */
  drain(tokens: number, nowMs: number): void {
    this.#bucket.drain(tokens, nowMs);
  }

  /** Prices that differ from the observed ones, from now on. */
  setCostFactors(factors: CostFactors): void {
    this.#costFactors = factors;
  }

  /** Asked once per request from now on; undefined heals everything. */
  setFaults(hook: FaultHook | undefined): void {
    this.#faults = hook;
  }

  /** What was asked and spent so far. */
  get requests(): RequestCounts {
    return {
      byEndpoint: { ...this.#counts },
      unknownPath: this.#unknownPath,
      invalidKey: this.#invalidKey,
      refused: this.#refused,
      spentTokens: { ...this.#spent },
      lowestBalance: this.#bucket.lowestBalance,
      expiredTokens: this.#bucket.expiredTokens,
      refilledTokens: this.#bucket.refilledTokens,
    };
  }

  #exchange(endpoint: Endpoint, answer: Answer, nowMs: number, fault?: Fault): Exchange {
    const { seed, latencyPercent = 100 } = this.#options;
    const recordedMs = processingMsOf(answer.work, seed, nowMs);
    const processingMs = Math.round((recordedMs * latencyPercent) / 100);
    const isLost = fault?.kind === 'silence' || fault?.kind === 'reset-after';
    return {
      processingMs,
      delivery: isLost ? fault.kind : 'answer',
      finish: () => {
        this.#spent[endpoint] += answer.costTokens;
        const figures = this.#figures(answer.costTokens, nowMs, processingMs);
        const payload = applyFault(answer.payload, fault);
        return jsonAnswer(answer.status, payload, { ...figures, ...tokenFields(fault) });
      },
    };
  }

  #figures(tokensConsumed: number, nowMs: number, processingMs: number) {
    const reading: BucketReading = this.#bucket.settle(tokensConsumed, nowMs + processingMs);
    return { ...reading, timestamp: nowMs, processingTimeInMs: processingMs, tokensConsumed };
  }

  #marketOf(domainId: number): Market {
    const known = this.#markets.get(domainId);
    if (known !== undefined) return known;
    const { seed, startMs, ...rest } = this.#options;
    const market = new Market({
      ...rest,
      seed: mix(seed, domainId, 0x3a4),
      startMinute: minuteAt(startMs),
    });
    this.#markets.set(domainId, market);
    return market;
  }
}

/** A simulated Keepa, ready to be put behind a door. */
export function createSimulatedKeepa(options: SimulatedKeepaOptions): SimulatedKeepa {
  return new SimulatedKeepa(options);
}

/** An answer that was no work. */
function ready(response: WireResponse): Exchange {
  return { processingMs: 0, delivery: 'answer', finish: () => response };
}

/** The token fields that a fault forges. */
function tokenFields(fault: Fault | undefined): Partial<BucketReading> {
  if (fault?.kind === 'rate-blip') return { refillRate: fault.ratePerMinute };
  return fault?.kind === 'zero-rate' ? zeroReading : {};
}
