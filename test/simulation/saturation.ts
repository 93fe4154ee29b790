/**
 * One broker whose classes always want more, for as many virtual hours as you like.
 *
 * Why not the whole daemon: it cannot be kept saturated at 250 tokens a minute by a market of any
 * size, and its polls and people come when they come. Here the broker is the real one, the bucket
 * and the working times are those of the simulated Keepa, and the queues are synthetic: whoever is
 * saturated asks again a few milliseconds after each answer.
 *
 * What is reported is read off Keepa's side and off the ledger, never off what the broker believes,
 * but for the credits, which say how much of its income a class has not spent yet.
 */
import { headIntervalMs } from '../../src/actors/planning.ts';
import { type PerClass, perClass } from '../../src/broker/credits.ts';
import { type LedgerEntry, type SpendClass, spendClasses } from '../../src/broker/request.ts';
import { firstItems, itemsIn, type KeepaCall } from '../../src/keepa/call.ts';
import { type Random, seededRandom } from '../../src/runtime/random.ts';
import { tickMs } from '../../src/simulator/bucket.ts';
import { processingMsOf } from '../../src/simulator/latency.ts';
import {
  BrokerWorld,
  dealCall,
  hourMs,
  productCall,
  shares,
  startMs,
} from '../broker/broker-world.ts';

/** Everybody wants more, or only upsert and backfill, with heads polled as the daemon polls. */
export type Crowd = 'everybody' | 'upsert and backfill';

export interface SaturationOptions {
  readonly ratePerMinute: number;
  readonly hours: number;
  /** Hours before anything is measured. */
  readonly warmUpHours?: number;
  readonly seed?: number;
  readonly crowd?: Crowd;
  /** What calls truly cost, in documented worst prices; undefined: as observed in recordings. */
  readonly holdsCost?: number;
  /** Times this, by the hour of the run. */
  readonly priceFactor?: (hour: number) => number;
  /** The part of the refill that somebody else takes with the same key. */
  readonly strangerTakes?: number;
}

/** A request of the head class: what was printed for it, and what came of it. */
export interface Poll {
  readonly queuedAtMs: number;
  readonly waitedMs: number;
  readonly promisedMs: number;
}

export interface ClassFigures {
  readonly spentTokens: number;
  /** What it spent and what it saved, less what it had saved before. */
  readonly receivedTokens: number;
  readonly calls: number;
  readonly dearestCallTokens: number;
}

export interface Taking {
  readonly atMs: number;
  readonly tokens: number;
}

export interface SaturationFigures {
  readonly classes: Readonly<Record<SpendClass, ClassFigures>>;
  readonly refilledTokens: number;
  readonly expiredTokens: number;
  /** What the stranger took, and when. */
  readonly takings: readonly Taking[];
  readonly lowestBalance: number;
  readonly refusals: number;
  /** 429s before which Keepa had not told of a balance above zero since the last one. */
  readonly repeatedRefusals: number;
  /** Head polls that were queued and answered while measured. */
  readonly polls: readonly Poll[];
  readonly unexplainedTokens: number;
  readonly netRate: number | undefined;
  /** The whole ledger, also of the warm-up. */
  readonly ledger: readonly LedgerEntry[];
  readonly measuredFromMs: number;
}

/** What each class asks for; upsert takes turns between histories and verifications. */
const appetite: Readonly<Record<SpendClass, readonly KeepaCall[]>> = {
  interactive: [productCall(1, 20)],
  head: [dealCall],
  upsert: [productCall(10, 20), productCall(100)],
  refresh: [productCall(50)],
  backfill: [dealCall],
};
const crowds: Readonly<Record<Crowd, readonly SpendClass[]>> = {
  everybody: spendClasses,
  'upsert and backfill': ['upsert', 'backfill'],
};

