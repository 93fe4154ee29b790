/**
 * The analysts in virtual time: the real store and the real broker, and a Keepa that answers what
 * the test says it holds.
 */
import { type AnalystOptions, analystPass, backlogPass } from '../../src/actors/analyst.ts';
import type { RejudgingOptions } from '../../src/actors/kept-evidence.ts';
import { createBroker, type TokenBroker } from '../../src/broker/token-broker.ts';
import { defaultJudging } from '../../src/config-judging.ts';
import type {
  AnswerTo,
  Envelope,
  KeepaCall,
  KeepaClient,
  Outcome,
  ProductCall,
} from '../../src/keepa/call.ts';
import type { DealRow } from '../../src/keepa/deal-row.ts';
import type { Offer, Product, ProductFault } from '../../src/keepa/product.ts';
import type { Seller } from '../../src/keepa/seller.ts';
import type { PassReport } from '../../src/runtime/actor.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { isFileTrouble } from '../../src/store/file-trouble.ts';
import type { Deal, DealWriter } from '../../src/store/ports.ts';
import { dayMinutes, minuteMs, type Point, productOf } from '../analysis/histories.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';
import { books, dealRow, pageOf, startMs, TestStore } from '../store/store-fixture.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** What the scripted Keepa holds; a product that is not here is missing from its answers. */
interface Shelf {
  readonly products: Map<string, Product>;
  readonly faults: Map<string, ProductFault>;
  readonly sellers: Map<string, Seller>;
}

/** Answers at once, bills 1 per item found or 7 with offers, and is always full again. */
class ScriptedKeepa implements KeepaClient {
  readonly calls: KeepaCall[] = [];
  readonly shelf: Shelf = { products: new Map(), faults: new Map(), sellers: new Map() };
  /** What happens to a call instead of an answer. */
  mishap: ((call: KeepaCall) => Outcome<never> | undefined) | undefined;
  spent = 0;
  readonly #clock: VirtualClock;
  readonly #rate: number;

  constructor(clock: VirtualClock, rate: number) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** The calls for products, without those for the balance. */
  get productCalls(): readonly ProductCall[] {
    return this.calls.filter((call) => call.endpoint === 'product');
  }

  async call<C extends KeepaCall>(call: C, signal: AbortSignal): Promise<Outcome<AnswerTo<C>>> {
    this.calls.push(call);
    await this.#clock.sleep(200, signal);
    const mishap = this.mishap?.(call);
    if (mishap !== undefined) return mishap;
    const { answer, costTokens } = this.#answer(call);
    this.spent += costTokens;
    // Made for this call's endpoint, which is what AnswerTo goes by.
    const envelope = this.#envelope(costTokens);
    return { kind: 'answered', answer: answer as AnswerTo<C>, envelope };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #envelope(costTokens: number): Envelope {
    const asOfMs = this.#clock.now();
    return {
      asOfMs,
      processingMs: 100,
      balance: 60 * this.#rate,
      refillRate: this.#rate,
      flowReduction: 0,
      nextRefillAtMs: asOfMs + 60_000,
      costTokens,
    };
  }

  #answer(call: KeepaCall): { answer: AnswerTo<KeepaCall>; costTokens: number } {
    switch (call.endpoint) {
      case 'token':
        return { answer: null, costTokens: 0 };
      case 'deal':
        return { answer: { rows: [], faults: [], wireRows: 0 }, costTokens: 5 };
      case 'product': {
        const { products, faults } = this.shelf;
        const found = call.asins.flatMap((asin) => products.get(asin) ?? []);
        const faulty = call.asins.flatMap((asin) => faults.get(asin) ?? []);
        const missing = call.asins.filter((asin) => !products.has(asin) && !faults.has(asin));
        const each = call.offers === undefined ? 1 : 7;
        const costTokens = each * (found.length + faulty.length);
        const shown = call.offers === undefined ? found.map(withoutOffers) : found;
        return { answer: { products: shown, missing, faults: faulty }, costTokens };
      }
      case 'seller': {
        const sellers = call.sellerIds.flatMap((id) => this.shelf.sellers.get(id) ?? []);
        const missing = call.sellerIds.filter((id) => !this.shelf.sellers.has(id));
        return { answer: { sellers, missing, faults: [] }, costTokens: sellers.length };
      }
    }
  }
}

function withoutOffers({ offers: _, offersFresh: __, ...product }: Product): Product {
  return product;
}

export class JudgingWorld implements AsyncDisposable {
  readonly clock = new VirtualClock(startMs);
  readonly log = new RecordedLog();
  readonly keepa: ScriptedKeepa;
  readonly store: TestStore;
  readonly broker: TokenBroker;
  readonly options: AnalystOptions;
  readonly analyst: (signal: AbortSignal) => Promise<PassReport>;
  readonly backlog: (signal: AbortSignal) => Promise<PassReport>;
  /** Set by a test, it goes before the store's own. */
  storeJudgements: DealWriter['storeJudgements'] | undefined;
  readonly #stop = new AbortController();

