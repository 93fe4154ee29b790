/**
 * Decides what state the daemon is in: one word, the reason, and when something happens next.
 *
 * Waiting and being stuck look the same from outside: nothing happens. People who cannot tell them
 * apart "repair" a system that waits and trust one that is dead. So the two are told apart by
 * arithmetic, from what was promised: a wait has a clock time at which it ends, a stall is
 * affordable work that was not started. Health is progress, never the mere existence of a process.
 *
 * Stalled is exactly one of three, while nothing forbids spending (that is `degraded`, with why, or
 * `paused` when a person wished it so; what hangs is stalled then, too):
 * - something could be started (a queued request is affordable, or the balance is due to be read)
 *   and for two ticks nothing was, with nothing under way;
 * - a request has been under way for longer than every time limit of the transport, and a tick;
 * - a loop that waits for no tokens has neither begun nor ended a pass by its deadline.
 *
 * Invariants:
 * - pure: the same facts give the same verdict;
 * - `waiting` always has a time for its next action;
 * - what is late is told by spans of the monotonic clock: a step of the wall clock stalls nothing;
 * - no threshold is a balance: deadlines are ticks and time limits, a drain is measured by income.
 */

import { isClockWrong } from '../broker/clock-watch.ts';
import { forecastHours } from '../broker/forecast.ts';
import { type BrokerSnapshot, type SpendClass, spendClasses } from '../broker/request.ts';
import { tickMs } from '../broker/token-bucket.ts';
import type { LedgerRecord } from '../store/ports.ts';
import type { LoopStatus, Phase } from './sources.ts';

export const stateNames = [
  'starting',
  'running',
  'waiting',
  'paused',
  'standby',
  'degraded',
  'stalled',
  'stopped',
] as const;
export type StateName = (typeof stateNames)[number];

/** All that the judgement rests on. */
export interface Situation {
  readonly nowMs: number;
  readonly phase: Phase;
  readonly broker: BrokerSnapshot | undefined;
  readonly loops: readonly LoopStatus[];
  /** Newest first. */
  readonly recentRequests: readonly Pick<LedgerRecord, 'outcome' | 'why' | 'atMs'>[];
}

export interface Judgement {
  readonly state: StateName;
  readonly reason: string;
  readonly nextActionAtMs: number | undefined;
}

/**
 * Affordable work starts within a turn of the event loop. Two ticks let a late answer, a retry or a
 * slow disk pass, and are still far below what a person would call a long time.
 */
const startDeadlineMs = 2 * tickMs;
/** 30 s to connect and 120 s to answer, and a tick for what comes after. */
const flightDeadlineMs = 150_000 + tickMs;
/** One failure is weather; three in a row are a climate. */
const failuresInARow = 3;
/** Part of an hour's refill that may go unexplained. */
const drainTolerated = 0.1;
const ticksPerHour = 60;

const working: readonly Phase['name'][] = ['active', 'starting', 'paused'];

/** See the head of the file. Total: every situation has a judgement. */
export function decideState(situation: Situation): Judgement {
  const { phase, broker } = situation;
  if (!working.includes(phase.name)) return besideWork(situation);
  if (broker?.stopped !== undefined && broker.stopped.cause !== 'paused') {
    const { why, cause } = broker.stopped;
    const isTried = cause === 'payment-required' && phase.name !== 'paused';
    const hope = isTried ? '; once it is paid, work goes on by itself' : '';
    return {
      state: 'degraded',
      reason: `no token is spent: ${why}${hope}`,
      nextActionAtMs: broker.nextAdmissionAtMs,
    };
  }
  if (phase.name === 'paused') {
    return stuckLoop(situation) ?? notStarted(situation) ?? paused(phase);
  }
  return (
    keepaFails(situation) ??
    wrongClock(situation) ??
    stuckLoop(situation) ??
    notStarted(situation) ??
    unknownBalance(situation) ??
    outOfReach(situation) ??
    foreignDrain(situation) ??
    atWork(situation)
  );
}