/** Lets the classes ask for `hours` and measures them, after a warm-up. */
export async function saturate(options: SaturationOptions): Promise<SaturationFigures> {
  const { hours, warmUpHours = 2, crowd = 'everybody', strangerTakes = 0 } = options;
  const queues = new Queues(options);
  const { world } = queues;
  world.broker.start();
  await world.run(1_000);
  for (const name of crowds[crowd]) queues.keepFull(name);
  if (crowd !== 'everybody') queues.pollHeads();
  const stranger = new Stranger(queues, strangerTakes);
  await world.run(warmUpHours * hourMs);
  const before = creditsOf(world);
  const [refilled, expired] = refilledAndExpired(world);
  const measuredFromMs = world.clock.now();
  await world.run(hours * hourMs);
  const after = creditsOf(world);
  const snapshot = world.broker.snapshot();
  const [refilledNow, expiredNow] = refilledAndExpired(world);
  const figures: SaturationFigures = {
    classes: figuresByClass(world.ledger, { before, after, fromMs: measuredFromMs }),
    refilledTokens: refilledNow - refilled,
    expiredTokens: expiredNow - expired,
    takings: [...stranger.takings],
    lowestBalance: world.keepa.bucket.lowestBalance,
    refusals: world.keepa.refusals,
    repeatedRefusals: repeatedRefusalsIn(world.ledger),
    polls: queues.polls.filter(({ queuedAtMs }) => queuedAtMs >= measuredFromMs),
    unexplainedTokens: snapshot.unexplainedTokens,
    netRate: snapshot.netRate,
    ledger: [...world.ledger],
    measuredFromMs,
  };
  stranger.leave();
  await queues.end();
  return figures;
}

class Queues {
  readonly world: BrokerWorld;
  readonly polls: Poll[] = [];
  readonly #ratePerMinute: number;
  #isOver = false;

