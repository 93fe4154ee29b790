/**
 * The wire between a life and the simulated Keepa, watched from Keepa's side: what was asked, what
 * it truly cost, and what the bucket held then.
 */
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

/** Keepa as one life reaches it. */
export class Wire {
  /** The last request of this life. */
  last: WireCall | undefined;
  readonly #keepa: SimulatedKeepa;
  readonly #life: Life;
  readonly #watcher: WireWatcher;
  readonly #faultNow: () => Fault | undefined;

  constructor(options: {
    keepa: SimulatedKeepa;
    life: Life;
    watcher: WireWatcher;
    /** The fault that the hook chose last. */
    faultNow: () => Fault | undefined;
  }) {
    this.#keepa = options.keepa;
    this.#life = options.life;
    this.#watcher = options.watcher;
    this.#faultNow = options.faultNow;
  }

  begin(request: KeyedRequest, nowMs: number): Exchange {
    const balanceBefore = this.#keepa.balance(nowMs);
    const exchange = this.#keepa.begin(request, nowMs);
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
    return { ...exchange, finish: () => this.#finish(call, exchange) };
  }

  #finish(call: WireCall, exchange: Exchange) {
    const spent = (): number =>
      Object.values(this.#keepa.requests.spentTokens).reduce((sum, tokens) => sum + tokens, 0);
    const before = spent();
    const response = exchange.finish();
    call.costTokens = spent() - before;
    call.status = response.status;
    call.balanceAfter = this.#keepa.balance(call.sentAtMs + exchange.processingMs);
    call.isDone = true;
    this.#watcher.onBilled(call);
    return response;
  }
}