  private constructor(store: TestStore, ratePerMinute: number) {
    const { clock, log } = this;
    this.store = store;
    this.keepa = new ScriptedKeepa(clock, ratePerMinute);
    this.broker = createBroker({
      clock,
      random: seededRandom(1),
      log,
      client: this.keepa,
      policy: {
        shares: { interactive: 5, head: 10, upsert: 45, refresh: 10, backfill: 30 },
        deficitFloor: 0,
      },
      record: () => Promise.resolve(),
      gate: () => ({ open: true }),
      isFinal: () => false,
      canPass: isFileTrouble,
    });
    const writer: DealWriter = {
      ...store.writer,
      storeJudgements: (batch) => (this.storeJudgements ?? store.writer.storeJudgements)(batch),
    };
    const { costs, acceptance } = defaultJudging;
    const { reader } = store;
    this.options = { broker: this.broker, reader, writer, clock, log, costs, acceptance };
    this.analyst = analystPass(this.options);
    this.backlog = backlogPass(this.options);
  }

  static async open({ ratePerMinute = 1_000 } = {}): Promise<JudgingWorld> {
    const world = new JudgingWorld(await TestStore.open(), ratePerMinute);
    world.broker.start();
    await world.clock.advanceBy(1_000);
    return world;
  }

  get rejudging(): RejudgingOptions {
    const { reader, writer, clock, costs, acceptance } = this.options;
    return { reader, writer, clock, rules: { costs, acceptance } };
  }

  /** Stores a page that lists these rows, now. */
  async list(...rows: readonly { row: DealRow; promise?: number }[]): Promise<void> {
    await this.store.writer.storePage(pageOf(rows, { feed: books, seenAtMs: this.clock.now() }));
  }

  /** One pass, and as much time as it takes. */
  async pass(pass = this.analyst): Promise<PassReport> {
    let report: PassReport | undefined;
    const ended = pass(this.#stop.signal).then((ended) => {
      report = ended;
    });
    for (let waitedMs = 0; report === undefined; waitedMs += 1_000) {
      if (waitedMs > 2 * hourMs) throw new Error('a pass that takes two hours does not end');
      await this.clock.advanceBy(1_000);
    }
    await ended;
    return report;
  }

  /** Passes while they find work; their counts. */
  async work(pass = this.analyst, passesMax = 50): Promise<readonly PassReport['counts'][]> {
    const counts: PassReport['counts'][] = [];
    for (let passes = 0; passes < passesMax; passes += 1) {
      const report = await this.pass(pass);
      if (report.counts.stage === 'none') return counts;
      counts.push(report.counts);
    }
    throw new Error(`still at work after ${passesMax} passes: ${JSON.stringify(counts.at(-1))}`);
  }

  async deal(asin: string): Promise<Deal> {
    const [deal] = await this.store.reader.deal(asin);
    if (deal === undefined) throw new Error(`${asin} is not in the table`);
    return deal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.broker.drain(), this.clock.advanceBy(60_000)]);
    await this.store[Symbol.asyncDispose]();
  }
}

export function asinOf(number: number): string {
  return `B${String(number).padStart(9, '0')}`;
}

/** A row that is listed at `priceCents`. */
export function listed(
  asin: string,
  priceCents = 1_200,
  change: Parameters<typeof dealRow>[1] = {},
): DealRow {
  return dealRow(asin, { priceCents, usedCents: priceCents, ...change });
}

/** A book of which one used copy is sold for `soldCents` on every 20th day of a year. */
export function sellingProduct(asin: string, soldCents = 5_000, change: Partial<Product> = {}) {
  const now = Math.floor(startMs / minuteMs);
  const days = Array.from({ length: 18 }, (_, index) => 360 - 20 * index);
  const points = (of: (minute: number) => readonly Point[]): readonly Point[] =>
    days.flatMap((day) => of(now - day * dayMinutes));
  const product = productOf({
    countUsed: points((minute) => [
      [minute - 60, 5],
      [minute, 4],
    ]),
    priceUsed: [[now - 400 * dayMinutes, soldCents]],
    rank: points((minute) => [
      [minute - 120, 90_000],
      [minute + 60, 40_000],
    ]),
  });
  return {
    ...product,
    asin,
    fees: { fbaPickAndPackCents: 400, referralPercent: 15 },
    // Amazon does not sell it, and never did: so the statistics say.
    amazon: {},
    ...change,
  } satisfies Product;
}

export function offerAt(
  priceCents: number | undefined,
  shippingCents: number | undefined,
  change: Partial<Offer> = {},
): Offer {
  return {
    sellerId: 'A1SELLER00001',
    condition: 4,
    isFba: false,
    isAmazon: false,
    isWarehouse: false,
    lastSeenAtMs: startMs,
    isLive: true,
    ...(priceCents === undefined ? {} : { priceCents }),
    ...(shippingCents === undefined ? {} : { shippingCents }),
    ...change,
  };
}

/** One row at 1,200 is listed; Keepa holds what `product` says of it, if anything. */
export async function listedWorld(product?: Product): Promise<JudgingWorld> {
  const world = await JudgingWorld.open();
  if (product !== undefined) world.keepa.shelf.products.set(product.asin, product);
  await world.list({ row: listed(asinOf(1)) });
  return world;
}

/** Kept from a refreshed answer: these are all there are. */
export function withOffers(...offers: NonNullable<Product['offers']>): Partial<Product> {
  return { offers, offersFresh: true };
}

/** A 400 for whatever was asked. */
export function refuse(call: KeepaCall): Outcome<never> {
  const why = `refuses ${call.endpoint}`;
  return { kind: 'permanent', reason: 'bad-request', status: 400, why, envelope: undefined };
}
