/**
 * What we believe our Keepa balance to be.
 *
 * Keepa keeps the true bucket; this is a projection of it, replaced by every answer. It may err
 * only downwards: believing ourselves poorer costs a wait, believing ourselves richer costs a debt.
 * Hence three choices:
 *
 * - Spans are measured on our monotonic clock, from the instant an answer *arrived*. Its figures
 *   were true a little earlier, so a lump is expected a little late and never early. No offset
 *   between Keepa's clock and ours takes part in any decision; it is kept for people.
 * - A projected tick is a little longer than a real one, so that an hour without an answer does not
 *   let the projection run ahead.
 * - Two answers are compared on Keepa's clock alone (the distance between the two "next refill"
 *   instants, in ticks): that says exactly which lumps the second one already contains.
 *
 * Invariants:
 * - balance <= capacity after every lump, but for a rumour of a lower rate;
 * - time comes in as an argument, so the same history always gives the same balance;
 * - each change of the balance is reported as exactly one of: lump, cost, gain, drain.
 */
import assert from 'node:assert/strict';
import type { Envelope } from '../keepa/call.ts';

/** One lump per tick: 60,200 to 60,205 ms between 71 of 76 recorded neighbours. */
export const tickMs = 60_200;
/** Longer than any recorded average (60,206 ms over up to 60 ticks), with room for two clocks. */
export const projectedTickMs = 60_215;
/**
 * Below this, `refillIn` is at its floor of 522 ms and says nothing: the tick is nearer than that,
 * or has just passed.
 */
const refillInMsTrusted = 700;
/**
 * How long after its instant a lump is counted on. Keepa's instants are whole milliseconds: a
 * request that is there a moment before the lump is refused.
 */
export const lumpLateMs = 5;
/** Tokens expire after an hour, so this many minutes' worth is the most a bucket holds. */
const capacityMinutes = 60;

export interface Bucket {
  /** Whole tokens; may be negative. Costs not yet settled are still in it. */
  readonly balance: number;
  /** Tokens per minute, believed. */
  readonly rate: number;
  /** A different rate that one answer told of: it counts only where it is the lower one. */
  readonly rumouredRate: number | undefined;
  /** Tokens per tick that trackings take away, rounded up. */
  readonly flowReduction: number;
  /** Monotonic; the lump is there at this instant or earlier. */
  readonly nextLumpAtMs: number;
  /** Keepa's instant of the first lump after the last answer's figures. */
  readonly keepaNextRefillAtMs: number;
  /** Lumps added on top of the last answer's figures. */
  readonly lumpsSinceTruth: number;
  /** Tokens that those lumps added. */
  readonly addedSinceTruth: number;
  /** Monotonic arrival of the last answer. */
  readonly truthAtMs: number;
}

/** When a request was sent and its answer arrived, on our monotonic clock. */
export interface Flight {
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
}

/** What an answer changed, in tokens; `balance` after = before + lump + gain - drain - cost. */
export interface Truth {
  readonly bucket: Bucket;
  /** Refill that the projection had not seen yet, as in `advanceBucket`; undefined: none. */
  readonly lump: number | undefined;
  /** Found beyond every lump: something cost less than we settled it at. */
  readonly gain: number;
  /** Gone, and not for this request. */
  readonly drain: number;
  readonly newRate: number | undefined;
}

/** The bucket as the first answer tells it. */
export function openBucket(envelope: Envelope, { receivedAtMs }: Flight): Bucket {
  const keepaNextRefillAtMs = nextRefillAt(envelope, undefined);
  return {
    balance: Math.floor(envelope.balance),
    rate: wholeRate(envelope),
    rumouredRate: undefined,
    flowReduction: Math.ceil(envelope.flowReduction),
    nextLumpAtMs: receivedAtMs + keepaNextRefillAtMs - envelope.asOfMs,
    keepaNextRefillAtMs,
    lumpsSinceTruth: 0,
    addedSinceTruth: 0,
    truthAtMs: receivedAtMs,
  };
}

