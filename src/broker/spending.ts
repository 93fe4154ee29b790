/**
 * What the broker knows, and how a look at the clock or an answer changes it. No I/O, no waiting.
 *
 * The pure parts decide: `admission.ts` who is next, `token-account.ts` whose tokens are gone,
 * `landing.ts` what an outcome means. This file asks them in the right order and says in the log
 * what people should know of; the ledger has the rest.
 *
 * Invariants:
 * - nothing is admitted before the first truth, nor on a truth that may be somebody else's past;
 * - between two calls credits, holds and balance fit together (see `token-account.ts`).
 */
import type { Envelope, Outcome } from '../keepa/call.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import {
  borrowerIn,
  creditCaps,
  type Decision,
  decide,
  isAdmissible,
  type Situation,
  type SpendPolicy,
} from './admission.ts';
import { BalanceReads } from './balance-reads.ts';
import { describeSituation, type LongestWait, noWait } from './broker-snapshot.ts';
import { ClockWatch } from './clock-watch.ts';
import { CostModel } from './cost-model.ts';
import { type PerClass, perClass } from './credits.ts';
import type { Errand } from './errand.ts';
import { type Dispatch, envelopeOf, settleOutcome } from './landing.ts';
import { PaymentTrials } from './payment-trials.ts';
import { RefusalGuard } from './refusal-guard.ts';
import { type BrokerSnapshot, type SpendClass, type Stop, spendClasses } from './request.ts';
import { type QueuedRequest, RequestQueue } from './request-queue.ts';
import type { StopSigns } from './stop-signs.ts';
import { type Learned, TokenAccount } from './token-account.ts';
import { type Flight, lumpLateMs, projectedTickMs } from './token-bucket.ts';
import { overdueAtMs, type Pace } from './wait-bound.ts';

export type Admission = Extract<Decision<Errand>, { kind: 'admit' }>;

/** What to do now, if anything. */
export type Step = { readonly kind: 'read' } | Admission | undefined;

export interface SpendingOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly policy: SpendPolicy;
  readonly stops: StopSigns;
  readonly learned?: unknown;
  readonly onHalted?: (stop: Stop) => void;
}

/** A bucket lives for an hour, so an older truth says nothing about it. */
const truthMsMax = 3_600_000;

export class Spending {
  readonly queue = new RequestQueue<Errand>();
  readonly costs: CostModel;
  readonly reads: BalanceReads;
  readonly #options: SpendingOptions;
  readonly #account: TokenAccount;
  readonly #guard = new RefusalGuard();
  readonly #trials: PaymentTrials;
  readonly #longestWaits: Record<SpendClass, LongestWait> = perClass(() => noWait);
  /** Since when something could be started that was not; undefined: it cannot. */
  #startableSinceMs: number | undefined;
  #turnMs = 0;
  /** False while what we believe of the balance may be somebody else's past. */
  #isTruthOurs = false;
  #isDrainTold = false;
  #isSilent = false;
  readonly #clockWatch: ClockWatch;
  #answers = 0;
  #lastAnswer: { readonly atMs: number; readonly clockOffsetMs: number } | undefined;

  constructor(options: SpendingOptions) {
    this.#options = options;
    this.#clockWatch = new ClockWatch(options.log);
    this.#account = new TokenAccount(options.policy);
    this.costs = new CostModel(options.learned);
    this.reads = new BalanceReads(options.random);
    this.#trials = new PaymentTrials(options);
  }

  /** Brings everything to `nowMs`: backoffs that are over, lumps that are due, new heads. */
  advance(nowMs: number, turnMs: number): void {
    this.#turnMs = turnMs;
    this.queue.wake(nowMs);
    this.#account.advance(nowMs, this.#caps);
    this.#markHeads(nowMs);
  }

  /** Others may spend from now on: what is believed of the balance ends here. */
  disown(): void {
    this.#isTruthOurs = false;
    this.#startableSinceMs = undefined;
  }

