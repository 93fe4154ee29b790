/**
 * A broker in virtual time against a Keepa on paper, with classes that always want more.
 */

import type { SpendPolicy } from '../../src/broker/admission.ts';
import type {
  BrokerRequest,
  Gate,
  LedgerEntry,
  Settlement,
  SpendClass,
  Stop,
} from '../../src/broker/request.ts';
import { createBroker, type TokenBroker } from '../../src/broker/token-broker.ts';
import { firstItems, type KeepaCall, type ProductCall } from '../../src/keepa/call.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';
import { type Mishap, PaperKeepa, type PaperKeepaOptions } from './paper-keepa.ts';

export const hourMs = 3_600_000;
export const shares = { interactive: 5, head: 10, upsert: 45, refresh: 10, backfill: 30 };
export const startMs = Date.UTC(2026, 10, 1);

export const dealCall: KeepaCall = {
  endpoint: 'deal',
  page: 0,
  query: { domainId: 3, priceType: 2, sortType: 4, selection: {}, hash: 'test' },
};

export function productCall(items: number, offers?: number): ProductCall {
  const asins = Array.from({ length: items }, (_, n) => `B${String(n).padStart(9, '0')}`);
  return {
    endpoint: 'product',
    domainId: 3,
    asins,
    history: true,
    ...(offers === undefined ? {} : { offers }),
  };
}

export interface WorldOptions extends Partial<Omit<PaperKeepaOptions, 'clock' | 'random'>> {
  readonly seed?: number;
  readonly policy?: Partial<SpendPolicy>;
  readonly gate?: () => Gate;
  readonly learned?: unknown;
  readonly commit?: () => Promise<void>;
  readonly record?: (entry: LedgerEntry) => Promise<void>;
  readonly isFinal?: (error: unknown) => boolean;
  readonly canPass?: (error: unknown) => boolean;
}

/** How long a head waited for its answer, and the bound that was printed when it was queued. */
export interface Wait {
  readonly spendClass: SpendClass;
  readonly waitedMs: number;
  readonly promisedMs: number;
}

export class BrokerWorld {
  readonly clock = new VirtualClock(startMs);
  readonly log = new RecordedLog();
  readonly ledger: LedgerEntry[] = [];
  readonly halts: Stop[] = [];
  /** Of saturating classes, which have one request outstanding: each is the head at once. */
  readonly waits: Wait[] = [];
  readonly keepa: PaperKeepa;
  readonly broker: TokenBroker;
  readonly #commit: () => Promise<void>;
  #isOver = false;

  constructor(options: WorldOptions = {}) {
    const { seed = 1, rate = 5, balance = 0, policy, gate, learned, record } = options;
    const { isFinal, canPass } = options;
    const random = seededRandom(seed);
    const { clock } = this;
    this.#commit = options.commit ?? (() => Promise.resolve());
    this.keepa = new PaperKeepa({ ...options, clock, random: random.fork('keepa'), rate, balance });
    this.broker = createBroker({
      clock,
      random: random.fork('broker'),
      log: this.log,
      client: this.keepa,
      policy: { shares, deficitFloor: 0, ...policy },
      gate: gate ?? (() => ({ open: true })),
      isFinal: isFinal ?? (() => false),
      canPass: canPass ?? (() => true),
      onHalted: (stop) => this.halts.push(stop),
      record: async (entry) => {
        await record?.(entry);
        this.ledger.push(entry);
      },
      ...(learned === undefined ? {} : { learned }),
    });
  }

  ask<C extends KeepaCall>(
    spendClass: SpendClass,
    call: C,
    options: Partial<BrokerRequest<C>> = {},
  ): Promise<Settlement<C>> {
    return this.broker.request({
      spendClass,
      purpose: 'test',
      call,
      commit: () => this.#commit(),
      ...options,
    });
  }

  /** A class that asks again a few milliseconds after it was served, for less if it has to. */
  saturate(
    spendClass: SpendClass,
    call: KeepaCall,
    { pauseMs = () => 5 }: { pauseMs?: () => number } = {},
  ): void {
    void (async () => {
      let fitting = call;
      while (!this.#isOver) {
        const settlement = await this.#askAndWatch(spendClass, fitting);
        if (settlement.kind === 'too-large') fitting = firstItems(call, settlement.fitsItems);
        await this.clock.sleep(pauseMs());
      }
    })();
  }

  async #askAndWatch(spendClass: SpendClass, call: KeepaCall): Promise<Settlement<KeepaCall>> {
    const asked = this.ask(spendClass, call);
    const promisedMs = this.broker.snapshot().classes[spendClass].waitBoundMs;
    const settlement = await asked;
    const entry = this.ledger.findLast((line) => line.spendClass === spendClass);
    if (settlement.kind === 'answered' && promisedMs !== undefined && entry !== undefined) {
      this.waits.push({ spendClass, promisedMs, waitedMs: entry.waitedMs });
    }
    return settlement;
  }

  /** A class that asks every so often, whatever became of the last one. */
  every(periodMs: number, spendClass: SpendClass, call: KeepaCall): void {
    void (async () => {
      while (!this.#isOver) {
        await this.clock.sleep(periodMs);
        await this.ask(spendClass, call);
      }
    })();
  }

  async run(ms: number): Promise<void> {
    await this.clock.advanceBy(ms);
  }

  /** Ends the saturating loops and the broker. */
  async end(): Promise<void> {
    this.#isOver = true;
    const drained = this.broker.drain();
    await this.clock.advanceBy(200_000);
    await drained;
  }

  /** Tokens that requests of the class have cost since `sinceMs`. */
  spentBy(spendClass: SpendClass, sinceMs = 0): number {
    return this.ledger
      .filter((entry) => entry.spendClass === spendClass && entry.atMs >= sinceMs)
      .reduce((sum, { costTokens }) => sum + costTokens, 0);
  }
}

/** A broker with 100 tokens (unless told otherwise) that has read its balance. */
export async function started(options: WorldOptions = {}): Promise<BrokerWorld> {
  const world = new BrokerWorld({ balance: 100, ...options });
  world.broker.start();
  await world.run(1_000);
  return world;
}

/** Something that happens to the calls with these numbers (the balance read is number 1). */
export function mishapAt(numbers: readonly number[], mishap: Mishap): Pick<WorldOptions, 'mishap'> {
  return { mishap: (_call, number) => (numbers.includes(number) ? mishap : undefined) };
}

/** What the ledger says, one text a line. */
export function outcomes(world: BrokerWorld): string[] {
  return world.ledger.map(({ spendClass, outcome }) => `${spendClass} ${outcome}`);
}
