/**
 * What the broker shows of itself: computed from the same situation that decisions are made from,
 * so that what people read is what will be done.
 */
import type { Situation } from './admission.ts';
import { smallestHold } from './admission.ts';
import { hundredthsPerToken, perClass } from './credits.ts';
import { type Forecast, forecastAdmission } from './forecast.ts';
import type { BrokerSnapshot, ClassSnapshot, SpendClass } from './request.ts';
import type { QueuedRequest, RequestQueue } from './request-queue.ts';
import { capacityOf, lumpLateMs } from './token-bucket.ts';
import { type Pace, waitBoundMs } from './wait-bound.ts';

/**
 * What the snapshot needs beside the situation. Instants are monotonic unless they say otherwise.
 */
export interface SnapshotOptions<P> {
  /** Undefined before the first truth. */
  readonly situation: Situation<P> | undefined;
  readonly pace: Pace | undefined;
  readonly queue: RequestQueue<P>;
  readonly deficitFloor: number;
  /** Of requests that were admitted, and of heads when spending stopped. */
  readonly longestWaits: Readonly<Record<SpendClass, LongestWait>>;
  readonly nowMs: number;
  /** Our wall clock minus the monotonic one. */
  readonly wallMinusMonotonicMs: number;
  /** Before it nothing is admitted, however many tokens there are; in the past: nothing forbids. */
  readonly notBeforeMs: number;
  /** The free read of the balance comes next, whatever can be paid. */
  readonly readsAtOnce: boolean;
  /** Since when nothing is under way; undefined while something is. */
  readonly freeSinceMs: number | undefined;
  /** Since when the broker, looking, could have started something. */
  readonly startableSinceMs: number | undefined;
  readonly isStopped: boolean;
  /** It is stopped, and yet tries again from `notBeforeMs` on whether it is served. */
  readonly isTrying: boolean;
  /** Since when spending is allowed, unless it is stopped. */
  readonly allowedSinceMs: number;
}

/** How long a request waited, and when (wall clock) that wait ended. */
export interface LongestWait {
  readonly waitMs: number;
  readonly atMs: number | undefined;
}

export const noWait: LongestWait = { waitMs: 0, atMs: undefined };

type Computed = Pick<
  BrokerSnapshot,
  | 'balance'
  | 'capacity'
  | 'refillRate'
  | 'netRate'
  | 'nextRefillAtMs'
  | 'commons'
  | 'deficitFloor'
  | 'classes'
  | 'nextAdmissionAtMs'
  | 'tokensNeeded'
  | 'startableForMs'
>;

/** The part of the snapshot that follows from the situation. */
export function describeSituation<P>(options: SnapshotOptions<P>): Computed {
  const { situation, pace, deficitFloor, wallMinusMonotonicMs } = options;
  const bucket = situation?.bucket;
  const forecast = situation && forecastAdmission(situation);
  return {
    balance: bucket?.balance,
    capacity: bucket && capacityOf(bucket),
    refillRate: bucket?.rate,
    netRate: pace?.netRate,
    nextRefillAtMs: bucket && bucket.nextLumpAtMs + wallMinusMonotonicMs,
    commons: (situation?.credits.commons ?? 0) / hundredthsPerToken,
    deficitFloor,
    classes: perClass((name) => describeClass(options, name)),
    ...describeNext(options, forecast),
    startableForMs: startableFor(options, forecast),
  };
}

/**
 * For how long something could have been started that was not. A broker that looks says so itself
 * (`startableSinceMs`). One that does not look any more leaves books of the past, and those tell
 * from when on it should have: the forecast begins where they end.
 */
