/**
 * What an actor asks of the broker, and what it gets back.
 *
 * The broker is the only spender. A request states its class, so that income can be shared, and
 * brings the function that stores the answer: the broker runs it before it buys anything else, so
 * nothing paid for is ever held only in memory (promise P1).
 */
import type { AnswerTo, KeepaCall, PermanentReason } from '../keepa/call.ts';

/** In order of precedence among requests that are affordable at the same moment. */
export const spendClasses = ['interactive', 'head', 'upsert', 'refresh', 'backfill'] as const;
export type SpendClass = (typeof spendClasses)[number];

/** What was bought: the call as it was sent (a batch may have been cut) and its answer. */
export interface Bought<C extends KeepaCall> {
  readonly call: C;
  readonly answer: AnswerTo<C>;
  readonly costTokens: number;
  /** Unix ms on our wall clock, when the answer arrived. */
  readonly atMs: number;
}

export interface BrokerRequest<C extends KeepaCall> {
  readonly spendClass: SpendClass;
  /** Why it is bought, for the ledger: for example `sweep`, `head-poll`, `history`, `verify`. */
  readonly purpose: string;
  readonly call: C;
  /**
   * Stores the answer. Repeated with backoff until it succeeds, and nothing is admitted meanwhile:
   * a store that cannot write stops the spending. Must be idempotent. An error for which the
   * broker's `isFinal` says yes (a stale fence) ends the request as dead instead; one that is not
   * of the kind that passes (`canPass`) ends it as unstorable after a few tries.
   */
  commit(bought: Bought<C>): Promise<void>;
  /** Takes the request back while it waits; one in flight is still settled and stored. */
  readonly signal?: AbortSignal;
}

/**
 * How a request ended.
 *
 * - answered: bought, settled and stored. A batch may have been cut: compare `bought.call`.
 * - unstorable: bought and settled, and what it says cannot be stored; the state of every item is
 *   as before, and asking again soon would cost the same for nothing.
 * - permanent: Keepa refuses it as it is; nothing was retried.
 * - dead: the retries are used up; the state of every item is as before. `answersBefore` is what
 *   `BrokerSnapshot.answers` was at the first attempt: if it is that still, nobody was answered.
 * - too-large: it could never be afforded; `fitsItems` is the size that could.
 * - cancelled: taken back, or the broker stopped, before it was sent.
 */
export type Settlement<C extends KeepaCall> =
  | { readonly kind: 'answered'; readonly bought: Bought<C> }
  | { readonly kind: 'unstorable'; readonly bought: Bought<C>; readonly why: string }
  | { readonly kind: 'permanent'; readonly reason: PermanentReason; readonly why: string }
  | {
      readonly kind: 'dead';
      readonly why: string;
      readonly attempts: number;
      readonly answersBefore: number;
    }
  | { readonly kind: 'too-large'; readonly fitsItems: number }
  | { readonly kind: 'cancelled' };

/** One line of the ledger: every request that reached the wire, whatever became of it. */
export interface LedgerEntry {
  readonly atMs: number;
  readonly spendClass: SpendClass | 'status';
  readonly purpose: string;
  /** The endpoint and the parameters that cost, for example `product+offers20`. */
  readonly shape: string;
  readonly items: number;
  readonly holdTokens: number;
  /** What Keepa said it cost; for maybe-billed the hold it was settled at. */
  readonly costTokens: number;
  /** Keepa's balance after it; undefined when no envelope came back. */
  readonly balanceAfter: number | undefined;
  readonly outcome:
    | 'answered'
    | 'refused'
    | 'maybe-billed'
    | 'permanent'
    | 'unavailable'
    | 'malformed';
  readonly why: string | undefined;
  readonly attempt: number;
  /** From admission to answer. */
  readonly tookMs: number;
  /** From queueing to admission. */
  readonly waitedMs: number;
}

/** Whether the broker may admit anything now. Closed without the daemon lease, and while paused. */
export type Gate =
  | { readonly open: true }
  | { readonly open: false; readonly why: string; readonly cause?: 'gate' | 'paused' };