  /**
   * Remembers since when something could be started; called with the channel free, before anybody
   * decides, so that it also tells of a decision that is not taken.
   */
  noteStartable(nowMs: number): void {
    if (!this.#canStart(nowMs)) this.#startableSinceMs = undefined;
    else this.#startableSinceMs ??= nowMs;
  }

  readBegins(): void {
    this.#startableSinceMs = undefined;
  }

  /**
   * What may be done now, with nothing in flight. Refuses what can never be afforded on the way.
   */
  nextStep(nowMs: number): Step {
    const read = this.reads.nextAtMs(nowMs) <= nowMs ? ({ kind: 'read' } as const) : undefined;
    if (nowMs < this.#trials.notBeforeMs) return undefined;
    if (!this.#isTruthOurs) return read;
    if (nowMs < this.#guard.notBeforeMs) return undefined;
    const admission = this.#nextAdmission(nowMs);
    if (admission === undefined) {
      this.#guard.mustWait();
      return undefined;
    }
    return this.#readsFirst(nowMs) ? read : admission;
  }

  /** Pays the hold of what is about to be sent. */
  dispatch({ request, items, quote, isLoan }: Admission, nowMs: number): Dispatch {
    const { id, spendClass } = request;
    this.queue.move(id, 'admitted');
    const hold = this.#account.hold(spendClass, quote.holdTokens, { isLoan });
    const answersBefore = this.queue.send(id, this.#answers);
    this.#startableSinceMs = undefined;
    this.#noteWait(request, nowMs);
    return { request, items, hold, answersBefore, waitedMs: nowMs - request.queuedAtMs };
  }

  /** The waits that end as spending stops: time in which nobody may spend is no wait of ours. */
  noteWaits(): void {
    const nowMs = this.#options.clock.monotonic();
    for (const name of spendClasses) {
      const head = this.queue.head(name);
      if (head !== undefined) this.#noteWait(head, nowMs);
    }
  }

  /** Not of a request that tries whether an unpaid plan is served again: it waited for that. */
  #noteWait({ spendClass, readyAtMs }: QueuedRequest<Errand>, nowMs: number): void {
    const { clock, stops } = this.#options;
    if (stops.current !== undefined) return;
    const waitMs = nowMs - Math.max(readyAtMs, stops.freeSinceMs);
    if (waitMs <= this.#longestWaits[spendClass].waitMs) return;
    this.#longestWaits[spendClass] = { waitMs, atMs: clock.now() };
  }

  /** Takes in what became of a request: its hold is settled or released, and prices learned. */
  land({ request, items, hold }: Dispatch, outcome: Outcome<unknown>, flight: Flight): void {
    this.#account.advance(flight.receivedAtMs, this.#caps);
    const learned = settleOutcome(this.#account, hold, outcome, { ...flight, caps: this.#caps });
    this.#hear(outcome, learned);
    this.#notePayment(outcome, { isFree: false, atMs: flight.receivedAtMs });
    if (outcome.kind === 'refused') this.#noteRefusal(outcome.envelope, flight);
    if (outcome.kind !== 'answered') return;
    this.#guard.served();
    const { costTokens } = outcome.envelope;
    const price = { items, costTokens, holdTokens: hold.tokens };
    const drift = this.costs.learn(request.call, price);
    if (drift) this.#options.log.warn('cost-drift', { ...drift, ...price });
  }

  /** Takes in what a free read of the balance brought. */
  takeIn(outcome: Outcome<unknown>, flight: Flight): void {
    this.#takeBalance(outcome, flight);
    this.#notePayment(outcome, { isFree: true, atMs: flight.receivedAtMs });
  }

  #takeBalance(outcome: Outcome<unknown>, flight: Flight): void {
    const envelope = envelopeOf(outcome);
    if (envelope === undefined) {
      this.reads.failed(flight.receivedAtMs);
      this.#hear(outcome, undefined);
      return;
    }
    this.reads.succeeded(flight.receivedAtMs);
    this.#guard.balanceRead();
    if (this.#isTruthOurs) {
      this.#account.advance(flight.receivedAtMs, this.#caps);
      this.#hear(outcome, this.#account.observe(envelope, { ...flight, caps: this.#caps }));
      return;
    }
    this.#account.open(envelope, flight);
    if (envelope.balance <= 0) this.#guard.foundNothingLeft();
    this.#isTruthOurs = true;
    this.#hear(outcome, undefined);
  }

  /** The instants at which a look may find something to do. */
  wakeTimes(nowMs: number): readonly number[] {
    const lumpAtMs = this.#account.books?.bucket.nextLumpAtMs;
    const countedAtMs = lumpAtMs === undefined ? undefined : lumpAtMs + lumpLateMs;
    const soonest = [this.#guard.notBeforeMs, this.#trials.notBeforeMs, this.reads.nextAtMs(nowMs)];
    return [countedAtMs, this.queue.nextReadyAtMs(), ...soonest].flatMap((atMs) => {
      return atMs !== undefined && atMs > nowMs ? [atMs] : [];
    });
  }

  /** `freeSinceMs`: since when nothing is under way; undefined while something is. */
  snapshot(freeSinceMs: number | undefined): Omit<BrokerSnapshot, 'inFlight'> {
    const { clock, policy, stops } = this.#options;
    const nowMs = clock.monotonic();
    return {
      ...describeSituation({
        situation: this.#situation(nowMs),
        pace: this.#pace(nowMs),
        queue: this.queue,
        deficitFloor: policy.deficitFloor,
        longestWaits: this.#longestWaits,
        nowMs,
        wallMinusMonotonicMs: clock.now() - nowMs,
        notBeforeMs: this.#notBeforeMs(nowMs),
        readsAtOnce: !this.#isTruthOurs,
        freeSinceMs,
        startableSinceMs: this.#startableSinceMs,
        isStopped: stops.current !== undefined,
        isTrying: stops.isTrying,
        allowedSinceMs: stops.freeSinceMs,
      }),
      clockOffsetMs: this.#lastAnswer?.clockOffsetMs,
      stopped: stops.current,
      unexplainedTokens: this.#account.unexplained(nowMs),
      spentLastHour: this.#account.spentLastHour(nowMs),
      refusals: this.#guard.refusals,
      lastAnswerAtMs: this.#lastAnswer?.atMs,
      answers: this.#answers,
    };
  }

  /** Whether the balance must be read before anything is bought. */
  #readsFirst(nowMs: number): boolean {
    return !this.#isTruthOurs || this.#guard.mustReadFirst || this.#isTruthStale(nowMs);
  }

  /** Nothing is started before it; in the past when nothing forbids it. */
  #notBeforeMs(nowMs: number): number {
    const readAtMs = this.#readsFirst(nowMs) ? this.reads.nextAtMs(nowMs) : nowMs;
    return Math.max(
      this.#guard.notBeforeMs,
      this.#trials.notBeforeMs,
      readAtMs > nowMs ? readAtMs : Number.NEGATIVE_INFINITY,
    );
  }

  /** By the rules alone: what `nextStep` makes of them is what this is held against. */
  #canStart(nowMs: number): boolean {
    if (this.#notBeforeMs(nowMs) > nowMs) return false;
    if (!this.#isTruthOurs) return true;
    const situation = this.#situation(nowMs);
    if (situation === undefined) return false;
    const heads = spendClasses.flatMap((name) => this.queue.head(name) ?? []);
    if (heads.some((head) => isAdmissible(situation, head))) return true;
    return borrowerIn(situation) !== undefined;
  }

  #nextAdmission(nowMs: number): Admission | undefined {
    for (;;) {
      const situation = this.#situation(nowMs);
      const decision = situation && decide(situation);
      if (decision === undefined || decision.kind === 'wait') return undefined;
      if (decision.kind === 'admit') return decision;
      const { request, fitsItems } = decision;
      this.queue.move(request.id, 'too-large');
      request.payload.end({ kind: 'too-large', fitsItems });
      this.#markHeads(nowMs);
    }
  }

  #isTruthStale(nowMs: number): boolean {
    const truthAtMs = this.#account.books?.bucket.truthAtMs ?? Number.NEGATIVE_INFINITY;
    return nowMs - truthAtMs > truthMsMax;
  }

  #noteRefusal(envelope: Envelope | undefined, { receivedAtMs }: Flight): void {
    const nextLumpAtMs = this.#account.books?.bucket.nextLumpAtMs;
    this.#guard.refused({ nextLumpAtMs: nextLumpAtMs ?? receivedAtMs + projectedTickMs });
    this.#options.log.warn('refused', { balance: envelope?.balance });
  }

  /** While the plan is unpaid nobody knows what becomes of the balance. */
  #notePayment(...call: Parameters<PaymentTrials['note']>): void {
    if (this.#trials.note(...call)) this.disown();
  }

  /** Says what people should know of an answer, and stops when Keepa refuses the key. */
  #hear(outcome: Outcome<unknown>, learned: Learned | undefined): void {
    const { clock, log, stops, onHalted } = this.#options;
    const envelope = envelopeOf(outcome);
    if (envelope !== undefined) {
      this.#answers += 1;
      const atMs = clock.now();
      this.#lastAnswer = { atMs, clockOffsetMs: envelope.asOfMs - atMs };
      this.#clockWatch.note(this.#lastAnswer.clockOffsetMs);
    }
    if (learned?.newRate !== undefined) log.info('rate-changed', { perMinute: learned.newRate });
    const tokens = this.#account.unexplained(clock.monotonic());
    if (tokens > 0 && !this.#isDrainTold) log.warn('unexplained-drain', { tokens });
    this.#isDrainTold = tokens > 0;
    this.#tellSilence(outcome);
    if (outcome.kind !== 'permanent' || outcome.reason !== 'invalid-key') return;
    onHalted?.(stops.raise('invalid-key', outcome.why));
  }

  /** An outage is said when it begins, with each new reason, and when it is over. */
  #tellSilence(outcome: Outcome<unknown>): void {
    const { log } = this.#options;
    switch (outcome.kind) {
      case 'unavailable':
      case 'maybe-billed':
      case 'malformed':
        this.#isSilent = true;
        log.warn('unanswered', { outcome: outcome.kind, why: outcome.why });
        break;
      case 'answered':
        if (this.#isSilent) log.info('answered-again');
        this.#isSilent = false;
        break;
    }
  }

  /**
   * What strangers took since the last answer is still in the credits. A busy class keeps its part
   * of it, or a lump would carry that to the commons, and this class alone would pay for the rest.
   */
  readonly #caps = (): PerClass => {
    const nowMs = this.#options.clock.monotonic();
    const situation = this.#situation(nowMs);
    if (situation === undefined) return perClass(() => 0);
    const caps = creditCaps(situation);
    const untoldTokens = this.#account.drainAtOnce(nowMs);
    return perClass((name) => {
      const isBusy = this.queue.workOf(name) !== undefined;
      return caps[name] + (isBusy ? Math.ceil(situation.policy.shares[name] * untoldTokens) : 0);
    });
  };

  #situation(nowMs: number): Situation<Errand> | undefined {
    const { books, heldTokens } = this.#account;
    if (books === undefined) return undefined;
    const { policy } = this.#options;
    return { ...books, queue: this.queue, costs: this.costs, policy, heldTokens, nowMs };
  }

  #pace(nowMs: number): Pace | undefined {
    const netRate = this.#account.netRate(nowMs);
    if (netRate === undefined) return undefined;
    return { netRate, drainTokens: this.#account.drainAtOnce(nowMs), turnMs: this.#turnMs };
  }

  #markHeads(nowMs: number): void {
    const situation = this.#situation(nowMs);
    const pace = this.#pace(nowMs);
    if (situation === undefined || pace === undefined) return;
    for (const name of spendClasses) {
      this.queue.markHead(name, overdueAtMs(situation, name, pace));
    }
  }
}
