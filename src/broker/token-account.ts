/**
 * The books: what we have, whose it is, what is set aside, and what somebody else took.
 *
 * It joins the projection of the balance with the credits, so that no change of the one can forget
 * the other: each lump is dealt, each hold is paid and settled, each token that is missing is
 * charged to somebody.
 *
 * A request that got no answer is settled at its hold, *in doubt*: for some minutes the difference
 * that later answers show is taken to be its true cost, and given back to, or charged to, the class
 * that caused it. What remains is a drain by somebody else, or a refund to the commons.
 *
 * Invariants, asserted after every change:
 * - credits + commons = balance - holds - floor, to the hundredth of a token;
 * - a hold is settled exactly once.
 */
import assert from 'node:assert/strict';
import type { Envelope } from '../keepa/call.ts';
import type { SpendPolicy } from './admission.ts';
import {
  addToCommons,
  assertShares,
  type Credits,
  chargeClass,
  dealLump,
  drainCredits,
  hundredthsPerToken,
  openCredits,
  type Payment,
  type PerClass,
  payHold,
  settleHold,
  totalOf,
} from './credits.ts';
import { HourSum } from './hour-sum.ts';
import type { SpendClass } from './request.ts';
import {
  adoptTruth,
  advanceBucket,
  type Bucket,
  chargeBucket,
  type Flight,
  lumpLateMs,
  lumpOf,
  openBucket,
  projectedTickMs,
} from './token-bucket.ts';

/** Tokens set aside for one request. */
export interface Hold {
  readonly tokens: number;
  readonly payment: Payment;
}

/** What an answer taught beside the cost of its request. */
export interface Learned {
  readonly newRate: number | undefined;
  /** Tokens that nobody here spent. */
  readonly drain: number;
}

interface Doubt {
  readonly spendClass: SpendClass;
  readonly holdTokens: number;
  chargedTokens: number;
  readonly untilMs: number;
}

/** The caps that apply at a lump; asked for at that moment, as they depend on the queue. */
export type CapsNow = () => PerClass;

/** Keepa finishes or forgets a call within minutes: later differences have another cause. */
const doubtMs = 5 * projectedTickMs;
const ticksPerHour = 60;
/** Below this part of the refill a drain is not worth printing another bound for. */
const drainNoticed = 0.1;
/**
 * A drain is measured over at least so many ticks, or one request of a stranger looks like a flood.
 */
const drainTicksMin = 10;

export class TokenAccount {
  readonly #policy: SpendPolicy;
  readonly #holds = new Set<Hold>();
  readonly #drained = new HourSum();
  readonly #spent = new HourSum();
  #doubts: Doubt[] = [];
  #books: { readonly bucket: Bucket; readonly credits: Credits } | undefined;
  #openedAtMs = 0;

  constructor(policy: SpendPolicy) {
    assertShares(policy.shares);
    const { deficitFloor } = policy;
    assert(Number.isInteger(deficitFloor) && deficitFloor <= 0, `deficit floor ${deficitFloor}`);
    this.#policy = policy;
  }

  /** Undefined before the first truth. */
  get books(): { readonly bucket: Bucket; readonly credits: Credits } | undefined {
    return this.#books;
  }

