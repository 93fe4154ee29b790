/**
 * The only spender: every request to Keepa goes through here, one at a time, in an order that is
 * decided when tokens are there and not when it was queued.
 *
 * It decides nothing itself. `admission.ts` says who is next, `token-account.ts` keeps the books,
 * `landing.ts` says what an outcome means; this file moves the messages between them and the world.
 * A message never waits: a call in flight and a store that cannot write run beside the mailbox and
 * post their result, and waiting for tokens is a timer that posts the next look.
 *
 * Invariants:
 * - at most one request is in flight, and nothing is admitted before its answer is stored;
 * - before the first truth, and after the right to spend was gone, the balance is read first;
 * - an admitted hold is settled or released exactly once, whatever becomes of the request;
 * - a fault in here crashes the process: its state could not be trusted any more.
 */
import type { Envelope, KeepaCall, KeepaClient, Outcome, TokenCall } from '../keepa/call.ts';
import { backoffMs } from '../runtime/backoff.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Log } from '../runtime/log.ts';
import { Mailbox } from '../runtime/mailbox.ts';
import type { Random } from '../runtime/random.ts';
import {
  creditCaps,
  type Decision,
  decide,
  type Situation,
  type SpendPolicy,
} from './admission.ts';
import { BalanceReads } from './balance-reads.ts';
import { describeSituation } from './broker-snapshot.ts';
import { Channel, type Landed } from './channel.ts';
import { CostModel, type LearnedCosts, unitsIn } from './cost-model.ts';
import { type PerClass, perClass } from './credits.ts';
import { ask, type Errand, errandOf, type Purchase, type Sent } from './errand.ts';
import {
  type Dispatch,
  deadWith,
  envelopeOf,
  ledgerEntry,
  settleOutcome,
  statusEntry,
  type Verdict,
  verdictOf,
} from './landing.ts';
import { RefusalGuard } from './refusal-guard.ts';
import {
  type Broker,
  type BrokerRequest,
  type BrokerSnapshot,
  type Gate,
  type LedgerEntry,
  type Settlement,
  type SpendClass,
  type Stop,
  spendClasses,
} from './request.ts';
import { RequestQueue } from './request-queue.ts';
import { StopSigns } from './stop-signs.ts';
import { storeUntilDone } from './storing.ts';
import { type Learned, TokenAccount } from './token-account.ts';
import { type Flight, projectedTickMs } from './token-bucket.ts';
import { overdueAtMs, type Pace } from './wait-bound.ts';

export interface BrokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly client: KeepaClient;
  readonly policy: SpendPolicy;
  /** Writes one line of the ledger; repeated until it succeeds, like a commit. */
  readonly record: (entry: LedgerEntry) => Promise<void>;
  /** Whether anything may be admitted now; asked at every look, call `nudge` when it changes. */
  readonly gate: () => Gate;
  /** Whether a failed write can never succeed, because a newer process writes now. */
  readonly isFinal: (error: unknown) => boolean;
  /** What an earlier run learned of prices (`learnedCosts`). */
  readonly learned?: unknown;
  /** Called once when Keepa refuses the key or the plan is unpaid: nothing will be spent again. */
  readonly onHalted?: (stop: Stop) => void;
}

export interface TokenBroker extends Broker {
  /** What calls turned out to cost, as plain JSON. */
  learnedCosts(): LearnedCosts;
}

export function createBroker(options: BrokerOptions): TokenBroker {
  return new SerialBroker(options);
}

const retryBackoff = { firstMs: 2_000, capMs: 300_000 };
/** A bucket lives for an hour, so an older truth says nothing about it. */
const truthMsMax = 3_600_000;
/** Part of the 30 s that a stop may take in all. */
const drainMsMax = 20_000;

class SerialBroker implements TokenBroker {
  readonly #options: BrokerOptions;
  readonly #mailbox = new Mailbox();
  readonly #queue = new RequestQueue<Errand>();
  readonly #account: TokenAccount;
  readonly #costs: CostModel;
  readonly #reads: BalanceReads;
  readonly #guard = new RefusalGuard();
  readonly #stops: StopSigns;
  readonly #channel: Channel;
  readonly #idle = Promise.withResolvers<void>();
  readonly #longestWaitMs = perClass(() => 0);
  #timer: Timer | undefined;
  #isLookPending = false;
  #isStarted = false;
  #drained: Promise<void> | undefined;
  /** False while what we believe of the balance may be somebody else's past. */
  #isTruthOurs = false;
  #isDrainTold = false;
  #lastAnswerAtMs: number | undefined;

