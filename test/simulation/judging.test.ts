/**
 * Judging in the composed daemon over virtual hours: what it costs, what it never concludes from,
 * and what it must not stand in the way of.
 *
 * What is true is asked of a second market from the same seed, which no fault and no bucket stands
 * in front of.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unpackEvidence } from '../../src/analysis/evidence.ts';
import { decodeProductBatch } from '../../src/keepa/wire-product.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import type { FaultHook } from '../../src/simulator/faults.ts';
import { ask, richKeepa } from '../simulator/asking.ts';
import { bargains } from './outage.ts';
import { Simulation, type SimulationOptions, simulationStartMs } from './simulated-daemon.ts';

const hourMs = 3_600_000;
/** Fewer sweeps than such a plan allows: they are not what is tested, and take the most time. */
const plan: SimulationOptions = {
  seed: 11,
  ratePerMinute: 20,
  rows: 80,
  feeds: [bargains()],
  config: { sweepIntervalMs: hourMs / 3 },
};

async function simulate(
  options: Partial<SimulationOptions>,
  scenario: (simulation: Simulation) => Promise<void>,
): Promise<void> {
  const simulation = new Simulation({ ...plan, ...options });
  try {
    await simulation.start();
    await scenario(simulation);
  } finally {
    await simulation.abandon();
    simulation.dispose();
  }
}

/** Tokens, requests and items of the answered requests of one purpose. */
async function boughtFor({ store }: Simulation, purpose: string) {
  const groups = await store.reader.ledgerGroups(0);
  const bought = { tokens: 0, requests: 0, items: 0 };
  for (const group of groups) {
    if (group.purpose !== purpose || group.outcome !== 'answered') continue;
    bought.tokens += group.tokens;
    bought.requests += group.requests;
    bought.items += group.items;
  }
  return bought;
}

async function allDeals({ store }: Simulation) {
  return await store.reader.deals({ states: 'all', withHeld: true });
}

test('candidates cost at most 1.3 tokens, survivors are verified, sellers cached', async () => {
  await simulate({}, async (simulation) => {
    await simulation.clock.advanceBy(3 * hourMs);
    const { reader } = simulation.store;
    const judged = (await allDeals(simulation)).filter(({ judgedAtMs }) => judgedAtMs);
    assert.ok((await reader.countByState()).candidate <= 2, 'all but the newest are judged');
    const history = await boughtFor(simulation, 'history');
    assert.ok(history.tokens <= 1.3 * judged.length, `${history.tokens} for ${judged.length}`);
    const accepted = await reader.deals({ states: ['accepted'] });
    const verified = await reader.deals({ states: ['accepted'], onlyVerified: true });
    assert.ok(accepted.length > 20);
    assert.ok(verified.length >= 0.9 * accepted.length, `${verified.length}/${accepted.length}`);
    const sellers = new Set(verified.flatMap(({ sellerId }) => sellerId ?? []));
    const lookedUp = await boughtFor(simulation, 'seller');
    assert.ok(lookedUp.tokens >= sellers.size - 2 && lookedUp.tokens < verified.length * 2);
    assert.equal(simulation.keepa.requests.refused, 0);
    assert.ok(simulation.keepa.requests.lowestBalance >= 0);
  });
});

test('listed rows come with what they promise, and wait in that order', async () => {
  await simulate({ ratePerMinute: 1, initialTokens: 12 }, async (simulation) => {
    await simulation.clock.advanceBy(5 * 60_000);
    const nowMs = simulation.clock.now();
    const waiting = await simulation.store.reader.historyDue({
      kind: 'fresh',
      nowMs,
      freshSinceMs: nowMs - hourMs,
      evidenceSinceMs: nowMs,
      limit: 999,
    });
    const promises = waiting.map(({ promise }) => promise ?? Number.NaN);
    assert.ok(promises.length > 50);
    assert.ok(promises.filter((promise) => promise > 0).length > 40, promises.join(' '));
    assert.deepEqual(
      promises,
      promises.toSorted((a, b) => b - a),
    );
  });
});