function besideWork({ nowMs, phase, loops }: Situation): Judgement {
  const next = phase.name === 'standby' ? earliestPass(loops) : undefined;
  switch (phase.name) {
    case 'standby':
      return { state: 'standby', reason: phase.why, nextActionAtMs: next };
    case 'blocked': {
      const reason = `${phase.why}; waiting for it for ${inWords(nowMs - phase.sinceMs)}`;
      return { state: 'degraded', reason, nextActionAtMs: undefined };
    }
    default:
      return { state: 'stopped', reason: phase.why, nextActionAtMs: undefined };
  }
}

/** Not an ailment: nothing is to be done about it, and it ends when it was said to. */
function paused({ why, untilMs }: Phase): Judgement {
  return { state: 'paused', reason: why, nextActionAtMs: untilMs };
}

/** Keepa, or the way to it, is broken: nothing of ours will help, and waiting longer is no plan. */
function keepaFails({ broker, recentRequests }: Situation): Judgement | undefined {
  const latest = recentRequests.slice(0, failuresInARow);
  const newest = latest[0];
  const bad = new Set(['unavailable', 'maybe-billed', 'malformed', 'permanent']);
  if (newest === undefined || latest.length < failuresInARow) return undefined;
  if (!latest.every(({ outcome }) => bad.has(outcome))) return undefined;
  return {
    state: 'degraded',
    reason: `the last ${failuresInARow} requests failed: ${newest.why ?? newest.outcome}`,
    nextActionAtMs: broker?.nextAdmissionAtMs,
  };
}

/** Dates are wrong, and what Keepa lists seems to come from another time and is not stored. */
function wrongClock({ broker }: Situation): Judgement | undefined {
  const offsetMs = broker?.clockOffsetMs;
  if (offsetMs === undefined || !isClockWrong(offsetMs)) return undefined;
  const side = offsetMs > 0 ? 'behind' : 'ahead of';
  const off = inWords(Math.abs(offsetMs));
  return {
    state: 'degraded',
    reason: `the clock of this machine is ${off} ${side} Keepa's; set it right (timedatectl)`,
    nextActionAtMs: broker?.nextAdmissionAtMs,
  };
}

function stuckLoop({ loops }: Situation): Judgement | undefined {
  const stuck = loops.find(({ progressDueInMs }) => (progressDueInMs ?? 0) < 0);
  if (stuck?.progressDueInMs === undefined) return undefined;
  const late = inWords(-stuck.progressDueInMs);
  const error = stuck.lastError === undefined ? '' : ` (last error: ${stuck.lastError})`;
  return {
    state: 'stalled',
    reason: `${stuck.name} made no progress, overdue by ${late}${error}`,
    nextActionAtMs: stuck.nextPassAtMs,
  };
}

function notStarted({ broker }: Situation): Judgement | undefined {
  if (broker === undefined) return undefined;
  if (broker.inFlight !== undefined) {
    const { forMs, purpose } = broker.inFlight;
    if (forMs <= flightDeadlineMs) return undefined;
    return stalled(`a request (${purpose}) has been under way for ${inWords(forMs)}`, broker);
  }
  const idleMs = broker.startableForMs ?? 0;
  if (idleMs <= startDeadlineMs) return undefined;
  const what = queuedClasses(broker).join(', ') || 'reading the balance';
  return stalled(`${what}: could have been started ${inWords(idleMs)} ago and was not`, broker);
}

/** Queued, and yet no lump of the next hours makes any of it affordable. */
function outOfReach({ broker }: Situation): Judgement | undefined {
  if (broker === undefined || broker.inFlight !== undefined) return undefined;
  const queued = queuedClasses(broker);
  if (queued.length === 0 || broker.nextAdmissionAtMs !== undefined) return undefined;
  const { balance, netRate } = broker;
  const what = `${queued.join(', ')}: not affordable within ${forecastHours} hours`;
  const figures = `the balance is ${balance ?? '?'} and ${netRate ?? '?'} tokens arrive a tick`;
  return { state: 'degraded', reason: `${what}, ${figures}`, nextActionAtMs: undefined };
}

