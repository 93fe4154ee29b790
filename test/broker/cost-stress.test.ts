/**
 * Goal: holds stay above the truth 19 times in 20 and not far above it, whatever calls truly cost.
 * Method: prices from 0.4 to 4 times the documented one, four ways to vary around it, sizes from
 * one item to a hundred, and prices that move in the middle. Fixed seeds, so always the same ones.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CostModel } from '../../src/broker/cost-model.ts';
import { type Random, seededRandom } from '../../src/runtime/random.ts';
import { dealCall, productCall } from './broker-world.ts';
import { figuresOf, type Spread, type StressedCall, stress } from './cost-stress.ts';

const calls = { deal: dealCall, plain: productCall(100), offers: productCall(10, 20) };
const anyCall = fc.constantFrom(calls.deal, calls.plain, calls.offers);
const tameSpreads: readonly Spread[] = ['flat', 'even', 'pages'];
const anySpread = fc.constantFrom<Spread>(...tameSpreads, 'skewed');
const anyFactor = fc.double({ min: 0.4, max: 4, noNaN: true });
const anySeed = fc.integer({ min: 1, max: 1_000_000 });
const runs = { numRuns: 60, seed: 11 };

/** Half of them small, half of them up to a hundred. */
function anySize(random: Random): number {
  const most = random.next() < 0.5 ? 10 : 100;
  return 1 + Math.floor(most * random.next());
}

function bandOf({ items }: StressedCall): number {
  return [50, 20, 10, 5, 1].findIndex((start) => items >= start);
}

describe('the learned cost model under stress', () => {
  it('holds the truth in 95 of 100 calls, at 0.4 to 4 times the documented price', () => {
    let covered = 0;
    let all = 0;
    fc.assert(
      fc.property(anyCall, anySpread, anyFactor, anySeed, (call, spread, factor, seed) => {
        const random = seededRandom(seed);
        const options = { call, spread, random, calls: 400, factor: () => factor };
        const { coveredPercent } = figuresOf(stress({ ...options, items: anySize }));
        // Of 400 calls some more than 20 go beyond by chance alone.
        assert.ok(coveredPercent >= 93, `${coveredPercent} %`);
        covered += coveredPercent;
        all += 1;
      }),
      runs,
    );
    assert.ok(covered / all >= 95, `${covered / all} % on average`);
  });

  // Where prices have no bound (`skewed`) a hold that covers 95 of 100 is far above the mean.
  it('holds at most 1.3 times what is paid for batches whose prices it has learned', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(calls.plain, calls.offers),
        fc.constantFrom(...tameSpreads),
        anyFactor,
        anySeed,
        (call, spread, factor, seed) => {
          const random = seededRandom(seed);
          const batches = { items: () => (call === calls.plain ? 100 : 10), factor: () => factor };
          const done = stress({ call, spread, random, calls: 700, ...batches });
          const { heldPerPaid } = figuresOf(done.slice(-200));
          assert.ok(heldPerPaid <= 1.3, `${heldPerPaid}`);
        },
      ),
      runs,
    );
  });
});

describe('the learned cost model while prices change', () => {
  it('lets a price that rises go beyond the balance once, whatever size comes next', () => {
    fc.assert(
      fc.property(anyCall, fc.constantFrom(4, 5, 6), anySeed, (call, rise, seed) => {
        const factor = (n: number): number => (n < 300 ? 1 : rise);
        const random = seededRandom(seed);
        const done = stress({ call, calls: 600, factor, spread: 'flat', items: anySize, random });
        const beyond = done.slice(300).filter((one) => one.costTokens > one.worstTokens);
        assert.ok(beyond.length <= 1, `${beyond.length} calls beyond what the balance bore`);
        // The p95 follows at the second one, and every band is told of both.
        assert.ok(done.slice(300).filter(({ isDrift }) => isDrift).length <= 2);
      }),
      runs,
    );
  });

  it('holds no more than before once fifty calls of each size have cost less again', () => {
    fc.assert(
      fc.property(fc.constantFrom(calls.plain, calls.offers), anySeed, (call, seed) => {
        const random = seededRandom(seed);
        const factor = (n: number): number => (n < 300 ? 4 : 1);
        const done = stress({ call, calls: 1_500, factor, spread: 'flat', items: anySize, random });
        const heldOf = done.slice(-100).map((one) => one.holdTokens / one.items);
        const listed = call === calls.plain ? 1 : 12;
        assert.ok(Math.max(...heldOf) <= listed, `${Math.max(...heldOf)} for one`);
      }),
      runs,
    );
  });

  it('keeps the documented worst case for a band until it has five samples of its own', () => {
    fc.assert(
      fc.property(anyFactor, anySeed, (factor, seed) => {
        const random = seededRandom(seed);
        const options = { call: calls.offers, spread: 'even' as const, random, items: anySize };
        const done = stress({ ...options, calls: 100, factor: () => factor });
        const seen = new Map<number, number>();
        for (const one of done) {
          const before = seen.get(bandOf(one)) ?? 0;
          if (before < 5 || one.items < 5) assert.ok(one.holdTokens >= 12 * one.items);
          seen.set(bandOf(one), before + 1);
        }
      }),
      runs,
    );
  });
});

describe('the learned cost model: what one band tells another', () => {
  it('prices one item as before again when the dear batch of long ago was never repeated', () => {
    const model = new CostModel();
    model.learn(calls.offers, { items: 10, costTokens: 400, holdTokens: 120 });
    assert.equal(model.quote(calls.offers, 1).holdTokens, 40);
    const single = { items: 1, costTokens: 6, holdTokens: 40 };
    for (let n = 0; n < 50; n += 1) model.learn(calls.offers, single);
    assert.equal(model.quote(calls.offers, 1).holdTokens, 40, 'a memory is fifty calls long');
    model.learn(calls.offers, single);
    assert.equal(model.quote(calls.offers, 1).holdTokens, 12);
  });

  it('quotes a size that was never bought by the dearest that was', () => {
    const model = new CostModel();
    model.learn(calls.plain, { items: 100, costTokens: 400, holdTokens: 400 });
    assert.equal(model.quote(calls.plain, 25).holdTokens, 100);
  });

  it('tells every band of a drift, and none of a call that kept to its hold', () => {
    const model = new CostModel();
    const learn = (items: number, costTokens: number, holdTokens: number): void => {
      model.learn(calls.plain, { items, costTokens, holdTokens });
    };
    for (let n = 0; n < 50; n += 1) learn(10, 10, 10);
    for (let n = 0; n < 40; n += 1) learn(100, 100, 100);
    learn(100, 150, 100);
    assert.deepEqual(model.quote(calls.plain, 10), { holdTokens: 10, worstTokens: 10 });
    learn(100, 400, 150);
    assert.deepEqual(model.quote(calls.plain, 10), { holdTokens: 10, worstTokens: 40 });
  });

  it('is overrun in fewer than one call of twenty when prices never repeat', () => {
    // The 48th of 50 is the p95 of the past; the next call exceeds it in 3 of 51 cases.
    const random = seededRandom(3);
    const options = { call: calls.plain, spread: 'even' as const, random, calls: 6_000 };
    const done = stress({ ...options, factor: () => 40, items: () => 100 });
    const { coveredPercent } = figuresOf(done);
    assert.ok(coveredPercent >= 95, `${coveredPercent} %`);
  });
});