  constructor({ ratePerMinute, seed = 1, holdsCost, priceFactor }: SaturationOptions) {
    const prices = seededRandom(seed).fork('prices');
    this.#ratePerMinute = ratePerMinute;
    this.world = new BrokerWorld({
      rate: ratePerMinute,
      seed,
      processingMs: (call) => workingMs(call, { seed, nowMs: this.world.clock.now() }),
      costOf: (call) => {
        const factor = priceFactor?.((this.world.clock.now() - startMs) / hourMs) ?? 1;
        return Math.ceil(factor * priceOf(call, prices, holdsCost) - 1e-9);
      },
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  keepFull(name: SpendClass): void {
    void (async () => {
      for (let turn = 0; !this.#isOver; turn += 1) {
        const call = appetite[name][turn % appetite[name].length];
        if (call === undefined) return;
        await this.#buy(name, call);
        await this.world.clock.sleep(5);
      }
    })();
  }

  /** One feed's head, as often as the daemon would ask for it at this rate. */
  pollHeads(): void {
    const { clock } = this.world;
    const income = { netRate: this.#ratePerMinute, sharePercent: shares.head };
    const intervalMs = headIntervalMs(1, income);
    void (async () => {
      while (!this.#isOver) {
        const startedAtMs = clock.now();
        await this.#buy('head', dealCall);
        await clock.sleep(Math.max(0, startedAtMs + intervalMs - clock.now()));
      }
    })();
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.world.end();
  }

  /** Asks for less when Keepa's plan could never hold so much. */
  async #buy(name: SpendClass, call: KeepaCall): Promise<void> {
    const { world } = this;
    const queuedAtMs = world.clock.now();
    const asked = world.ask(name, call);
    const promisedMs = world.broker.snapshot().classes[name].waitBoundMs;
    const settlement = await asked;
    if (settlement.kind === 'too-large') {
      if (settlement.fitsItems === 0) throw new Error(`${name} can never be served`);
      return this.#buy(name, firstItems(call, settlement.fitsItems));
    }
    if (name !== 'head' || settlement.kind !== 'answered' || promisedMs === undefined) return;
    const waitedMs = world.ledger.findLast((line) => line.spendClass === 'head')?.waitedMs;
    if (waitedMs !== undefined) this.polls.push({ queuedAtMs, waitedMs, promisedMs });
  }
}

/** Somebody who spends a fixed part of the refill with the same key, a little at a time. */
class Stranger {
  readonly takings: Taking[] = [];
  #isGone = false;

  constructor({ world }: Queues, part: number) {
    const { bucket } = world.keepa;
    if (part > 0) void this.#spend(world, () => part * bucket.refilledTokens);
  }

  leave(): void {
    this.#isGone = true;
  }

  /** Like us it is served at any balance above zero, and may leave a debt. */
  async #spend({ clock, keepa }: BrokerWorld, entitled: () => number): Promise<void> {
    let taken = 0;
    while (!this.#isGone) {
      await clock.sleep(tickMs / 7);
      const tokens = Math.floor(entitled()) - taken;
      if (tokens < 1 || keepa.balance <= 0) continue;
      keepa.drain(tokens);
      taken += tokens;
      this.takings.push({ atMs: clock.now(), tokens });
    }
  }
}

/** The bucket counts a lump when somebody looks at it. */
function refilledAndExpired({ keepa, clock }: BrokerWorld): readonly [number, number] {
  keepa.bucket.balanceAt(clock.now());
  return [keepa.bucket.refilledTokens, keepa.bucket.expiredTokens];
}

function creditsOf({ broker }: BrokerWorld): PerClass {
  const { classes } = broker.snapshot();
  return perClass((name) => classes[name].credit);
}

function figuresByClass(
  ledger: readonly LedgerEntry[],
  { before, after, fromMs }: { before: PerClass; after: PerClass; fromMs: number },
): Readonly<Record<SpendClass, ClassFigures>> {
  return perClass((name) => {
    const own = ledger.filter(({ spendClass, atMs }) => spendClass === name && atMs >= fromMs);
    const spentTokens = own.reduce((sum, { costTokens }) => sum + costTokens, 0);
    const dearestCallTokens = Math.max(0, ...own.map(({ costTokens }) => costTokens));
    const receivedTokens = spentTokens + after[name] - before[name];
    return { spentTokens, receivedTokens, calls: own.length, dearestCallTokens };
  });
}

function repeatedRefusalsIn(ledger: readonly LedgerEntry[]): number {
  let repeated = 0;
  let isDeficit = false;
  for (const { outcome, balanceAfter = 0 } of ledger) {
    if (outcome === 'refused' && isDeficit) repeated += 1;
    if (outcome === 'refused') isDeficit = true;
    else if (balanceAfter > 0) isDeficit = false;
  }
  return repeated;
}

function workingMs(call: KeepaCall, { seed, nowMs }: { seed: number; nowMs: number }): number {
  const withOffers = call.endpoint === 'product' && call.offers !== undefined;
  return processingMsOf({ endpoint: call.endpoint, items: itemsIn(call), withOffers }, seed, nowMs);
}

/** Documented worst prices times `holdsCost`, or what was observed in 298 recorded calls. */
function priceOf(call: KeepaCall, prices: Random, holdsCost: number | undefined): number {
  const items = itemsIn(call);
  const withOffers = call.endpoint === 'product' && call.offers !== undefined;
  if (call.endpoint === 'deal') return 5 * (holdsCost ?? 1);
  if (holdsCost !== undefined) return items * holdsCost * (withOffers ? 12 : 1);
  if (!withOffers) return items;
  return Array.from({ length: items }, () => offersPrice(prices.next())).reduce((a, b) => a + b);
}

/** Of 298: 242 cost 6, 42 cost 8, 9 less (here 2), 5 cost 12. */
function offersPrice(chance: number): number {
  const [six, eight, less] = [242 / 298, 284 / 298, 293 / 298];
  if (chance < six) return 6;
  if (chance < eight) return 8;
  return chance < less ? 2 : 12;
}
