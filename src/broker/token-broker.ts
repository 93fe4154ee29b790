/**
 * The only spender: every request to Keepa goes through here, one at a time, in an order that is
 * decided when tokens are there and not when it was queued.
 *
 * It obeys and decides nothing itself: `spending.ts` says what may be done now, `channel.ts` does
 * it. A message never waits: a call in flight and a store that cannot write run beside the mailbox
 * and post their result, and waiting for tokens is a timer that posts the next look.
 *
 * Invariants:
 * - at most one request is in flight, and nothing is admitted before its answer is stored;
 * - before the first truth, and after the right to spend was gone, the balance is read first;
 * - every request ends in exactly one Settlement, and none for lack of tokens;
 * - a fault in here crashes the process: its state could not be trusted any more.
 */
import type { KeepaCall, KeepaClient, TokenCall } from '../keepa/call.ts';
import { backoffMs } from '../runtime/backoff.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Log } from '../runtime/log.ts';
import { Mailbox } from '../runtime/mailbox.ts';
import type { Random } from '../runtime/random.ts';
import type { SpendPolicy } from './admission.ts';
import { Channel, type Landed } from './channel.ts';
import { type LearnedCosts, type LearnedShape, unitsIn } from './cost-model.ts';
import { ask, errandOf, type Purchase, type Sent } from './errand.ts';
import {
  type Dispatch,
  deadWith,
  ledgerEntry,
  statusEntry,
  type Verdict,
  verdictOf,
} from './landing.ts';
import type {
  Broker,
  BrokerRequest,
  BrokerSnapshot,
  Gate,
  LedgerEntry,
  Settlement,
  Stop,
} from './request.ts';
import { type Admission, Spending } from './spending.ts';
import { StopSigns } from './stop-signs.ts';
import type { Stored } from './storing.ts';
import { type Flight, projectedTickMs } from './token-bucket.ts';

export interface BrokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly client: KeepaClient;
  readonly policy: SpendPolicy;
  /**
   * Writes one line of the ledger, and with an answer what is known now of the costs of its shape;
   * repeated until it succeeds, like a commit.
   */
  readonly record: (entry: LedgerEntry, learned?: LearnedShape) => Promise<void>;
  /** Whether anything may be admitted now; asked at every look, call `nudge` when it changes. */
  readonly gate: () => Gate;
  /** Whether a failed write can never succeed, because a newer process writes now. */
  readonly isFinal: (error: unknown) => boolean;
  /** Whether a failed write may succeed later, as it failed for the store and not for its data. */
  readonly canPass: (error: unknown) => boolean;
  /** What an earlier run learned of prices, by shape (`record`). */
  readonly learned?: unknown;
  /**
   * Called once, when Keepa refuses the key. What is queued stays queued: an actor that got it back
   * would only ask again, and only a new start can help.
   */
  readonly onHalted?: (stop: Stop) => void;
}

export interface TokenBroker extends Broker {
  /** What calls turned out to cost, as plain JSON. */
  learnedCosts(): LearnedCosts;
}

/** A broker that does nothing until `start`; requests may be queued before. */
export function createBroker(options: BrokerOptions): TokenBroker {
  return new SerialBroker(options);
}

const retryBackoff = { firstMs: 2_000, capMs: 300_000 };
/** Part of the 30 s that a stop may take in all. */
const drainMsMax = 20_000;

class SerialBroker implements TokenBroker {
  readonly #options: BrokerOptions;
  readonly #mailbox = new Mailbox();
  readonly #spending: Spending;
  readonly #channel: Channel;
  readonly #stops: StopSigns;
  readonly #idle = Promise.withResolvers<void>();
  #timer: Timer | undefined;
  #isLookPending = false;
  #isStarted = false;
  #drained: Promise<void> | undefined;

