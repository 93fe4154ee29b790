/**
 * The wire between a life and the simulated Keepa, watched from Keepa's side: what was asked, what
 * it truly cost, and what the bucket held then.
 */
import { dealPageRows } from '../../src/keepa/deal-row.ts';
import type { WireRequest } from '../../src/keepa/transport.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import type {
  Exchange,
  KeyedRequest,
  SimulatedKeepa,
} from '../../src/simulator/simulated-keepa.ts';
import type { Life } from './fault-life.ts';

/** One request as Keepa saw it. */
export interface WireCall {
  readonly life: Life;
  readonly request: WireRequest;
  readonly sentAtMs: number;
  readonly balanceBefore: number;
  readonly fault: Fault | undefined;
  /** Set when Keepa has done with it. */
  costTokens: number;
  status: number;
  balanceAfter: number;
  isDone: boolean;
}

export interface WireWatcher {
  onSent(call: WireCall): void;
  /** At the end of Keepa's work, whether or not anybody is told. */
  onBilled(call: WireCall): void;
}

/**
 * Whether an answer is one that nothing is to be believed of: the figures of a plan that refills
 * nothing, which are those of an unknown key.
 */
export function isOfNoPlan(body: string): boolean {
  return /"refillRate":0\b(?!\.)/.test(body);
}

/** As many rows as a page can hold, be it the same ones over and over. */
function withFullPage(body: string): string {
  const answer = JSON.parse(body) as { readonly deals?: { readonly dr?: readonly unknown[] } };
  const rows = answer.deals?.dr ?? [];
  if (rows.length === 0) return body;
  const full = Array.from({ length: dealPageRows }, (_, index) => rows[index % rows.length]);
  return JSON.stringify({ ...answer, deals: { ...answer.deals, dr: full } });
}

function firstPageOf(request: KeyedRequest): KeyedRequest {
  const { page: _, ...selection } = JSON.parse(request.body ?? '{}') as { page?: number };
  return { ...request, body: JSON.stringify({ ...selection, page: 0 }) };
}

/** Keepa as one life reaches it. */
export class Wire {
  /** The last request of this life. */
  last: WireCall | undefined;
  readonly #keepa: SimulatedKeepa;
  readonly #life: Life;
  readonly #watcher: WireWatcher;
  readonly #faultNow: () => Fault | undefined;
  readonly #isEndless: () => boolean;

  constructor(options: {
    keepa: SimulatedKeepa;
    life: Life;
    watcher: WireWatcher;
    /** The fault that the hook chose last. */
    faultNow: () => Fault | undefined;
    /** Whether every page of a list is full, so that no page is the last. */
    isEndless: () => boolean;
  }) {
    this.#keepa = options.keepa;
    this.#life = options.life;
    this.#watcher = options.watcher;
    this.#faultNow = options.faultNow;
    this.#isEndless = options.isEndless;
  }

  begin(request: KeyedRequest, nowMs: number): Exchange {
    const balanceBefore = this.#keepa.balance(nowMs);
    const isEndless = request.path === '/deal' && this.#isEndless();
    const exchange = this.#keepa.begin(isEndless ? firstPageOf(request) : request, nowMs);
    const { key: _, ...asked } = request;
    const call: WireCall = {
      life: this.#life,
      request: asked,
      sentAtMs: nowMs,
      balanceBefore,
      fault: this.#faultNow(),
      costTokens: 0,
      status: 0,
      balanceAfter: balanceBefore,
      isDone: false,
    };
    this.last = call;
    this.#watcher.onSent(call);
    return { ...exchange, finish: () => this.#finish(call, exchange, isEndless) };
  }

  #finish(call: WireCall, exchange: Exchange, isEndless: boolean) {
    const spent = (): number =>
      Object.values(this.#keepa.requests.spentTokens).reduce((sum, tokens) => sum + tokens, 0);
    const before = spent();
    const response = exchange.finish();
    call.costTokens = spent() - before;
    call.status = response.status;
    call.balanceAfter = this.#keepa.balance(call.sentAtMs + exchange.processingMs);
    call.isDone = true;
    this.#watcher.onBilled(call);
    if (!isEndless || response.status !== 200) return response;
    return { ...response, body: withFullPage(response.body) };
  }
}
