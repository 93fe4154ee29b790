/**
 * The one thing in which the compared policies differ: when a request may go.
 *
 * Everything else is shared: the market, the bill, the listings that are swept and polled, what is
 * judged, verified and re-checked, and in which order each actor asks for it.
 */
import type { KeepaCall, KeepaClient } from '../../src/keepa/call.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Random } from '../../src/runtime/random.ts';

export type BenchActor = 'head' | 'sweep' | 'fresh' | 'backlog' | 'recheck';

/** Something to be bought. */
export interface Order {
  readonly actor: BenchActor;
  readonly purpose: string;
  readonly call: KeepaCall;
  /** Stores the answer to its first `items` items. */
  store(items: number): void;
}

/** How an order ended; it is repeated by its actor if nothing was bought. */
export type Ending = { readonly kind: 'bought' } | { readonly kind: 'too-large'; fits: number };

export interface PolicyWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly client: KeepaClient;
  /** Tokens a minute of the plan. */
  readonly rate: number;
}

export interface Policy {
  /** Largest batches that its actors ask for. */
  readonly batch: { readonly history: number; readonly offers: number };
  /** Time between two head polls, where the rule came with a schedule of its own. */
  readonly headEveryMs?: number;
  /** Resolves when the order was bought and stored, however long that takes. */
  ask(order: Order): Promise<Ending>;
}

export interface NamedPolicy {
  readonly name: string;
  create(world: PolicyWorld): Policy;
}