  constructor(options: BrokerOptions) {
    this.#options = options;
    const stops = new StopSigns({ ...options, onStopped: () => this.#spending.noteWaits() });
    this.#stops = stops;
    this.#spending = new Spending({ ...options, stops });
    this.#channel = new Channel({ ...options, stops, post: (message) => this.#post(message) });
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
    const payload = errandOf(request, (settlement) => {
      signal?.removeEventListener('abort', takeBack);
      resolve(settlement);
    });
    const nowMs = this.#options.clock.monotonic();
    const { id } = this.#spending.queue.add({ spendClass, call, payload, nowMs });
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

  snapshot(): BrokerSnapshot {
    const { inFlight, isFree, freeSinceMs } = this.#channel;
    return { ...this.#spending.snapshot(isFree ? freeSinceMs : undefined), inFlight };
  }

  learnedCosts(): LearnedCosts {
    return this.#spending.costs.export();
  }

  async #drain(): Promise<void> {
    this.#timer?.cancel();
    const deadline = this.#options.clock.after(drainMsMax, () => this.#channel.giveUp());
    void this.#post(() => this.#cancelAll());
    await this.#idle.promise;
    deadline.cancel();
    this.#mailbox.close();
    await this.#mailbox.drain();
  }

  /** One real turn later, so that whoever just got an answer can ask for the next thing first. */
  #lookSoon(): void {
    if (this.#isLookPending || this.#drained !== undefined) return;
    this.#isLookPending = true;
    this.#options.clock.after(0, () => {
      this.#isLookPending = false;
      if (this.#drained === undefined) void this.#post(() => this.#look());
    });
  }

  #look(): void {
    if (!this.#isStarted || this.#drained !== undefined) return;
    const nowMs = this.#options.clock.monotonic();
    this.#spending.advance(nowMs, this.#channel.turnMs);
    const isOpen = this.#readGate();
    if (isOpen && this.#channel.isFree && !this.#stops.isHalted) {
      this.#spending.noteStartable(nowMs);
      const step = this.#spending.nextStep(nowMs);
      if (step?.kind === 'read') this.#readBalance();
      if (step?.kind === 'admit') this.#send(step, nowMs);
    }
    this.#arm();
  }

  #readGate(): boolean {
    const gate = this.#options.gate();
    const cause = gate.open ? undefined : (gate.cause ?? 'gate');
    // The new reason first: one that takes the place of another has nothing spent in between.
    if (!gate.open) this.#stops.raise(gate.cause ?? 'gate', gate.why);
    for (const other of ['gate', 'paused'] as const) {
      if (other !== cause) this.#stops.lift(other);
    }
    if (gate.open) return true;
    this.#spending.disown();
    return false;
  }

  #arm(): void {
    const nowMs = this.#options.clock.monotonic();
    const wakeAtMs = Math.min(...this.#spending.wakeTimes(nowMs), nowMs + projectedTickMs);
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(wakeAtMs - nowMs, () => {
      void this.#post(() => this.#look());
    });
  }

  #send(admission: Admission, nowMs: number): void {
    const dispatch = this.#spending.dispatch(admission, nowMs);
    const { payload, spendClass } = dispatch.request;
    void this.#channel.run({
      slot: { spendClass, purpose: payload.purpose },
      send: (signal) => payload.send(this.#options.client, dispatch.items, signal),
      land: (sent, flight) => this.#land(dispatch, sent, flight),
    });
  }

  #land(dispatch: Dispatch, { outcome, buy }: Sent, flight: Flight): Landed {
    this.#spending.land(dispatch, outcome, flight);
    const atMs = this.#options.clock.now();
    const entry = ledgerEntry(dispatch, outcome, { atMs, tookMs: tookMs(flight) });
    const purchase = buy?.({ costTokens: entry.costTokens, atMs });
    const verdict = verdictOf(outcome, dispatch);
    const isAnswered = outcome.kind === 'answered';
    return {
      entry,
      learned: isAnswered ? this.#spending.costs.exportShape(entry.shape) : undefined,
      purchase,
      done: (stored) => {
        const lost = purchase && lostWith(stored, dispatch);
        this.#conclude(dispatch, lost ?? verdict, purchase);
      },
    };
  }

  #conclude(dispatch: Dispatch, verdict: Verdict, purchase: Purchase | undefined): void {
    const { queue } = this.#spending;
    const { id, payload, attempts } = dispatch.request;
    switch (verdict.kind) {
      case 'deliver':
        queue.move(id, 'settled');
        purchase?.deliver();
        break;
      case 'let-go':
        queue.move(id, 'settled');
        purchase?.letGo(verdict.why);
        break;
      case 'put-back':
        queue.move(id, 'queued');
        break;
      case 'retry': {
        if (this.#drained !== undefined) {
          this.#conclude(dispatch, deadWith(verdict.why, dispatch), undefined);
          return;
        }
        const { clock, random } = this.#options;
        const waitMs = backoffMs(attempts + 1, { ...retryBackoff, random });
        queue.retry(id, clock.monotonic() + waitMs);
        break;
      }
      case 'end':
        queue.move(id, verdict.to);
        payload.end(verdict.settlement);
        break;
    }
    // Taken back while it was under way: what was bought is delivered, but nothing is tried again.
    if (payload.isTakenBack()) this.#cancel(id);
    this.#freed();
  }

  /** The free read: the truth, where no answer can tell it. */
  #readBalance(): void {
    const { attempt } = this.#spending.reads;
    this.#spending.readBegins();
    const call: TokenCall = { endpoint: 'token' };
    void this.#channel.run({
      slot: { spendClass: 'status', purpose: 'balance' },
      send: async (signal) => ({ outcome: await ask(this.#options.client, call, signal) }),
      land: ({ outcome }, flight) => {
        this.#spending.takeIn(outcome, flight);
        const atMs = this.#options.clock.now();
        const entry = statusEntry(outcome, { atMs, tookMs: tookMs(flight), attempt });
        return { entry, done: () => this.#freed() };
      },
    });
  }

  #freed(): void {
    if (this.#drained === undefined) this.#lookSoon();
    else this.#cancelAll();
  }

  #cancel(id: number): void {
    const { queue } = this.#spending;
    const request = queue.find(id);
    if (request?.state !== 'queued' && request?.state !== 'retrying') return;
    queue.move(id, 'cancelled');
    request.payload.end({ kind: 'cancelled' });
    this.#lookSoon();
  }

  #cancelAll(): void {
    for (const { id } of this.#spending.queue.waiting()) this.#cancel(id);
    if (this.#channel.isFree) this.#idle.resolve();
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
}

/** What becomes of a request whose answer could not be stored; undefined: it was. */
function lostWith(stored: Stored, dispatch: Dispatch): Verdict | undefined {
  switch (stored.kind) {
    case 'stored':
      return undefined;
    case 'unstorable':
      return { kind: 'let-go', why: stored.why };
    case 'given-up':
      return deadWith(stored.why, dispatch);
  }
}

function tookMs({ sentAtMs, receivedAtMs }: Flight): number {
  return Math.round(receivedAtMs - sentAtMs);
}