test('rows that are re-priced are judged again without a token', async () => {
  await simulate({ repriceMeanHours: 1, rows: 50 }, async (simulation) => {
    await simulation.clock.advanceBy(2 * hourMs);
    const before = await boughtFor(simulation, 'history');
    const known = new Map((await allDeals(simulation)).map((deal) => [deal.asin, deal]));
    await simulation.clock.advanceBy(3 * hourMs);
    const now = await allDeals(simulation);
    const fresh = now.filter(({ asin }) => !known.has(asin)).length;
    const waiting = [...known.values()].filter(({ state }) => state === 'candidate').length;
    const again = now.filter((deal) => {
      const first = known.get(deal.asin);
      return (
        first?.judgedAtMs !== undefined &&
        first.judgedAtMs !== deal.judgedAtMs &&
        first.priceNowCents !== deal.priceNowCents
      );
    });
    assert.ok(again.length > 25, `${again.length} re-priced rows were judged again`);
    const after = await boughtFor(simulation, 'history');
    assert.ok(
      after.items - before.items <= fresh + waiting,
      `${after.items - before.items} histories for ${fresh} new and ${waiting} waiting rows`,
    );
    const unjudged = (
      await simulation.store.reader.rejudgeDue({
        evidenceSinceMs: 0,
        limit: 99,
      })
    ).length;
    assert.ok(unjudged <= 5, `${unjudged} rows wait to be judged for nothing`);
  });
});

/** Half of the answers about products: refused, or without items, histories or statistics. */
function halfBroken(seed: number): FaultHook {
  const random = seededRandom(seed);
  const faults = [
    { kind: 'refused' },
    { kind: 'partial', every: 2 },
    { kind: 'no-history' },
    { kind: 'no-stats' },
  ] as const;
  return ({ path }) => {
    if (path !== '/product' && path !== '/seller') return undefined;
    return random.next() < 0.5 ? faults[random.integer(0, 3)] : undefined;
  };
}

test('half of the answers throttled or partial: verdicts come from whole ones only', async () => {
  await simulate({ ratePerMinute: 60, rows: 50 }, async (simulation) => {
    simulation.keepa.setFaults(halfBroken(5));
    await simulation.clock.advanceBy(4 * hourMs);
    const { reader } = simulation.store;
    const { processed, accepted, rejected, insufficient, retries } = await reader.judgingTotals();
    const sum = (counts: Readonly<Record<string, number>>): number =>
      Object.values(counts).reduce((total, count) => total + count, 0);
    assert.equal(processed, accepted + sum(rejected) + sum(insufficient) + retries);
    assert.ok(retries > 20, `${retries} retries`);
    const judged = (await allDeals(simulation)).filter(({ judgedAtMs }) => judgedAtMs);
    assert.ok(judged.length > 40, `${judged.length} judged`);
    const truth = richKeepa({ seed: plan.seed, rows: 50, startMs: simulationStartMs });
    for (const { asin, domainId, judgedAtMs, reason } of judged) {
      const kept = await reader.evidence({ domainId, asin });
      assert.ok(kept !== undefined, `${asin} was judged by something`);
      const query = { domain: '1', asin, stats: '365' };
      const { json } = ask(truth, { path: '/product', query }, judgedAtMs);
      const call = { endpoint: 'product', domainId: 1, asins: [asin], history: true } as const;
      const [product] = decodeProductBatch(json, call).products;
      const evidence = unpackEvidence(kept.packed);
      for (const part of ['history', 'amazon'] as const) {
        const has = [evidence, product].map((one) => one?.[part] !== undefined);
        assert.equal(has[0], has[1], `${part} of ${asin}: ${reason}`);
      }
      if (reason === 'no-history') assert.equal(product?.history, undefined, asin);
      assert.notEqual(reason, 'unknown-cap', asin);
    }
  });
});

