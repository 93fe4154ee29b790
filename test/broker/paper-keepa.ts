/**
 * A Keepa of the token arithmetic only: a true bucket, a clock of its own, latencies and faults.
 *
 * Payloads are empty, so that hours at any rate cost the test nothing; what is true about tokens
 * comes from the simulator's bucket, which the broker never sees.
 */
import type {
  AnswerTo,
  Envelope,
  KeepaCall,
  KeepaClient,
  Outcome,
  PermanentReason,
} from '../../src/keepa/call.ts';
import { itemsIn } from '../../src/keepa/call.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Random } from '../../src/runtime/random.ts';
import { Bucket } from '../../src/simulator/bucket.ts';

/** What happens to one call instead of an answer. */
export type Mishap =
  | 'billed-and-lost'
  | 'unbilled-and-lost'
  | 'unavailable'
  | 'malformed'
  | 'malformed-with-envelope'
  | 'refused-without-envelope'
  | PermanentReason;

export interface PaperKeepaOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly rate: number;
  readonly balance: number;
  /** Time until the first lump. */
  readonly firstTickMs?: number;
  /** Keepa's clock minus ours. */
  readonly clockOffsetMs?: number;
  /** Longest way to Keepa, and longest way back; drawn per call. */
  readonly wayMs?: number;
  readonly processingMs?: (call: KeepaCall) => number;
  readonly costOf?: (call: KeepaCall) => number;
  readonly mishap?: (call: KeepaCall, number: number) => Mishap | undefined;
  /** What the envelope says of the rate, call by call; default the truth. */
  readonly reportedRate?: (number: number) => number | undefined;
}

export class PaperKeepa implements KeepaClient {
  readonly bucket: Bucket;
  readonly calls: KeepaCall[] = [];
  readonly refusedAtMs: number[] = [];
  inFlight = 0;
  inFlightMax = 0;
  spent = 0;
  /** Answered with a 429. */
  refusals = 0;
  readonly #options: PaperKeepaOptions;

  constructor(options: PaperKeepaOptions) {
    const { clock, rate, balance, firstTickMs = 30_000 } = options;
    this.#options = options;
    this.bucket = new Bucket({
      ratePerMinute: rate,
      balance,
      nextTickMs: clock.now() + firstTickMs,
    });
  }

  /** The true balance now. */
  get balance(): number {
    return this.bucket.balanceAt(this.#options.clock.now());
  }

  /** Somebody else with the same key. */
  drain(tokens: number): void {
    this.bucket.drain(tokens, this.#options.clock.now());
  }

  async call<C extends KeepaCall>(call: C, signal: AbortSignal): Promise<Outcome<AnswerTo<C>>> {
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    try {
      return await this.#answer(call, signal);
    } finally {
      this.inFlight -= 1;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #answer<C extends KeepaCall>(call: C, signal: AbortSignal): Promise<Outcome<AnswerTo<C>>> {
    const { clock, random, wayMs = 40, mishap } = this.#options;
    const number = this.calls.push(call);
    const happens = mishap?.(call, number);
    const way = (): number => random.next() * wayMs;
    try {
      await clock.sleep(way(), signal);
      if (happens === 'unavailable') return { kind: 'unavailable', status: 503, why: 'scripted' };
      const isFree = call.endpoint === 'token' || happens !== undefined;
      const isPoor = !isFree && this.balance <= 0;
      const processingMs = isPoor ? 0 : this.#processingMs(call);
      await clock.sleep(processingMs, signal);
      const bills = !isPoor && (!isFree || happens === 'billed-and-lost');
      const isBilled = bills || happens === 'malformed' || happens === 'malformed-with-envelope';
      const envelope = this.#settle(isBilled ? this.#costOf(call) : 0, processingMs, number);
      await clock.sleep(way(), signal);
      if (happens !== undefined) return this.#mishap(happens, envelope);
      if (isPoor) return this.#refuse(envelope);
      return { kind: 'answered', answer: emptyAnswer(call), envelope };
    } catch {
      return { kind: 'maybe-billed', why: 'aborted' };
    }
  }

  #refuse(envelope: Envelope): Outcome<never> {
    this.refusals += 1;
    this.refusedAtMs.push(this.#options.clock.now());
    return { kind: 'refused', envelope };
  }

  #mishap(happens: Mishap, envelope: Envelope): Outcome<never> {
    switch (happens) {
      case 'billed-and-lost':
      case 'unbilled-and-lost':
        return { kind: 'maybe-billed', why: 'scripted' };
      case 'unavailable':
        return { kind: 'unavailable', status: 503, why: 'scripted' };
      case 'malformed':
        return { kind: 'malformed', why: 'scripted', envelope: undefined };
      case 'malformed-with-envelope':
        return { kind: 'malformed', why: 'scripted', envelope };
      case 'refused-without-envelope':
        return { kind: 'refused', envelope: undefined };
      default:
        return {
          kind: 'permanent',
          reason: happens,
          status: 400,
          why: 'scripted',
          envelope: undefined,
        };
    }
  }

  #settle(costTokens: number, processingMs: number, number: number): Envelope {
    const { clock, clockOffsetMs = 0, reportedRate } = this.#options;
    const reading = this.bucket.settle(costTokens, clock.now());
    this.spent += costTokens;
    const asOfMs = Math.round(clock.now() + clockOffsetMs);
    return {
      asOfMs,
      processingMs,
      balance: reading.tokensLeft,
      refillRate: reportedRate?.(number) ?? this.bucket.capacity / 60,
      flowReduction: reading.tokenFlowReduction,
      nextRefillAtMs: asOfMs + reading.refillIn,
      costTokens,
    };
  }

  #processingMs(call: KeepaCall): number {
    const { processingMs, random } = this.#options;
    if (call.endpoint === 'token') return 0;
    return Math.round(processingMs?.(call) ?? 100 + random.next() * 500);
  }

  #costOf(call: KeepaCall): number {
    return this.#options.costOf?.(call) ?? listedCost(call);
  }
}

/** The price list, without surprises. */
export function listedCost(call: KeepaCall): number {
  switch (call.endpoint) {
    case 'token':
      return 0;
    case 'deal':
      return 5;
    default:
      return itemsIn(call) * (call.endpoint === 'product' && call.offers !== undefined ? 7 : 1);
  }
}

function emptyAnswer<C extends KeepaCall>(call: C): AnswerTo<C> {
  return answerOf(call) as AnswerTo<C>;
}

function answerOf(call: KeepaCall): AnswerTo<KeepaCall> {
  switch (call.endpoint) {
    case 'token':
      return null;
    case 'deal':
      return { rows: [], faults: [], wireRows: 0 };
    case 'product':
      return { products: [], missing: call.asins, faults: [] };
    case 'seller':
      return { sellers: [], missing: call.sellerIds, faults: [] };
  }
}
