/**
 * A cost model alone, taught by thousands of calls whose prices nobody documented.
 *
 * Each call asks for a quote first and is then told what it cost, as the broker does it. What is
 * counted: how often a call stayed within its hold, how much more was held than was paid, and how
 * often the truth went beyond what the balance had been asked to bear.
 */
import { CostModel, unitsIn } from '../../src/broker/cost-model.ts';
import type { KeepaCall } from '../../src/keepa/call.ts';
import type { Random } from '../../src/runtime/random.ts';

/** How the price of one item varies around its mean. */
export type Spread = 'flat' | 'even' | 'pages' | 'skewed';

export interface StressOptions {
  readonly call: KeepaCall;
  readonly calls: number;
  /** Mean price of an item in documented prices, for the n-th call. */
  readonly factor: (call: number) => number;
  readonly spread: Spread;
  /** Items that are asked for; a batch is cut to what the model allows. */
  readonly items: (random: Random) => number;
  readonly random: Random;
}

/** One call as it went. */
export interface StressedCall {
  readonly items: number;
  readonly holdTokens: number;
  readonly worstTokens: number;
  readonly costTokens: number;
  readonly isDrift: boolean;
}

export interface StressFigures {
  /** Part of the calls that cost no more than their hold, in per cents. */
  readonly coveredPercent: number;
  /** What was held for every token that was paid. */
  readonly heldPerPaid: number;
  readonly drifts: number;
}

export function stress(options: StressOptions, model = new CostModel()): readonly StressedCall[] {
  const { call, calls, factor, items: itemsOf, random } = options;
  const done: StressedCall[] = [];
  for (let n = 0; n < calls; n += 1) {
    const items = Math.max(1, Math.min(itemsOf(random), unitsIn(call), model.batchMax(call)));
    const { holdTokens, worstTokens } = model.quote(call, items);
    let price = 0;
    for (let item = 0; item < items; item += 1) price += noiseOf(options.spread, random);
    const costTokens = Math.ceil(price * documentedPrice(call) * factor(n) - 1e-9);
    const drift = model.learn(call, { items, costTokens, holdTokens });
    done.push({ items, holdTokens, worstTokens, costTokens, isDrift: drift !== undefined });
  }
  return done;
}

export function figuresOf(calls: readonly StressedCall[]): StressFigures {
  const covered = calls.filter(({ costTokens, holdTokens }) => costTokens <= holdTokens);
  const sum = (of: (call: StressedCall) => number): number => {
    return calls.reduce((total, call) => total + of(call), 0);
  };
  return {
    coveredPercent: (100 * covered.length) / calls.length,
    heldPerPaid: sum(({ holdTokens }) => holdTokens) / sum(({ costTokens }) => costTokens),
    drifts: calls.filter(({ isDrift }) => isDrift).length,
  };
}

/** What the documents say of one item; with offers the usual single page, not the worst case. */
function documentedPrice(call: KeepaCall): number {
  if (call.endpoint === 'deal') return 5;
  return call.endpoint === 'product' && call.offers !== undefined ? 6 : 1;
}

/** Mean 1 but for `pages`, where every fifth item has a second page of offers: mean 1.2. */
function noiseOf(spread: Spread, random: Random): number {
  const chance = random.next();
  switch (spread) {
    case 'flat':
      return 1;
    case 'even':
      return 0.7 + 0.6 * chance;
    case 'pages':
      return chance < 0.2 ? 2 : 1;
    case 'skewed':
      return -Math.log(1 - chance);
  }
}
