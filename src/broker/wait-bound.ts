/**
 * How long the head of a class may have to wait: the promise that `status` prints (P4).
 *
 * Two parts. First *ticks*: those in which lumps go to debts, since a debt is made good before
 * anything is dealt, and those in which the class's share fills its credit. After them the head is
 * admissible and stays so, because nobody else can spend its credit. Then *turns*: the request in
 * flight, the one that a higher class may still put in between until the head is overdue, and at
 * most one per other class that was overdue before it. An overdue head goes before all that became
 * so later, hence no class can come twice. That is computed anew at every look, and the earliest
 * counts: what is printed holds whenever it is read, also where it began as no promise at all.
 *
 * In a bucket too small for what all classes save for, some borrow from others (`admission.ts`). At
 * most the excess is ever lent out, and each class lends its share of it, so its credit may be
 * ceil(excess / net rate) ticks behind.
 *
 * The promise rests on what is known now: a stranger's handful larger than any of the last hour,
 * and calls that cost more than their hold, move it by ceil(their size / net rate) ticks.
 */
import { creditCaps, crowding, type Situation, smallestHold } from './admission.ts';
import { debtOf, hundredthsPerToken } from './credits.ts';
import { type SpendClass, spendClasses } from './request.ts';
import { projectedTickMs } from './token-bucket.ts';

/** What the bound is computed with, beside the situation. */
export interface Pace {
  /** Tokens that a tick brings, net of whatever others take. */
  readonly netRate: number;
  /** The most that others took at once of late, where `netRate` counts with them. */
  readonly drainTokens: number;
  /** The longest one request may take. */
  readonly turnMs: number;
}

/** One turn before the head is overdue, one in flight then, one for each other class. */
const turnsMax = 2 + (spendClasses.length - 1);

/** The printed bound of the class's present head; undefined: it has none, or nothing bounds it. */
export function waitBoundMs<P>(
  situation: Situation<P>,
  spendClass: SpendClass,
  pace: Pace,
): number | undefined {
  const ticksMs = ticksBoundMs(situation, spendClass, pace);
  if (ticksMs === undefined) return undefined;
  return ticksMs + turnsMax * (pace.turnMs + recoveryMs(situation, pace));
}

/** From when the class's head goes before all others, on the clock of `nowMs`. */
export function overdueAtMs<P>(
  situation: Situation<P>,
  spendClass: SpendClass,
  pace: Pace,
): number {
  const ticksMs = ticksBoundMs(situation, spendClass, pace);
  return situation.nowMs + (ticksMs ?? Number.POSITIVE_INFINITY) + pace.turnMs;
}

function ticksBoundMs<P>(
  situation: Situation<P>,
  spendClass: SpendClass,
  { netRate, drainTokens }: Pace,
): number | undefined {
  const head = situation.queue.head(spendClass);
  if (head === undefined || netRate <= 0) return undefined;
  const ticks =
    debtTicks(situation, netRate) +
    creditTicks(situation, spendClass, netRate) +
    Math.ceil(crowding(situation) / (hundredthsPerToken * netRate)) +
    Math.ceil(drainTokens / netRate);
  if (ticks === 0) return 0;
  const { bucket, nowMs } = situation;
  return Math.max(0, bucket.nextLumpAtMs - nowMs) + (ticks - 1) * projectedTickMs;
}

/**
 * With a floor below zero each turn may end in a debt, which Keepa wants repaid before it answers
 * anybody, however much is left above the floor.
 */
function recoveryMs<P>({ policy }: Situation<P>, { netRate }: Pace): number {
  if (policy.deficitFloor >= 0) return 0;
  return Math.ceil((1 - policy.deficitFloor) / netRate) * projectedTickMs;
}

/** Until every positive credit is covered by tokens. */
function debtTicks<P>({ credits }: Situation<P>, netRate: number): number {
  return Math.ceil(debtOf(credits) / (hundredthsPerToken * netRate));
}

/** Until the class's own credit covers its head; what it owes the other classes comes first. */
function creditTicks<P>(situation: Situation<P>, spendClass: SpendClass, netRate: number): number {
  const work = situation.queue.workOf(spendClass);
  if (work === undefined) return 0;
  const { credits, policy } = situation;
  // What exceeds its cap goes to the commons with the next lump.
  const kept = Math.min(credits.credit[spendClass], creditCaps(situation)[spendClass]);
  const missing = smallestHold(situation, work) - kept;
  const owing = Math.max(0, -credits.owed[spendClass]) / 100;
  const need = missing <= 0 ? 0 : missing + Math.ceil(owing);
  return Math.max(0, Math.ceil(need / (policy.shares[spendClass] * netRate)));
}