/** The most tokens the plan can hold. */
export function capacityOf(bucket: Bucket): number {
  return capacityMinutes * bucket.rate;
}

/** What one tick brings, in tokens: the refill less what trackings take. May be 0. */
export function lumpOf(bucket: Bucket): number {
  return Math.max(0, lowerRate(bucket) - bucket.flowReduction);
}

/**
 * Adds every lump due by `nowMs`. `lumps` has one entry per tick: 0 for one lost at the cap, below
 * 0 when the cap took more than the lump brought.
 */
export function advanceBucket(
  before: Bucket,
  nowMs: number,
): { readonly bucket: Bucket; readonly lumps: readonly number[] } {
  const lumps: number[] = [];
  let bucket = before;
  while (bucket.nextLumpAtMs <= nowMs) {
    const lump = Math.min(lumpOf(bucket), roomIn(bucket));
    lumps.push(lump);
    bucket = {
      ...bucket,
      balance: bucket.balance + lump,
      nextLumpAtMs: bucket.nextLumpAtMs + projectedTickMs,
      lumpsSinceTruth: bucket.lumpsSinceTruth + 1,
      addedSinceTruth: bucket.addedSinceTruth + lump,
    };
  }
  return { bucket, lumps };
}

/**
 * Replaces the projection by an answer. Call it with the bucket advanced to the arrival.
 * `costTokens` is what the request behind it cost: whatever else is missing is a drain.
 */
export function adoptTruth(
  before: Bucket,
  envelope: Envelope,
  { costTokens, ...flight }: Flight & { readonly costTokens: number },
): Truth {
  const keepaNextRefillAtMs = nextRefillAt(envelope, before.keepaNextRefillAtMs);
  const ticks = ticksBetween(before.keepaNextRefillAtMs, keepaNextRefillAtMs);
  const ahead = lumpsAhead(before, { ticks, envelope, flight });
  const unseen = Math.max(0, ticks - before.lumpsSinceTruth);
  const rates = believedRates(before, wholeRate(envelope));
  const untilRefillMs = keepaNextRefillAtMs - envelope.asOfMs;
  const reported = { ...before, balance: Math.floor(envelope.balance) };
  const aheadTokens = Math.min(ahead * lumpOf(before), Math.max(0, roomIn(reported)));
  const next: Bucket = {
    ...reported,
    ...rates,
    balance: reported.balance + aheadTokens,
    flowReduction: Math.ceil(envelope.flowReduction),
    nextLumpAtMs: flight.receivedAtMs + untilRefillMs + ahead * projectedTickMs,
    keepaNextRefillAtMs,
    lumpsSinceTruth: ahead,
    addedSinceTruth: aheadTokens,
    truthAtMs: flight.receivedAtMs,
  };
  const change = next.balance + costTokens - before.balance;
  return {
    bucket: next,
    ...explain(change, before, {
      ticks,
      unseen,
      reported: { rate: wholeRate(envelope), balance: reported.balance + costTokens },
    }),
    newRate: rates.rate === before.rate ? undefined : rates.rate,
  };
}

/** Sets what a request without an answer is taken to have cost. */
export function chargeBucket(bucket: Bucket, costTokens: number): Bucket {
  return { ...bucket, balance: bucket.balance - costTokens };
}

/** A change of the balance, told apart into refill, refund and foreign spending. */
function explain(
  change: number,
  before: Bucket,
  { ticks, unseen, reported }: { ticks: number; unseen: number; reported: Reported },
): { lump: number | undefined; gain: number; drain: number } {
  const expected = Math.min(unseen * lumpOf(before), roomIn(before));
  // A bucket is cut to its size when a lump comes, of those that the answer holds.
  const least =
    ticks > 0 && isCut(reported, before)
      ? Math.min(expected, capacityMinutes * reported.rate - before.balance)
      : expected;
  // More than we projected is still refill as long as the plan could have brought it: a debit
  // taken before a lump makes room under the cap, a rumour of a lower rate may have been false, a
  // reduction that we rounded up may count for less.
  const grossRate = Math.max(before.rate, before.rumouredRate ?? 0, reported.rate);
  const plausible = (unseen + before.lumpsSinceTruth) * grossRate - before.addedSinceTruth;
  const most = Math.max(expected, plausible);
  const lump = Math.min(Math.max(change, least), most);
  const isLump = unseen > 0 || lump !== 0;
  return {
    lump: isLump ? lump : undefined,
    gain: Math.max(0, change - lump),
    drain: Math.max(0, lump - change),
  };
}