  constructor(options: BrokerOptions) {
    const { clock, log, policy, random, record, isFinal, learned } = options;
    this.#options = options;
    this.#account = new TokenAccount(policy);
    this.#costs = new CostModel(learned);
    this.#reads = new BalanceReads(random);
    this.#stops = new StopSigns({ clock, log });
    this.#channel = new Channel({
      clock,
      random,
      record,
      isFinal,
      stops: this.#stops,
      post: (message) => this.#post(message),
    });
  }

  request<C extends KeepaCall>(request: BrokerRequest<C>): Promise<Settlement<C>> {
    const { promise, resolve } = Promise.withResolvers<Settlement<C>>();
    const { call, spendClass, signal } = request;
    if (this.#drained !== undefined || signal?.aborted) {
      resolve({ kind: 'cancelled' });
      return promise;
    }
    if (unitsIn(call) < 1) {
      resolve({ kind: 'permanent', reason: 'bad-request', why: 'a batch without items' });
      return promise;
    }
    const takeBack = (): void => void this.#post(() => this.#cancel(id));
    const errand = errandOf(request, (settlement) => {
      signal?.removeEventListener('abort', takeBack);
      resolve(settlement);
    });
    const nowMs = this.#options.clock.monotonic();
    const { id } = this.#queue.add({ spendClass, call, payload: errand, nowMs });
    signal?.addEventListener('abort', takeBack, { once: true });
    this.#lookSoon();
    return promise;
  }

  start(): void {
    this.#isStarted = true;
    this.#lookSoon();
  }

  nudge(): void {
    this.#lookSoon();
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    void this.#post(() => this.#look());
    const deadline = this.#options.clock.after(drainMsMax, () => this.#channel.giveUp());
    await this.#idle.promise;
    deadline.cancel();
    this.#timer?.cancel();
    this.#mailbox.close();
    await this.#mailbox.drain();
  }

  learnedCosts(): LearnedCosts {
    return this.#costs.export();
  }

  // --- looking ---

  /** One real turn later, so that whoever just got an answer can ask for the next thing first. */
  #lookSoon(): void {
    if (this.#isLookPending || this.#drained !== undefined) return;
    this.#isLookPending = true;
    this.#options.clock.after(0, () => {
      this.#isLookPending = false;
      void this.#post(() => this.#look());
    });
  }

  #look(): void {
    if (this.#drained !== undefined) {
      this.#finishDraining();
      return;
    }
    if (!this.#isStarted) return;
    const nowMs = this.#options.clock.monotonic();
    this.#queue.wake(nowMs);
    this.#account.advance(nowMs, this.#caps);
    this.#markHeads(nowMs);
    const isOpen = this.#readGate();
    if (isOpen && this.#channel.slot === undefined && !this.#stops.isHalted) this.#proceed(nowMs);
    this.#arm();
  }

  #finishDraining(): void {
    for (const { id } of this.#queue.waiting()) this.#cancel(id);
    if (this.#channel.slot === undefined) this.#idle.resolve();
  }

  #readGate(): boolean {
    const gate = this.#options.gate();
    if (gate.open) {
      this.#stops.lift('gate');
      return true;
    }
    this.#stops.raise('gate', gate.why);
    // Whoever is allowed to spend now may do so: our belief ends here.
    this.#isTruthOurs = false;
    return false;
  }

  #proceed(nowMs: number): void {
    if (!this.#isTruthOurs) {
      this.#readBalance(nowMs);
      return;
    }
    if (nowMs < this.#guard.notBeforeMs) return;
    const admission = this.#nextAdmission(nowMs);
    if (admission === undefined) this.#guard.mustWait();
    else if (this.#guard.mustReadFirst || this.#isTruthStale(nowMs)) this.#readBalance(nowMs);
    else this.#send(admission, nowMs);
  }

  /** Refuses whatever can never be afforded on its way to the next admission. */
  #nextAdmission(nowMs: number): Admission | undefined {
    for (;;) {
      const situation = this.#situation(nowMs);
      const decision = situation && decide(situation);
      if (decision === undefined || decision.kind === 'wait') return undefined;
      if (decision.kind === 'admit') return decision;
      const { request, fitsItems } = decision;
      this.#queue.move(request.id, 'too-large');
      request.payload.end({ kind: 'too-large', fitsItems });
      this.#markHeads(nowMs);
    }
  }

  #isTruthStale(nowMs: number): boolean {
    const truthAtMs = this.#account.books?.bucket.truthAtMs ?? Number.NEGATIVE_INFINITY;
    return nowMs - truthAtMs > truthMsMax;
  }

  #arm(): void {
    this.#timer?.cancel();
    const nowMs = this.#options.clock.monotonic();
    const wakeAtMs = [
      this.#account.books?.bucket.nextLumpAtMs ?? nowMs + projectedTickMs,
      this.#queue.nextReadyAtMs(),
      this.#guard.notBeforeMs,
      this.#reads.nextAtMs(nowMs),
    ].filter((atMs) => atMs !== undefined && atMs > nowMs);
    const delayMs = Math.min(...wakeAtMs, nowMs + projectedTickMs) - nowMs;
    this.#timer = this.#options.clock.after(delayMs, () => {
      void this.#post(() => this.#look());
    });
  }

  /** A message that throws is a fault: the rejection goes unhandled and ends the process. */
  async #post<T>(message: () => T): Promise<T> {
    try {
      return await this.#mailbox.post(message);
    } catch (error) {
      this.#options.log.error('broker-fault', { error: describeError(error) });
      throw error;
    }
  }

  // --- spending ---

  #send({ request, items, quote }: Admission, nowMs: number): void {
    const { id, spendClass, payload } = request;
    this.#queue.move(id, 'admitted');
    const hold = this.#account.hold(spendClass, quote.holdTokens);
    this.#queue.move(id, 'in-flight');
    const waitedMs = nowMs - request.queuedAtMs;
    this.#longestWaitMs[spendClass] = Math.max(this.#longestWaitMs[spendClass], waitedMs);
    const dispatch: Dispatch = { request, items, hold, waitedMs };
    void this.#channel.run({
      slot: { spendClass, purpose: payload.purpose },
      send: (signal) => payload.send(this.#options.client, items, signal),
      land: (sent, flight) => this.#land(dispatch, sent, flight),
    });
  }

  #land(dispatch: Dispatch, { outcome, buy }: Sent, flight: Flight): Landed {
    const { request, items, hold } = dispatch;
    this.#account.advance(flight.receivedAtMs, this.#caps);
    const learned = settleOutcome(this.#account, hold, outcome, { ...flight, caps: this.#caps });
    const atMs = this.#options.clock.now();
    const entry = ledgerEntry(dispatch, outcome, { atMs, tookMs: tookMs(flight) });
    const { costTokens } = entry;
    this.#tell(outcome, learned);
    if (outcome.kind === 'answered') {
      this.#guard.served();
      const price = { items, costTokens, holdTokens: hold.tokens };
      const drift = this.#costs.learn(request.call, price);
      if (drift) this.#options.log.warn('cost-drift', { ...drift, ...price });
    }
    if (outcome.kind === 'refused') this.#noteRefusal(outcome.envelope, flight);
    const purchase = buy?.({ costTokens, atMs });
    const verdict = verdictOf(outcome, request);
    return {
      entry,
      purchase,
      done: (stored) => {
        const isLost = stored.kind === 'given-up' && verdict.kind === 'deliver';
        const attempts = request.attempts + 1;
        this.#conclude(request, isLost ? deadWith(stored.why, attempts) : verdict, purchase);
      },
    };
  }

  #conclude({ id, payload, attempts }: Waiting, verdict: Verdict, purchase?: Purchase): void {
    switch (verdict.kind) {
      case 'deliver':
        this.#queue.move(id, 'settled');
        purchase?.deliver();
        break;
      case 'put-back':
        this.#queue.move(id, 'queued');
        break;
      case 'retry': {
        const { clock, random } = this.#options;
        const waitMs = backoffMs(attempts + 1, { ...retryBackoff, random });
        this.#queue.retry(id, clock.monotonic() + waitMs);
        break;
      }
      case 'end':
        this.#queue.move(id, verdict.to);
        payload.end(verdict.settlement);
        break;
    }
    this.#freed();
  }

  #noteRefusal(envelope: Envelope | undefined, { receivedAtMs }: Flight): void {
    const nextLumpAtMs = this.#account.books?.bucket.nextLumpAtMs;
    this.#guard.refused({ nextLumpAtMs: nextLumpAtMs ?? receivedAtMs + projectedTickMs });
    this.#options.log.warn('refused', { balance: envelope?.balance });
  }

  /** The free read: the truth, where no answer can tell it. */
  #readBalance(nowMs: number): void {
    if (this.#reads.nextAtMs(nowMs) > nowMs) return;
    this.#reads.began(nowMs);
    const call: TokenCall = { endpoint: 'token' };
    void this.#channel.run({
      slot: { spendClass: 'status', purpose: 'balance' },
      send: async (signal) => ({ outcome: await ask(this.#options.client, call, signal) }),
      land: ({ outcome }, flight) => {
        const attempt = this.#reads.attempt;
        const atMs = this.#options.clock.now();
        this.#takeIn(outcome, flight);
        const entry = statusEntry(outcome, { atMs, tookMs: tookMs(flight), attempt });
        return { entry, done: () => this.#freed() };
      },
    });
  }

  #takeIn(outcome: Outcome<unknown>, flight: Flight): void {
    const envelope = envelopeOf(outcome);
    if (envelope === undefined) {
      this.#reads.failed(flight.receivedAtMs);
      this.#tell(outcome, undefined);
      return;
    }
    this.#reads.succeeded();
    this.#guard.balanceRead();
    this.#account.advance(flight.receivedAtMs, this.#caps);
    const isOurs = this.#isTruthOurs && this.#account.books !== undefined;
    if (!isOurs) this.#account.open(envelope, flight);
    const learned = isOurs
      ? this.#account.observe(envelope, { ...flight, caps: this.#caps })
      : undefined;
    this.#isTruthOurs = true;
    this.#tell(outcome, learned);
  }

  /** What people should know of an answer; the ledger has the rest. */
  #tell(outcome: Outcome<unknown>, learned: Learned | undefined): void {
    const { clock, log, onHalted } = this.#options;
    if (envelopeOf(outcome) !== undefined) this.#lastAnswerAtMs = clock.now();
    if (learned?.newRate !== undefined) log.info('rate-changed', { perMinute: learned.newRate });
    const unexplained = this.#account.unexplained(clock.monotonic());
    if (unexplained > 0 && !this.#isDrainTold)
      log.warn('unexplained-drain', { tokens: unexplained });
    this.#isDrainTold = unexplained > 0;
    if (outcome.kind !== 'permanent') return;
    const { reason, why } = outcome;
    if (reason !== 'invalid-key' && reason !== 'payment-required') return;
    if (this.#stops.isHalted) return;
    onHalted?.(this.#stops.raise(reason, why));
  }

  // --- the small things ---

  #freed(): void {
    if (this.#drained === undefined) this.#lookSoon();
    else this.#finishDraining();
  }

  #cancel(id: number): void {
    const request = this.#queue.find(id);
    if (request?.state !== 'queued' && request?.state !== 'retrying') return;
    this.#queue.move(id, 'cancelled');
    request.payload.end({ kind: 'cancelled' });
  }

  readonly #caps = (): PerClass => {
    const situation = this.#situation(this.#options.clock.monotonic());
    return situation === undefined ? perClass(() => 0) : creditCaps(situation);
  };

  #situation(nowMs: number): Situation<Errand> | undefined {
    const { books, heldTokens } = this.#account;
    if (books === undefined) return undefined;
    const { policy } = this.#options;
    return { ...books, queue: this.#queue, costs: this.#costs, policy, heldTokens, nowMs };
  }

  #pace(nowMs: number): Pace | undefined {
    const netRate = this.#account.netRate(nowMs);
    return netRate === undefined ? undefined : { netRate, turnMs: this.#channel.turnMs };
  }

  #markHeads(nowMs: number): void {
    const situation = this.#situation(nowMs);
    const pace = this.#pace(nowMs);
    if (situation === undefined || pace === undefined) return;
    for (const name of spendClasses) {
      this.#queue.markHead(name, () => overdueAtMs(situation, name, pace));
    }
  }

  snapshot(): BrokerSnapshot {
    const { clock, policy } = this.#options;
    const nowMs = clock.monotonic();
    const offset = this.#account.books?.bucket.clockOffsetMs;
    const mayReadAtMs = this.#isTruthOurs ? nowMs : this.#reads.nextAtMs(nowMs);
    return {
      ...describeSituation({
        situation: this.#situation(nowMs),
        pace: this.#pace(nowMs),
        queue: this.#queue,
        deficitFloor: policy.deficitFloor,
        longestWaitMs: this.#longestWaitMs,
        nowMs,
        wallMinusMonotonicMs: clock.now() - nowMs,
        notBeforeMs: Math.max(this.#guard.notBeforeMs, mayReadAtMs),
        isStopped: this.#stops.current !== undefined,
      }),
      clockOffsetMs: offset,
      inFlight: this.#channel.slot,
      stopped: this.#stops.current,
      unexplainedTokens: this.#account.unexplained(nowMs),
      spentLastHour: this.#account.spentLastHour(nowMs),
      refusals: this.#guard.refusals,
      lastAnswerAtMs: this.#lastAnswerAtMs,
    };
  }
}

type Waiting = Dispatch['request'];
type Admission = Extract<Decision<Errand>, { kind: 'admit' }>;

function tookMs({ sentAtMs, receivedAtMs }: Flight): number {
  return Math.round(receivedAtMs - sentAtMs);
}