test('everything is judged and verified once the faults are over', async () => {
  await simulate({ ratePerMinute: 60, rows: 40 }, async (simulation) => {
    simulation.keepa.setFaults(({ path }) =>
      path === '/product' || path === '/seller' ? { kind: 'error-html' } : undefined,
    );
    // What was bought in the first second is answered yet.
    await simulation.clock.advanceBy(10_000);
    const sound = await answeredProducts(simulation);
    const before = await simulation.store.reader.countByState();
    await simulation.clock.advanceBy(hourMs);
    const { retries } = await simulation.store.reader.judgingTotals();
    assert.ok(retries > 0);
    assert.equal(await answeredProducts(simulation), sound);
    const after = await simulation.store.reader.countByState();
    assert.ok(after.candidate >= before.candidate, 'no verdict on a candidate came of it');
    simulation.keepa.setFaults(undefined);
    // No wait is longer than the trouble was.
    await simulation.clock.advanceBy(2 * hourMs);
    const { candidate, accepted } = await simulation.store.reader.countByState();
    assert.ok(candidate <= 2 && accepted > 5, `${candidate} candidates, ${accepted} accepted`);
  });
});

/** Products that were bought and came: verdicts beyond these are from kept evidence. */
async function answeredProducts(simulation: Simulation): Promise<number> {
  const history = await boughtFor(simulation, 'history');
  const verify = await boughtFor(simulation, 'verify');
  return history.tokens + verify.tokens;
}

test('at a token a minute polls, sweeps, histories and offers all go on', async () => {
  await simulate({ ratePerMinute: 1, initialTokens: 0 }, async (simulation) => {
    await simulation.clock.advanceBy(5 * hourMs);
    const middle = await purposes(simulation);
    await simulation.clock.advanceBy(5 * hourMs);
    const end = await purposes(simulation);
    for (const purpose of ['head-poll', 'sweep', 'history', 'verify'] as const) {
      assert.ok(middle[purpose] > 0, `${purpose}: ${middle[purpose]} in the first half`);
      assert.ok(end[purpose] > middle[purpose], `${purpose}: ${end[purpose]} in all`);
    }
    assert.equal(simulation.keepa.requests.refused, 0);
    assert.ok(simulation.keepa.requests.lowestBalance >= 0);
  });
});

async function purposes(simulation: Simulation) {
  const requests = async (purpose: string): Promise<number> =>
    (await boughtFor(simulation, purpose)).requests;
  return {
    'head-poll': await requests('head-poll'),
    sweep: await requests('sweep'),
    history: await requests('history'),
    verify: await requests('verify'),
  };
}

test('a crash between two answers judges nothing twice and loses no verdict', async () => {
  await simulate({ ratePerMinute: 5, initialTokens: 30 }, async (simulation) => {
    await simulation.clock.advanceBy(hourMs / 2);
    const before = await allDeals(simulation);
    const { items } = await boughtFor(simulation, 'history');
    await simulation.stop();
    await simulation.start();
    await simulation.clock.advanceBy(hourMs);
    const after = new Map((await allDeals(simulation)).map((deal) => [deal.asin, deal]));
    for (const { asin, judgedAtMs } of before) {
      const kept = after.get(asin)?.judgedAtMs ?? 0;
      assert.ok(kept >= (judgedAtMs ?? 0), `${asin} lost its verdict`);
    }
    const bought = (await boughtFor(simulation, 'history')).items;
    const judged = [...after.values()].filter(({ judgedAtMs }) => judgedAtMs).length;
    assert.ok(bought > items && bought <= judged + 2, `${bought} bought for ${judged}`);
    // Its batches were cut to what there was: what was not sent was not missing.
    const { retries } = await simulation.store.reader.judgingTotals();
    assert.ok(retries <= 5, `${retries} retries`);
  });
});