  get heldTokens(): number {
    return [...this.#holds].reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** The start, or a new one: whatever was believed before counts no more. Nothing may be held. */
  open(envelope: Envelope, flight: Flight): void {
    assert.equal(this.#holds.size, 0, 'the books are opened while tokens are held');
    const bucket = openBucket(envelope, flight);
    const spendable = hundredthsPerToken * (bucket.balance - this.#policy.deficitFloor);
    this.#doubts = [];
    this.#openedAtMs = flight.receivedAtMs;
    this.#keep({ bucket, credits: openCredits(this.#policy.shares, spendable) });
  }

  /** Deals every lump that is due by `nowMs`. Before the first truth nothing is. */
  advance(nowMs: number, caps: CapsNow): void {
    if (this.#books === undefined) return;
    const { bucket, lumps } = advanceBucket(this.#books.bucket, nowMs - lumpLateMs);
    if (lumps.length === 0) return;
    let credits = this.#books.credits;
    for (const lump of lumps) credits = this.#deal(credits, lump, caps);
    this.#keep({ bucket, credits });
  }

  /** Sets tokens aside. @throws AssertionError when the class cannot pay them without a loan. */
  hold(spendClass: SpendClass, tokens: number, { isLoan = false } = {}): Hold {
    const { bucket, credits } = this.#opened();
    const paid = payHold(credits, { spendClass, hold: tokens * hundredthsPerToken, isLoan });
    const hold: Hold = { tokens, payment: paid.payment };
    this.#holds.add(hold);
    this.#keep({ bucket, credits: paid.credits });
    return hold;
  }

  /** The request cost what this answer says. Call `advance` to the arrival first. */
  settle(hold: Hold, envelope: Envelope, flight: Flight & { readonly caps: CapsNow }): Learned {
    const costTokens = wholeCost(envelope);
    const { bucket, credits } = this.#opened();
    this.#close(hold);
    this.#books = { bucket, credits: settleAt(credits, hold, costTokens) };
    return this.observe(envelope, { ...flight, costTokens });
  }

  /** Takes over what an answer says of the balance, after `costTokens` for its own request. */
  observe(
    envelope: Envelope,
    {
      caps,
      costTokens = wholeCost(envelope),
      ...flight
    }: Flight & { readonly caps: CapsNow; readonly costTokens?: number },
  ): Learned {
    const { bucket: before, credits } = this.#opened();
    const truth = adoptTruth(before, envelope, { ...flight, costTokens });
    this.#spent.add(flight.receivedAtMs, costTokens);
    let next = truth.lump === undefined ? credits : this.#deal(credits, truth.lump, caps);
    const gained = this.#resolveDoubts(next, -truth.gain, flight.receivedAtMs);
    const drained = this.#resolveDoubts(gained.credits, truth.drain, flight.receivedAtMs);
    next = addToCommons(drained.credits, -gained.rest * hundredthsPerToken);
    next = drainCredits(next, this.#policy.shares, drained.rest * hundredthsPerToken);
    // A lump that was counted a tick too early or too late comes back with the next answer, so a
    // gain cancels a drain, but never more of it than one lump.
    const rounding = Math.max(gained.rest, -before.rate);
    this.#drained.add(flight.receivedAtMs, drained.rest + rounding);
    this.#keep({ bucket: truth.bucket, credits: next });
    return { newRate: truth.newRate, drain: drained.rest };
  }

  /** The request cost nothing, and no answer told of the balance. */
  release(hold: Hold): void {
    const { bucket, credits } = this.#opened();
    this.#close(hold);
    this.#keep({ bucket, credits: settleAt(credits, hold, 0) });
  }

  /** Nobody knows what the request cost: it is taken to have cost its hold. */
  settleInDoubt(hold: Hold, nowMs: number): void {
    const { bucket, credits } = this.#opened();
    this.#close(hold);
    this.#spent.add(nowMs, hold.tokens);
    this.#doubts.push({
      spendClass: hold.payment.spendClass,
      holdTokens: hold.tokens,
      chargedTokens: hold.tokens,
      untilMs: nowMs + doubtMs,
    });
    this.#keep({
      bucket: chargeBucket(bucket, hold.tokens),
      credits: settleAt(credits, hold, hold.tokens),
    });
  }

  spentLastHour(nowMs: number): number {
    return this.#spent.total(nowMs);
  }

  /** Tokens of the last hour that our requests do not explain; up to one lump is rounding. */
  unexplained(nowMs: number): number {
    const tokens = this.#drained.total(nowMs);
    const rounding = this.#books?.bucket.rate ?? 0;
    return tokens > rounding ? tokens : 0;
  }

  /** What a tick brings, less what strangers took of it lately when that is worth speaking of. */
  netRate(nowMs: number): number | undefined {
    if (this.#books === undefined) return undefined;
    const { bucket } = this.#books;
    const lump = lumpOf(bucket);
    if (!this.#isDrainNoticed(nowMs)) return lump;
    // What was taken since the last answer is not known yet, so that time does not count either.
    const sinceMs = Math.max(this.#openedAtMs, nowMs - ticksPerHour * projectedTickMs);
    const told = Math.floor((bucket.truthAtMs - sinceMs) / projectedTickMs);
    // A lump more or less is rounding here, and a bound had better be too long.
    const drain = this.unexplained(nowMs) + bucket.rate;
    return Math.max(0, lump - drain / Math.max(drainTicksMin, told));
  }

  /**
   * The most that was missing at once in the last hour, when `netRate` counts with strangers. They
   * take by the handful, so a wait may meet one handful more than their average.
   */
  drainAtOnce(nowMs: number): number {
    return this.#isDrainNoticed(nowMs) ? this.#drained.largest(nowMs) : 0;
  }

  #isDrainNoticed(nowMs: number): boolean {
    const refill = (this.#books?.bucket.rate ?? 0) * ticksPerHour;
    return this.unexplained(nowMs) > drainNoticed * refill;
  }

  #deal(credits: Credits, lump: number, caps: CapsNow): Credits {
    const amount = lump * hundredthsPerToken;
    return dealLump(credits, { shares: this.#policy.shares, caps: caps(), amount });
  }

  /** Explains a difference (positive: missing) by requests in doubt, the latest first. */
  #resolveDoubts(
    before: Credits,
    differenceTokens: number,
    nowMs: number,
  ): { readonly credits: Credits; readonly rest: number } {
    this.#doubts = this.#doubts.filter(({ untilMs }) => untilMs > nowMs);
    let credits = before;
    let rest = differenceTokens;
    for (const doubt of this.#doubts.toReversed()) {
      const room = rest < 0 ? -doubt.chargedTokens : 2 * doubt.holdTokens - doubt.chargedTokens;
      const part = rest < 0 ? Math.max(rest, room) : Math.min(rest, Math.max(0, room));
      doubt.chargedTokens += part;
      rest -= part;
      credits = chargeClass(credits, doubt.spendClass, part * hundredthsPerToken);
    }
    return { credits, rest };
  }

  #close(hold: Hold): void {
    assert(this.#holds.delete(hold), 'a hold is settled twice');
  }

  #opened(): { readonly bucket: Bucket; readonly credits: Credits } {
    assert(this.#books !== undefined, 'the balance is not known yet');
    return this.#books;
  }

  #keep(books: { readonly bucket: Bucket; readonly credits: Credits }): void {
    const { balance } = books.bucket;
    const spendable = balance - this.heldTokens - this.#policy.deficitFloor;
    assert.equal(
      totalOf(books.credits),
      spendable * hundredthsPerToken,
      'credits and commons differ from the balance',
    );
    this.#books = books;
  }
}

function settleAt(credits: Credits, { payment }: Hold, costTokens: number): Credits {
  return settleHold(credits, payment, costTokens * hundredthsPerToken);
}

function wholeCost({ costTokens }: Envelope): number {
  return Math.max(0, Math.ceil(costTokens));
}