export interface ClassSnapshot {
  readonly queued: number;
  /** Tokens, to the hundredth. */
  readonly credit: number;
  /**
   * Longest time until the present head is admitted. Undefined without one, and while nothing can
   * be promised: no refill, or strangers take all of it.
   */
  readonly waitBoundMs: number | undefined;
  /** Age of the oldest queued request; undefined without one. */
  readonly oldestWaitMs: number | undefined;
  /** The least that the present head must be able to pay, in tokens: the hold of its first item. */
  readonly headHoldTokens: number | undefined;
  /**
   * The longest that a request has waited since the start, from when it could be sent (queued, or
   * out of its backoff) to its admission; one that still waits counts with its wait so far.
   */
  readonly longestWaitMs: number;
  /** When it ended, our wall clock; now for one that still waits, undefined when there was none. */
  readonly longestWaitAtMs: number | undefined;
}

/** The gravest first: `gate` is a lease that is not confirmed, `paused` a person's own wish. */
export const stopCauses = ['invalid-key', 'payment-required', 'store', 'gate', 'paused'] as const;
export type StopCause = (typeof stopCauses)[number];

/**
 * Why nothing is spent. A refused key lasts until the process starts anew; all else ends by itself,
 * an unpaid plan once a request was served again.
 */
export interface Stop {
  readonly why: string;
  /** Our wall clock. */
  readonly sinceMs: number;
  readonly cause?: StopCause;
}

export interface BrokerSnapshot {
  /** Undefined before Keepa first told it. */
  readonly balance: number | undefined;
  readonly capacity: number | undefined;
  readonly refillRate: number | undefined;
  /** Refill less flow reduction and less the drain of unknown spenders, tokens per tick. */
  readonly netRate: number | undefined;
  /** Our wall clock. */
  readonly nextRefillAtMs: number | undefined;
  /** Keepa's clock minus ours. */
  readonly clockOffsetMs: number | undefined;
  readonly commons: number;
  readonly deficitFloor: number;
  readonly classes: Readonly<Record<SpendClass, ClassSnapshot>>;
  readonly inFlight:
    | {
        readonly spendClass: SpendClass | 'status';
        readonly purpose: string;
        readonly sinceMs: number;
        /** For how long, by a clock that no step of the wall clock moves. */
        readonly forMs: number;
      }
    | undefined;
  /**
   * For how long something could have been started (a head is affordable, or the balance is due to
   * be read) while nothing was under way and nothing forbade it. Undefined: it cannot, or has just
   * been looked at. More than moments means that the broker does not do what it should.
   */
  readonly startableForMs: number | undefined;
  /**
   * When the broker will next try to admit something, our wall clock; undefined: nothing queued,
   * or spending is stopped and not tried again by the clock.
   */
  readonly nextAdmissionAtMs: number | undefined;
  /**
   * The balance at which the next admission becomes possible if nothing else happens: above
   * `balance` while tokens are waited for. Undefined while they are not.
   */
  readonly tokensNeeded: number | undefined;
  /** Set when all spending stopped: 402, invalid key, closed gate, pause, failing store. */
  readonly stopped: Stop | undefined;
  /** Tokens of the last hour that our requests do not explain; above 0 somebody else spent them. */
  readonly unexplainedTokens: number;
  readonly spentLastHour: number;
  readonly refusals: number;
  readonly lastAnswerAtMs: number | undefined;
  /** How often Keepa told the balance since the start, free reads and refusals included. */
  readonly answers: number;
}

export interface Broker {
  /** Never rejects: every way it can end is a Settlement. Never dropped for lack of tokens. */
  request<C extends KeepaCall>(request: BrokerRequest<C>): Promise<Settlement<C>>;
  /** Reads the balance, then begins to admit. */
  start(): void;
  /** Stops admitting, settles and stores what is in flight, cancels the rest. */
  drain(): Promise<void>;
  /** Look again now: the gate has opened or closed. */
  nudge(): void;
  snapshot(): BrokerSnapshot;
}