function startableFor<P>(
  options: SnapshotOptions<P>,
  forecast: Forecast | undefined,
): number | undefined {
  const { nowMs, isStopped, freeSinceMs, startableSinceMs, queue } = options;
  if (isStopped || freeSinceMs === undefined) return undefined;
  if (startableSinceMs !== undefined) return nowMs - startableSinceMs;
  const waiting = queue.waiting();
  if (waiting.length === 0) return undefined;
  const readyAtMs = Math.min(...waiting.map((request) => request.readyAtMs));
  // What the books as they stand can pay, they could pay ever since they came to stand so.
  const isPayable = options.readsAtOnce || forecast?.atMs === nowMs;
  const affordableAtMs = isPayable ? Number.NEGATIVE_INFINITY : forecast?.atMs;
  const payableAtMs = Math.max(readyAtMs, affordableAtMs ?? Number.POSITIVE_INFINITY);
  const dueAtMs = Math.min(payableAtMs, queue.nextReadyAtMs() ?? Number.POSITIVE_INFINITY);
  const forMs = nowMs - Math.max(dueAtMs, options.notBeforeMs, freeSinceMs);
  return forMs < 0 ? undefined : forMs;
}

function describeNext<P>(
  options: SnapshotOptions<P>,
  forecast: Forecast | undefined,
): Pick<BrokerSnapshot, 'nextAdmissionAtMs' | 'tokensNeeded'> {
  const { situation, queue, nowMs, notBeforeMs, wallMinusMonotonicMs } = options;
  const isIdle = options.isStopped && !options.isTrying;
  const nothing = { nextAdmissionAtMs: undefined, tokensNeeded: undefined };
  if (isIdle || queue.waiting().length === 0) return nothing;
  const readyAtMs = queue.nextReadyAtMs() ?? Number.POSITIVE_INFINITY;
  // Before the first truth the next thing to happen is the read that tells it.
  const affordableAtMs = situation === undefined ? nowMs : forecast?.atMs;
  const nextAtMs = Math.min(
    readyAtMs,
    Math.max(notBeforeMs, affordableAtMs ?? Number.POSITIVE_INFINITY),
  );
  if (nextAtMs === Number.POSITIVE_INFINITY) return nothing;
  const waitsForTokens = forecast !== undefined && forecast.atMs > nowMs;
  const lateMs = waitsForTokens ? lumpLateMs : 0;
  return {
    nextAdmissionAtMs: Math.max(nowMs, nextAtMs) + lateMs + wallMinusMonotonicMs,
    tokensNeeded: waitsForTokens ? forecast.balance : undefined,
  };
}

function describeClass<P>(options: SnapshotOptions<P>, name: SpendClass): ClassSnapshot {
  const { situation, queue, nowMs, isStopped } = options;
  const waiting = queue.waiting().filter(({ spendClass }) => spendClass === name);
  const oldest = waiting[0];
  const head = queue.head(name);
  return {
    queued: waiting.length,
    credit: (situation?.credits.credit[name] ?? 0) / hundredthsPerToken,
    // While nothing may be spent there is nothing to promise.
    waitBoundMs: isStopped ? undefined : boundOf(options, name),
    oldestWaitMs: oldest && nowMs - oldest.queuedAtMs,
    headHoldTokens: situation && head && smallestHold(situation, head) / hundredthsPerToken,
    ...longestWait(options, head, name),
  };
}

/** The tokens' and turns' bound, after the time before which nothing is sent at all. */
function boundOf<P>(
  { situation, pace, nowMs, notBeforeMs }: SnapshotOptions<P>,
  name: SpendClass,
): number | undefined {
  const boundMs = situation && pace && waitBoundMs(situation, name, pace);
  return boundMs === undefined ? undefined : boundMs + Math.max(0, notBeforeMs - nowMs);
}

function longestWait<P>(
  { longestWaits, nowMs, wallMinusMonotonicMs, isStopped, allowedSinceMs }: SnapshotOptions<P>,
  head: QueuedRequest<P> | undefined,
  name: SpendClass,
): Pick<ClassSnapshot, 'longestWaitMs' | 'longestWaitAtMs'> {
  const ended = longestWaits[name];
  const isWaiting = head !== undefined && !isStopped;
  const presentMs = isWaiting ? nowMs - Math.max(head.readyAtMs, allowedSinceMs) : 0;
  if (presentMs <= ended.waitMs) {
    return { longestWaitMs: ended.waitMs, longestWaitAtMs: ended.atMs };
  }
  return { longestWaitMs: presentMs, longestWaitAtMs: nowMs + wallMinusMonotonicMs };
}
