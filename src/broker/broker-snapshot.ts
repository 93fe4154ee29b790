/**
 * What the broker shows of itself: computed from the same situation that decisions are made from,
 * so that what people read is what will be done.
 */
import type { Situation } from './admission.ts';
import { smallestHold } from './admission.ts';
import { hundredthsPerToken, type PerClass, perClass } from './credits.ts';
import { type Forecast, forecastAdmission } from './forecast.ts';
import type { BrokerSnapshot, ClassSnapshot, SpendClass } from './request.ts';
import type { RequestQueue } from './request-queue.ts';
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
  readonly longestWaitMs: PerClass;
  readonly nowMs: number;
  /** Our wall clock minus the monotonic one. */
  readonly wallMinusMonotonicMs: number;
  /** Before it nothing is admitted, however many tokens there are. */
  readonly notBeforeMs: number;
  readonly isStopped: boolean;
}

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
  };
}

function describeNext<P>(
  { situation, queue, nowMs, notBeforeMs, wallMinusMonotonicMs, isStopped }: SnapshotOptions<P>,
  forecast: Forecast | undefined,
): Pick<BrokerSnapshot, 'nextAdmissionAtMs' | 'tokensNeeded'> {
  const nothing = { nextAdmissionAtMs: undefined, tokensNeeded: undefined };
  if (isStopped || queue.waiting().length === 0) return nothing;
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

function describeClass<P>(
  { situation, pace, queue, nowMs, longestWaitMs }: SnapshotOptions<P>,
  name: SpendClass,
): ClassSnapshot {
  const waiting = queue.waiting().filter(({ spendClass }) => spendClass === name);
  const oldest = waiting[0];
  const head = queue.head(name);
  return {
    queued: waiting.length,
    credit: (situation?.credits.credit[name] ?? 0) / hundredthsPerToken,
    waitBoundMs: situation && pace && waitBoundMs(situation, name, pace),
    oldestWaitMs: oldest && nowMs - oldest.queuedAtMs,
    headHoldTokens: situation && head && smallestHold(situation, head) / hundredthsPerToken,
    longestWaitMs: longestWaitMs[name],
  };
}
