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
 * What one band learns, the others need in two cases. A call far beyond its hold is news for every
 * size: it enters all bands that have a p95 of their own, so a price that rose can surprise the
 * balance once and not once per band. And a band that nobody uses any more forgets, or the dear
 * call of a day long gone would set the price of one item for ever.
 *
 * Invariants:
 * - hold >= 1 token for whatever Keepa charges for, and hold <= worst;
 * - no call is quoted below documented or seen prices before its band has five samples;
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

/** What was learned of one shape, as plain JSON. */
export interface LearnedShape {
  readonly batchMax: number;
  /** Unit costs by band, oldest first. */
  readonly bands: Readonly<Record<string, readonly number[]>>;
}

/** What was learned of every shape. */
export interface LearnedCosts {
  readonly [shape: string]: LearnedShape;
}

interface Band {
  /** Oldest first. */
  readonly samples: readonly number[];
  readonly largest: number;
  readonly p95: number;
  /** The shape's count of calls when this band was last used. */
  readonly usedAtCall: number;
}

interface Learned {
  batchMax: number;
  callsSinceDrift: number;
  /** Answered calls of the shape, of any size. */
  calls: number;
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
        return [band, bandFrom(unitCostsIn(costs), 0)] as const;
      });
      this.#shapes.set(shape, { batchMax, callsSinceDrift: 0, calls: 0, bands: new Map(read) });
    }
  }

  /** Hold and worst case for the first `items` of this call. */
  quote(call: Priced, items: number): Quote {
    const documented = documentedUnitCost(call);
    if (documented === 0) return flat(0);
    const bands = this.#shapes.get(shapeOf(call))?.bands ?? noBands;
    const band = bands.get(bandOf(items));
    if (items < smallItems || band === undefined || band.samples.length < samplesMin) {
      let largest = documented;
      for (const other of bands.values()) largest = Math.max(largest, other.largest);
      return flat(items * largest);
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
    const isDrift = costTokens > driftFactor * holdTokens;
    remember(learned, { band: bandOf(items), unitCost: costTokens / items, isNews: isDrift });
    if (isDrift) {
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
    const entries = [...this.#shapes].map(([shape, learned]) => [shape, plain(learned)] as const);
    return Object.fromEntries(entries);
  }

  /** What is known of one shape; undefined: nothing yet. */
  exportShape(shape: string): LearnedShape | undefined {
    const learned = this.#shapes.get(shape);
    return learned && plain(learned);
  }

  #learnedOf(shape: string, batchMax: number): Learned {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const fresh: Learned = { batchMax, callsSinceDrift: 0, calls: 0, bands: new Map() };
    this.#shapes.set(shape, fresh);
    return fresh;
  }
}

function plain({ batchMax, bands }: Learned): LearnedShape {
  const samples = [...bands].map(([band, learned]) => [band, learned.samples] as const);
  return { batchMax, bands: Object.fromEntries(samples) };
}

const noBands: ReadonlyMap<string, Band> = new Map();

function bandOf(items: number): string {
  return String(bandStarts.findLast((start) => start <= items) ?? 1);
}

/** Adds one call to its band, as news to every band, and lets the bands fade that nobody uses. */
function remember(
  learned: Learned,
  { band, unitCost, isNews }: { band: string; unitCost: number; isNews: boolean },
): void {
  const { bands } = learned;
  learned.calls += 1;
  if (!bands.has(band)) bands.set(band, bandFrom([], learned.calls));
  for (const [name, { samples, usedAtCall }] of bands) {
    const isOwn = name === band;
    const usedNow = isOwn ? learned.calls : usedAtCall;
    const isTold = isOwn || (isNews && samples.length >= samplesMin);
    const kept = learned.calls - usedNow > samplesMax ? samples.slice(1) : samples;
    const now = isTold ? [...kept, unitCost].slice(-samplesMax) : kept;
    if (now === samples) continue;
    if (now.length === 0) bands.delete(name);
    else bands.set(name, bandFrom(now, usedNow));
  }
}

/**
 * The p95 is the smallest sample that the *next* call stays within 19 times in 20. The k-th of n
 * samples bounds the next one in k of n + 1 cases, so with less than 39 it is the largest; plain
 * nearest rank, the 48th of 50, would be overrun by 6 calls in 100.
 */
function bandFrom(samples: readonly number[], usedAtCall: number): Band {
  const ascending = [...samples].sort((a, b) => a - b);
  const largest = ascending.at(-1) ?? 0;
  const p95 = ascending[Math.ceil(0.95 * (ascending.length + 1)) - 1] ?? largest;
  return { samples, largest, p95, usedAtCall };
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