/** Of an answer: its rate, and the balance before its own cost. */
interface Reported {
  readonly rate: number;
  readonly balance: number;
}

/**
 * Whether what is missing was cut off because a smaller plan cannot hold it. When an answer
 * confirms the lower rate, any balance within the capacity of that counts as cut. When it is the
 * first to tell of it, only a full bucket does, since that answer may be wrong.
 */
function isCut({ rate, balance }: Reported, before: Bucket): boolean {
  const capacity = capacityMinutes * rate;
  if (rate >= before.rate || balance > capacity) return false;
  return rate === before.rumouredRate || balance > capacity - rate;
}

/**
 * Lumps that we have added and this answer does not hold yet, because they arrived while it was
 * on its way. Bounded by what our own clock saw during the flight, so that a jump of Keepa's
 * clock cannot invent any.
 */
function lumpsAhead(
  before: Bucket,
  { ticks, envelope, flight }: { ticks: number; envelope: Envelope; flight: Flight },
): number {
  const asOfEarliestMs = flight.sentAtMs + envelope.processingMs;
  const lastLumpAtMs = before.nextLumpAtMs - projectedTickMs;
  const duringFlight = Math.floor((lastLumpAtMs - asOfEarliestMs) / projectedTickMs) + 1;
  const most = Math.min(before.lumpsSinceTruth, Math.max(0, duringFlight));
  return Math.min(most, Math.max(0, before.lumpsSinceTruth - ticks));
}

/** A changed rate is believed when two answers in a row agree on it. */
function believedRates(
  before: Bucket,
  reported: number,
): { rate: number; rumouredRate: number | undefined } {
  const isConfirmed = reported === before.rate || reported === before.rumouredRate;
  if (isConfirmed) return { rate: reported, rumouredRate: undefined };
  return { rate: before.rate, rumouredRate: reported };
}

function lowerRate({ rate, rumouredRate }: Bucket): number {
  return Math.min(rate, rumouredRate ?? rate);
}

/**
 * How much of a lump the cap leaves. Below 0 when Keepa holds more than the plan allows, as after a
 * change to a smaller one: the next lump takes it. A mere rumour of a lower rate takes nothing.
 */
function roomIn(bucket: Bucket): number {
  const excess = Math.min(0, capacityOf(bucket) - bucket.balance);
  return Math.max(excess, capacityMinutes * lowerRate(bucket) - bucket.balance);
}

function ticksBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.round((toMs - fromMs) / tickMs));
}

/**
 * Keepa's instant of the next lump. At the floor of `refillIn` the phase known from before decides
 * whether the tick has passed; without one the lump in doubt is left out, which errs downwards.
 */
function nextRefillAt(envelope: Envelope, knownRefillAtMs: number | undefined): number {
  const { nextRefillAtMs, asOfMs } = envelope;
  if (nextRefillAtMs - asOfMs >= refillInMsTrusted) return nextRefillAtMs;
  if (knownRefillAtMs === undefined) return nextRefillAtMs + tickMs;
  const tickAtMs = knownRefillAtMs + ticksBetween(knownRefillAtMs, nextRefillAtMs) * tickMs;
  return asOfMs >= tickAtMs ? tickAtMs + tickMs : nextRefillAtMs;
}

function wholeRate(envelope: Envelope): number {
  const rate = Math.floor(envelope.refillRate);
  assert(rate >= 1, `an envelope with refill rate ${envelope.refillRate} is no state`);
  return rate;
}
