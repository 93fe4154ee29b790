/**
 * Situations of the daemon, made from a healthy one by what is different.
 */

import type { SpendClass } from '../../src/broker/request.ts';
import { type BrokerSnapshot, type ClassSnapshot, spendClasses } from '../../src/broker/request.ts';
import type { LoopStatus } from '../../src/status/sources.ts';
import type { Situation } from '../../src/status/state.ts';

export const nowMs = Date.UTC(2026, 4, 12, 12);

const idleClass: ClassSnapshot = {
  queued: 0,
  credit: 10,
  waitBoundMs: undefined,
  oldestWaitMs: undefined,
  headHoldTokens: undefined,
  longestWaitMs: 0,
  longestWaitAtMs: undefined,
};

/** A class with one request that has waited. */
export function queuedClass(changes: Partial<ClassSnapshot> = {}): ClassSnapshot {
  return {
    ...idleClass,
    queued: 1,
    oldestWaitMs: 1_000,
    headHoldTokens: 5,
    waitBoundMs: 60_000,
    ...changes,
  };
}

export function broker(
  changes: Partial<BrokerSnapshot> = {},
  classes: Partial<Record<SpendClass, ClassSnapshot>> = {},
): BrokerSnapshot {
  const all = Object.fromEntries(spendClasses.map((name) => [name, classes[name] ?? idleClass]));
  return {
    balance: 100,
    capacity: 300,
    refillRate: 5,
    netRate: 5,
    nextRefillAtMs: nowMs + 30_000,
    clockOffsetMs: 0,
    commons: 50,
    deficitFloor: 0,
    classes: all as Record<SpendClass, ClassSnapshot>,
    inFlight: undefined,
    startableForMs: undefined,
    nextAdmissionAtMs: undefined,
    tokensNeeded: undefined,
    stopped: undefined,
    unexplainedTokens: 0,
    spentLastHour: 120,
    refusals: 0,
    lastAnswerAtMs: nowMs - 10_000,
    answers: 12,
    ...changes,
  };
}

export function loop(changes: Partial<LoopStatus> = {}): LoopStatus {
  return {
    name: 'backfiller',
    doing: undefined,
    passes: 3,
    failures: 0,
    lastPassAtMs: nowMs - 60_000,
    lastSuccessAtMs: nowMs - 59_000,
    nextPassAtMs: nowMs + 60_000,
    progressDueInMs: 360_000,
    lastError: undefined,
    ...changes,
  };
}

export function situation(changes: Partial<Situation> = {}): Situation {
  return {
    nowMs,
    phase: { name: 'active', why: 'working', sinceMs: nowMs - 3_600_000 },
    broker: broker(),
    loops: [loop()],
    recentRequests: [],
    ...changes,
  };
}
