/**
 * One policy at one rate on a market: a virtual week, measured at the bucket and at the market.
 *
 * Token figures come from the simulated bucket, ages from the rows that are truly listed, waits
 * from the wire: a head poll has waited from its due time until the call that was answered left.
 */
import type { AnswerTo, KeepaCall, KeepaClient, Outcome } from '../../src/keepa/call.ts';
import { itemsIn } from '../../src/keepa/call.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { processingMsOf } from '../../src/simulator/latency.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { PaperKeepa } from '../broker/paper-keepa.ts';
import { KnownRows } from './known-rows.ts';
import { type MarketTape, MarketView } from './market-tape.ts';
import type { NamedPolicy, Order, Policy } from './policy.ts';
import { Workload } from './workload.ts';

const hourMs = 3_600_000;
/** What the first hours look like says nothing: a full bucket and an empty table. */
const warmUpHours = 24;
/** A prime number of seconds, in step with no schedule: hourly looks met every sweep at its end. */
const lookEveryMs = 3_701_000;

export interface PolicyFigures {
  readonly policy: string;
  readonly rate: number;
  readonly hours: number;
  /** What arrived, with what was there at the start. */
  readonly refilledTokens: number;
  readonly usefulTokens: number;
  readonly expiredTokens: number;
  readonly refusals: number;
  readonly lowestBalance: number;
  readonly polls: number;
  readonly pollWaitP50Ms: number;
  readonly pollWaitP95Ms: number;
  readonly pollWaitMaxMs: number;
  readonly pollGapMaxMs: number;
  readonly sweeps: number;
  readonly judgedRows: number;
  /** Of the rows truly listed, from the second day on (or the second half of a short run). */
  readonly ageP95Ms: number;
  readonly ended: number;
  readonly endedWrongly: number;
  /** Tokens by what they bought. */
  readonly spent: Readonly<Record<string, number>>;
}

export interface RunOptions {
  readonly policy: NamedPolicy;
  readonly rate: number;
  readonly tape: MarketTape;
  readonly seed: number;
  readonly startMs: number;
  readonly hours: number;
}

export async function runPolicy(options: RunOptions): Promise<PolicyFigures> {
  const { policy: named, rate, tape, seed, startMs, hours } = options;
  const clock = new VirtualClock(startMs);
  const random = seededRandom(seed);
  const keepa = new PaperKeepa({
    clock,
    random: random.fork('keepa'),
    rate,
    balance: 60 * rate,
    processingMs: (call) => processingMsOf(workOf(call), seed, clock.now()),
    costOf: (call) => costOf(call, tape, clock.now()),
  });
  const polls = new PollWatch(keepa, clock);
  const policy = polls.watch(
    named.create({ clock, random: random.fork('policy'), client: polls, rate }),
  );
  const known = new KnownRows();
  const view = new MarketView(tape);
  const workload = new Workload({ clock, policy, tape, view, known, rate });
  workload.start();
  const ages: number[] = [];
  const endMs = startMs + hours * hourMs;
  while (clock.now() < endMs) {
    await clock.advanceBy(Math.min(lookEveryMs, endMs - clock.now()));
    const nowMs = clock.now();
    if (nowMs - startMs < Math.min(warmUpHours, hours / 2) * hourMs) continue;
    for (const row of view.listed(nowMs)) {
      const seenMs = known.find(row)?.lastSeenMs ?? listedSinceMs(row, nowMs, startMs);
      ages.push(nowMs - seenMs);
    }
  }
  // The bucket deals its lumps when it is looked at.
  void keepa.balance;
  const { expiredTokens, lowestBalance } = keepa.bucket;
  const refilledTokens = keepa.bucket.refilledTokens + 60 * rate;
  return {
    policy: named.name,
    rate,
    hours,
    refilledTokens,
    usefulTokens: workload.usefulTokens,
    expiredTokens,
    refusals: keepa.refusals,
    lowestBalance,
    ...polls.figures(),
    sweeps: workload.sweeps,
    judgedRows: known.judgedRows,
    ageP95Ms: percentile(ages, 0.95),
    ended: known.ended,
    endedWrongly: known.endedWrongly,
    spent: Object.fromEntries(workload.spent),
  };
}

/** For a row that is not known: since when it could have been. */
function listedSinceMs(
  { spells }: MarketTape['rows'][number],
  nowMs: number,
  startMs: number,
): number {
  const spell = spells.find(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs);
  return Math.max(startMs, spell?.fromMs ?? nowMs);
}

function workOf(call: KeepaCall): Parameters<typeof processingMsOf>[0] {
  const withOffers = call.endpoint === 'product' && call.offers !== undefined;
  return { endpoint: call.endpoint, items: itemsIn(call), withOffers };
}

function costOf(call: KeepaCall, tape: MarketTape, nowMs: number): number {
  if (call.endpoint === 'deal') return 5;
  if (call.endpoint !== 'product' || call.offers === undefined) return itemsIn(call);
  return call.asins.reduce((sum, asin) => sum + tape.offerTokens(tape.rowOf(asin), nowMs), 0);
}

/** Notes when head polls were asked for, and when the answered ones left. */
class PollWatch implements KeepaClient {
  readonly #keepa: KeepaClient;
  readonly #clock: VirtualClock;
  readonly #askedMs = new Map<KeepaCall, number>();
  readonly #waitsMs: number[] = [];
  readonly #sentMs: number[] = [];

  constructor(keepa: KeepaClient, clock: VirtualClock) {
    this.#keepa = keepa;
    this.#clock = clock;
  }

  /** The policy, with its head polls watched. */
  watch(policy: Policy): Policy {
    return {
      ...policy,
      ask: (order: Order) => {
        if (order.actor === 'head') this.#askedMs.set(order.call, this.#clock.monotonic());
        return policy.ask(order);
      },
    };
  }

  async call<C extends KeepaCall>(call: C, signal: AbortSignal): Promise<Outcome<AnswerTo<C>>> {
    const sentMs = this.#clock.monotonic();
    const outcome = await this.#keepa.call(call, signal);
    const askedMs = this.#askedMs.get(call);
    if (outcome.kind !== 'answered' || askedMs === undefined) return outcome;
    this.#askedMs.delete(call);
    this.#waitsMs.push(sentMs - askedMs);
    this.#sentMs.push(sentMs);
    return outcome;
  }

  close(): Promise<void> {
    return this.#keepa.close();
  }

  /** What still waits counts with the time that it has waited so far. */
  figures() {
    const nowMs = this.#clock.monotonic();
    const waits = [...this.#waitsMs];
    for (const askedMs of this.#askedMs.values()) waits.push(nowMs - askedMs);
    const looks = [0, ...this.#sentMs, nowMs];
    const gaps = looks.slice(1).map((atMs, i) => atMs - (looks[i] ?? 0));
    return {
      polls: this.#sentMs.length,
      pollWaitP50Ms: percentile(waits, 0.5),
      pollWaitP95Ms: percentile(waits, 0.95),
      pollWaitMaxMs: percentile(waits, 1),
      pollGapMaxMs: percentile(gaps, 1),
    };
  }
}

function percentile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.ceil(part * (sorted.length - 1))] ?? 0;
}
