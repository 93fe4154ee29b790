/**
 * A request with its kind of call closed over, so that requests of all kinds can stand in one queue
 * and each still gets the answer of its own type.
 */
import { firstItems, type KeepaCall, type KeepaClient, type Outcome } from '../keepa/call.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Bought, BrokerRequest, Settlement } from './request.ts';

/** Every way to end without an answer; it fits a request of any kind. */
export type Unanswered = Exclude<Settlement<KeepaCall>, { kind: 'answered' | 'unstorable' }>;

/** An answer that is paid for and waits to be stored. */
export interface Purchase {
  commit(): Promise<void>;
  /** Hands it to whoever asked. */
  deliver(): void;
  /** Tells whoever asked that it is paid for and can never be stored. */
  letGo(why: string): void;
}

/** What came back; `buy` is there when it was answered. */
export interface Sent {
  readonly outcome: Outcome<unknown>;
  readonly buy?: (price: { costTokens: number; atMs: number }) => Purchase;
}

export interface Errand {
  readonly purpose: string;
  /** Whoever asked does not want it any more. */
  isTakenBack(): boolean;
  /** Sends the first `items` of the call. Never rejects. */
  send(client: KeepaClient, items: number, signal: AbortSignal): Promise<Sent>;
  /** Ends the request without an answer. */
  end(settlement: Unanswered): void;
}

/** Wraps a request; exactly one of `Purchase.deliver`, `letGo` and `end` may be called, once. */
export function errandOf<C extends KeepaCall>(
  request: BrokerRequest<C>,
  resolve: (settlement: Settlement<C>) => void,
): Errand {
  return {
    purpose: request.purpose,
    isTakenBack: () => request.signal?.aborted ?? false,
    end: resolve,
    async send(client, items, signal) {
      const call = firstItems(request.call, items);
      const outcome = await ask(client, call, signal);
      if (outcome.kind !== 'answered') return { outcome };
      const { answer } = outcome;
      const buy = (price: { costTokens: number; atMs: number }): Purchase => {
        const bought: Bought<C> = { call, answer, ...price };
        return {
          commit: () => request.commit(bought),
          deliver: () => resolve({ kind: 'answered', bought }),
          letGo: (why) => resolve({ kind: 'unstorable', bought, why }),
        };
      };
      return { outcome, buy };
    },
  };
}

/**
 * As the client's `call`; a client that breaks its promise and throws may have sent the request.
 */
export async function ask<C extends KeepaCall>(
  client: KeepaClient,
  call: C,
  signal: AbortSignal,
): ReturnType<typeof client.call<C>> {
  try {
    return await client.call(call, signal);
  } catch (error) {
    return { kind: 'maybe-billed', why: `the client failed: ${describeError(error)}` };
  }
}