function queuedClasses({ classes }: BrokerSnapshot): readonly SpendClass[] {
  return spendClasses.filter((name) => classes[name].queued > 0);
}

function stalled(reason: string, broker: BrokerSnapshot): Judgement {
  return { state: 'stalled', reason, nextActionAtMs: broker.nextAdmissionAtMs };
}

/** Before the first answer; a first answer that does not come in time is no start any more. */
function unknownBalance({ nowMs, phase, broker }: Situation): Judgement | undefined {
  if (phase.name === 'active' && broker?.balance !== undefined) return undefined;
  if (nowMs - phase.sinceMs > flightDeadlineMs) {
    const reason = `no answer from Keepa for ${inWords(nowMs - phase.sinceMs)} since the start`;
    return { state: 'degraded', reason, nextActionAtMs: broker?.nextAdmissionAtMs };
  }
  const reason = broker === undefined ? phase.why : 'asking Keepa for the balance';
  return { state: 'starting', reason, nextActionAtMs: nowMs };
}

/** Somebody else spends from this key: every bound that is printed would be too hopeful. */
function foreignDrain({ broker }: Situation): Judgement | undefined {
  if (broker?.refillRate === undefined) return undefined;
  const tolerated = drainTolerated * broker.refillRate * ticksPerHour;
  if (broker.unexplainedTokens <= tolerated) return undefined;
  const spent = `${Math.round(broker.unexplainedTokens)} tokens of the last hour`;
  return {
    state: 'degraded',
    reason: `${spent} were spent by somebody else with this key`,
    nextActionAtMs: broker.nextAdmissionAtMs,
  };
}

function atWork({ nowMs, broker, loops }: Situation): Judgement {
  const queued = broker === undefined ? [] : queuedClasses(broker);
  if (broker?.inFlight !== undefined) {
    const { spendClass, purpose } = broker.inFlight;
    return {
      state: 'running',
      reason: `${purpose} (${spendClass}) under way`,
      nextActionAtMs: nowMs,
    };
  }
  const nextAtMs = broker?.nextAdmissionAtMs;
  if (queued.length > 0 && nextAtMs !== undefined && nextAtMs > nowMs) {
    return { state: 'waiting', reason: waitReason(broker, queued), nextActionAtMs: nextAtMs };
  }
  if (queued.length > 0) {
    return { state: 'running', reason: `${queued.join(', ')} at work`, nextActionAtMs: nowMs };
  }
  const passAtMs = earliestPass(loops);
  const busy = loops.find(({ doing }) => doing !== undefined);
  if (busy !== undefined) {
    return { state: 'running', reason: `${busy.name}: ${busy.doing}`, nextActionAtMs: nowMs };
  }
  return { state: 'running', reason: 'nothing is due yet', nextActionAtMs: passAtMs };
}

function waitReason(broker: BrokerSnapshot | undefined, queued: readonly SpendClass[]): string {
  const needed = broker?.tokensNeeded;
  const balance = broker?.balance;
  const work = queued.join(', ');
  if (needed === undefined || balance === undefined) return `${work}: waiting to try again`;
  return `${work}: waiting for ${needed} tokens, the balance is ${balance}`;
}

function earliestPass(loops: readonly LoopStatus[]): number | undefined {
  const times = loops.flatMap(({ nextPassAtMs }) => nextPassAtMs ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

function inWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  const hours = Math.round(minutes / 60);
  if (hours < 48) return minutes < 120 ? `${minutes} min` : `${hours} h`;
  const days = Math.round(hours / 24);
  return days < 730 ? `${days} days` : `${Math.round(days / 365)} years`;
}
