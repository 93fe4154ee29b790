/**
 * What a request may cost before Keepa has said so.
 *
 * Documented prices are priors, never facts: the same call with offers was measured at 6.0 to 7.7
 * tokens per product, and one product alone at 12. So the price is learned per *shape* (the
 * endpoint and the parameters that cost) and per band of batch size, because the average of fifty
 * says little about one.
 *
 * A quote holds two figures. The *hold* is what a class sets aside: the p95 of the band's last unit
 * costs. The *worst* is what the balance must be able to bear: the largest of them, so that the one
 * call in twenty that overruns its hold is a debt of its class and not of the account.
 *
 * Invariants:
 * - hold >= 1 token for whatever Keepa charges for, and hold <= worst;
 * - below five items both are items x the largest unit cost seen or documented;
 * - the batch size of a shape is at least 1 and at most what Keepa takes.
 */
import { itemsIn, type KeepaCall } from '../keepa/call.ts';

/** As much of a call as its price depends on. */
export interface Priced {
  readonly endpoint: KeepaCall['endpoint'];
  readonly offers?: number;
}

/** Tokens for so many items of one shape. */
export interface Quote {
  readonly holdTokens: number;
  readonly worstTokens: number;
}

/** A call that cost more than half as much again as its hold. */
export interface Drift {
  readonly shape: string;
  /** The batch size from now on. */
  readonly batchMax: number;
}

/** What was learned, as plain JSON. */
export interface LearnedCosts {
  readonly [shape: string]: {
    readonly batchMax: number;
    /** Unit costs by band, oldest first. */
    readonly bands: Readonly<Record<string, readonly number[]>>;
  };
}

interface Band {
  /** Oldest first. */
  readonly samples: readonly number[];
  readonly largest: number;
  readonly p95: number;
}

interface Learned {
  batchMax: number;
  callsSinceDrift: number;
  readonly bands: Map<string, Band>;
}

/** Unit costs remembered per band. */
const samplesMax = 50;
/** Below so many samples the documented worst case counts. */
const samplesMin = 5;
/** Below so many items a p95 of averages says nothing about the next call. */
const smallItems = 5;
const driftFactor = 1.5;
/** First sizes of the bands; a band ends where the next begins. */
const bandStarts = [1, smallItems, 10, 20, 50];

/** The endpoint and the parameters that cost, for example `product+offers20`. */
export function shapeOf(call: Priced): string {
  if (call.endpoint === 'product' && call.offers !== undefined) {
    return `product+offers${call.offers}`;
  }
  return call.endpoint;
}

/** How many units a call is priced by; a page and a token read are one. */
export function unitsIn(call: KeepaCall): number {
  return call.endpoint === 'token' ? 1 : itemsIn(call);
}

/**
 * The documented worst price of one item (keepa-facts 5): a page 5, also an empty one; a product 1;
 * with offers 6 per *found* page of ten, so 12 for the usual 20 (seen in 5 of 298 calls, never
 * more, and above the 7.7 that the dearest batch came to on average): a page that holds no more
 * is not found, and not billed; a seller 1; the balance nothing.
 */
function documentedUnitCost(call: Priced): number {
  switch (call.endpoint) {
    case 'token':
      return 0;
    case 'deal':
      return 5;
    case 'seller':
      return 1;
    case 'product':
      return call.offers === undefined ? 1 : 6 * Math.ceil(call.offers / 10);
  }
}

/**
 * The largest batch to begin with: what Keepa takes, or with offers what it answers in about 20 s
 * (ten took 12 to 23 s, fifty up to 63), so that one call never blocks the channel for long.
 */
function documentedBatchMax(call: Priced): number {
  if (call.endpoint === 'product') return call.offers === undefined ? 100 : 10;
  return call.endpoint === 'seller' ? 100 : 1;
}

export class CostModel {
  readonly #shapes = new Map<string, Learned>();

  /** Begins with what an earlier run learned; what cannot be read of it is left out. */
  constructor(learned?: unknown) {
    for (const [shape, value] of entriesOf(learned)) {
      const { batchMax, bands } = recordOf(value);
      if (typeof batchMax !== 'number' || !Number.isInteger(batchMax) || batchMax < 1) continue;
      const read = entriesOf(bands).map(([band, costs]) => {
        return [band, bandFrom(unitCostsIn(costs))] as const;
      });
      this.#shapes.set(shape, { batchMax, callsSinceDrift: 0, bands: new Map(read) });
    }
  }

