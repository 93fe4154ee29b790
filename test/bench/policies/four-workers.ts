/**
 * What the predecessor's rules have in common: four workers, and what one believes of the balance.
 *
 * A job takes a worker and keeps it until it is done, also while it waits for tokens: that is how
 * its workers slept. Jobs come in the order in which they were asked.
 */
import type { AnswerTo, KeepaCall, Outcome } from '../../../src/keepa/call.ts';
import { itemsIn } from '../../../src/keepa/call.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Order, PolicyWorld } from '../policy.ts';

const workerCount = 4;
const minuteMs = 60_000;
/** What it slept after a 429, whatever the answer said of the next refill. */
export const fixedRetryMs = 60_000;
/** Its batches: fifty at a first look, ten where offers are asked for. */
export const predecessorBatch = { history: 50, offers: 10 } as const;

export class FourWorkers {
  readonly #free = Array.from({ length: workerCount }, (_, number) => number);
  readonly #waiting: ((worker: number) => void)[] = [];

  /** Runs the job on the next free worker; it is told which one. */
  async run<T>(job: (worker: number) => Promise<T>): Promise<T> {
    const free = this.#free.shift();
    const worker = free ?? (await new Promise<number>((resolve) => this.#waiting.push(resolve)));
    const result = await job(worker);
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(worker);
    else next(worker);
    return result;
  }
}

/** A balance as last told, with the plan's refill since; optimistic before the first answer. */
export class Belief {
  readonly #world: Pick<PolicyWorld, 'clock' | 'rate'>;
  #told: { readonly balance: number; readonly atMs: number } | undefined;

  constructor(world: { readonly clock: Clock; readonly rate: number }) {
    this.#world = world;
  }

  get balance(): number {
    const { clock, rate } = this.#world;
    if (this.#told === undefined) return 60 * rate;
    const minutes = Math.floor((clock.monotonic() - this.#told.atMs) / minuteMs);
    return Math.min(60 * rate, this.#told.balance + rate * minutes);
  }

  learn(outcome: Outcome<unknown>): void {
    if (outcome.kind !== 'answered' && outcome.kind !== 'refused') return;
    if (outcome.envelope === undefined) return;
    this.#told = { balance: outcome.envelope.balance, atMs: this.#world.clock.monotonic() };
  }

  /** How long until `target` by this belief, a second at least. */
  waitMs(target: number): number {
    return Math.max(1_000, Math.ceil((target - this.balance) / this.#world.rate) * minuteMs);
  }
}

/** Asks once; stores the answer if there is one. */
export async function tryOrder(world: PolicyWorld, order: Order): Promise<Outcome<unknown>> {
  const { call } = order;
  const outcome: Outcome<AnswerTo<KeepaCall>> = await world.client.call(call, neverAborted);
  if (outcome.kind === 'answered') order.store(itemsIn(call));
  return outcome;
}

/** What a call will cost, as well as anybody could know: the predecessor guessed, and was wrong. */
export function estimateOf({ endpoint, ...call }: Order['call']): number {
  if (endpoint === 'deal') return 5;
  if (!('asins' in call)) return 0;
  return call.asins.length * ('offers' in call ? 7.3 : 1);
}

const neverAborted = new AbortController().signal;