  /** Hold and worst case for the first `items` of this call. */
  quote(call: Priced, items: number): Quote {
    const documented = documentedUnitCost(call);
    if (documented === 0) return flat(0);
    const bands = this.#shapes.get(shapeOf(call))?.bands ?? noBands;
    if (items < smallItems) {
      let largest = documented;
      for (const band of bands.values()) largest = Math.max(largest, band.largest);
      return flat(items * largest);
    }
    const band = bands.get(bandOf(items));
    if (band === undefined || band.samples.length < samplesMin) {
      return flat(items * Math.max(documented, band?.largest ?? 0));
    }
    const holdTokens = Math.max(1, wholeTokens(items * band.p95));
    return { holdTokens, worstTokens: Math.max(holdTokens, wholeTokens(items * band.largest)) };
  }

  /** The most items of this call to send at once. */
  batchMax(call: Priced): number {
    const documented = documentedBatchMax(call);
    return Math.min(documented, this.#shapes.get(shapeOf(call))?.batchMax ?? documented);
  }

  /**
   * Takes in what an answered call cost. A drift halves the shape's batch; once as many calls have
   * kept to their hold as the memory is long, the batch may double again.
   */
  learn(
    call: Priced,
    { items, costTokens, holdTokens }: { items: number; costTokens: number; holdTokens: number },
  ): Drift | undefined {
    if (call.endpoint === 'token' || items < 1) return undefined;
    const shape = shapeOf(call);
    const learned = this.#learnedOf(shape, documentedBatchMax(call));
    const band = bandOf(items);
    const samples = learned.bands.get(band)?.samples ?? [];
    learned.bands.set(band, bandFrom([...samples, costTokens / items].slice(-samplesMax)));
    if (costTokens > driftFactor * holdTokens) {
      learned.batchMax = Math.max(1, Math.floor(Math.min(learned.batchMax, items) / 2));
      learned.callsSinceDrift = 0;
      return { shape, batchMax: learned.batchMax };
    }
    learned.callsSinceDrift += 1;
    if (learned.callsSinceDrift >= samplesMax) {
      learned.batchMax = Math.min(documentedBatchMax(call), learned.batchMax * 2);
      learned.callsSinceDrift = 0;
    }
    return undefined;
  }

  export(): LearnedCosts {
    const entries = [...this.#shapes].map(([shape, { batchMax, bands }]) => {
      const samples = [...bands].map(([band, learned]) => [band, learned.samples] as const);
      return [shape, { batchMax, bands: Object.fromEntries(samples) }] as const;
    });
    return Object.fromEntries(entries);
  }

  #learnedOf(shape: string, batchMax: number): Learned {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const fresh: Learned = { batchMax, callsSinceDrift: 0, bands: new Map() };
    this.#shapes.set(shape, fresh);
    return fresh;
  }
}

const noBands: ReadonlyMap<string, Band> = new Map();

function bandOf(items: number): string {
  return String(bandStarts.findLast((start) => start <= items) ?? 1);
}

/** The p95 is by nearest rank: the smallest sample that at least 95 % of them do not exceed. */
function bandFrom(samples: readonly number[]): Band {
  const ascending = [...samples].sort((a, b) => a - b);
  const p95 = ascending[Math.ceil(0.95 * ascending.length) - 1] ?? 0;
  return { samples, largest: ascending.at(-1) ?? 0, p95 };
}

function flat(tokens: number): Quote {
  const whole = wholeTokens(tokens);
  return { holdTokens: whole, worstTokens: whole };
}

/** Rounds up, but not for the noise of a division: 7 x (36 / 7) is 36. */
function wholeTokens(tokens: number): number {
  return Math.max(0, Math.ceil(tokens - 1e-9));
}

function entriesOf(value: unknown): [string, unknown][] {
  return Object.entries(recordOf(value));
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function unitCostsIn(value: unknown): number[] {
  if (!Array.isArray(value)) return [];
  const costs = value.filter(
    (cost) => typeof cost === 'number' && Number.isFinite(cost) && cost >= 0,
  );
  return costs.slice(-samplesMax);
}
