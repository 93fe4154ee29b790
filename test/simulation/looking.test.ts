/**
 * How the listings are looked at: heads, orders, several feeds, prices that move.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import { type Simulation, simulate, usedFeed } from './simulated-daemon.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const plan = { seed: 11, ratePerMinute: 20, rows: 400 };

/** Live rows that the table lacks although they were there before the last sweep began. */
async function unknownRows({ keepa, clock, store }: Simulation): Promise<readonly string[]> {
  const deals = await store.reader.deals({ states: 'all' });
  const known = new Set(deals.map(({ asin }) => asin));
  const sweepAgoMs = clock.now() - 20 * minuteMs;
  return keepa
    .liveRows(clock.now())
    .filter(({ priceSinceMs }) => priceSinceMs < sweepAgoMs)
    .map(({ asin }) => asin)
    .filter((asin) => !known.has(asin));
}

/** Pages of each round of head polls, oldest first. */
function roundsOfPolls({ log }: Simulation): readonly number[] {
  return log.said
    .filter(({ scope, event }) => scope === 'upserter' && event === 'pass')
    .map(({ fields }) => Number(fields.pages));
}

test('a listing in any order is stored whole, and the wrong order is noticed', async () => {
  await simulate(plan, async (simulation) => {
    simulation.keepa.setFaults(() => ({ kind: 'unordered' }));
    await simulation.start();
    await simulation.clock.advanceBy(hourMs);
    assert.deepEqual(await unknownRows(simulation), [], 'but for what came since the last sweep');
    const { said } = simulation.log;
    const noticed = said.filter(({ fields }) => Number(fields.inversions) > 10);
    assert.ok(noticed.length > 0, 'the rounds of head polls count the inversions');
  });
});

test('no sweep begins before the rate is known, so none is planned for the outage', async () => {
  await simulate(plan, async (simulation) => {
    simulation.keepa.setFaults(() => ({ kind: 'hang' }));
    await simulation.start();
    await simulation.clock.advanceBy(2 * hourMs);
    simulation.keepa.setFaults(undefined);
    await simulation.clock.advanceBy(hourMs);
    const { clock, store } = simulation;
    const sweeps = await store.reader.completeSweeps({ feed: 'used', sinceMs: 0 });
    assert.ok(sweeps.length > 0);
    for (const { startedAtMs, plannedMs } of sweeps) {
      assert.ok(startedAtMs > clock.now() - hourMs && plannedMs < 2 * hourMs, `${plannedMs} ms`);
    }
  });
});

test('before the first sweep a round of head polls is one page, however much is new', async () => {
  await simulate({ ...plan, rows: 1_200 }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(10 * minuteMs);
    assert.equal(roundsOfPolls(simulation)[0], 1);
  });
});

test('a head page without any known row buys the next, until one is known', async () => {
  await simulate({ ...plan, rows: 3_000, ratePerMinute: 60 }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(20 * minuteMs);
    await simulation.stop();
    // Long enough that everything on the first page has come since.
    await simulation.clock.advanceBy(120 * dayMs);
    const before = roundsOfPolls(simulation).length;
    await simulation.start();
    await simulation.clock.advanceBy(minuteMs);
    const [first = 0] = roundsOfPolls(simulation).slice(before);
    assert.ok(first > 1, `${first} pages in the first round after the pause`);
    await simulation.clock.advanceBy(20 * minuteMs);
    assert.equal(roundsOfPolls(simulation).at(-1), 1, 'and one page once the rows are known');
  });
});

test('a price that moved in the market is in the table after the next sweep', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(6 * hourMs);
    const { clock, keepa, store } = simulation;
    const sweepAgoMs = clock.now() - 10 * minuteMs;
    const deals = await store.reader.deals({ states: 'all' });
    const prices = new Map(deals.map(({ asin, priceNowCents }) => [asin, priceNowCents]));
    const settled = keepa.liveRows(clock.now()).filter((row) => row.priceSinceMs < sweepAgoMs);
    assert.ok(settled.some((row) => row.priceSinceMs > clock.now() - 6 * hourMs));
    for (const { asin, priceCents } of settled) assert.equal(prices.get(asin), priceCents, asin);
  });
});

test('two feeds are swept and polled in turn, and a row of both is one deal', async () => {
  const query = parseDealQuery(
    { dateRange: 3, isRangeEnabled: true, currentRange: [0, 4_000] },
    { domainId: 1, priceType: 2 },
  );
  const cheap = { name: 'cheap', query, screen: {} };
  await simulate({ ...plan, feeds: [usedFeed(), cheap] }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(2 * hourMs);
    const feeds = await simulation.store.reader.feeds();
    assert.deepEqual(
      feeds.map(({ name }) => name),
      ['used', 'cheap'],
    );
    for (const feed of feeds) {
      assert.ok(feed.lastSweepAtMs !== undefined && feed.lastHeadAtMs !== undefined, feed.name);
    }
    const [used, listedCheap] = feeds;
    assert.ok((listedCheap?.rows ?? 0) > 20);
    const { total, ended } = await simulation.store.reader.countByState();
    // A row that came since the first feed was read last may be known from the second one only.
    const added = total - ended - (used?.rows ?? 0);
    assert.ok(added >= 0 && added <= 3, `the second feed adds ${added} deals of its own`);
  });
});

test('rows that the screen rejects are stored and counted; a better price lifts that', async () => {
  const screened = { ...usedFeed(), screen: { maxPriceCents: 3_000 } };
  await simulate({ ...plan, feeds: [screened] }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(hourMs);
    const { store, clock } = simulation;
    const before = (await store.reader.deals({ states: ['rejected'] })).filter(({ reason }) =>
      reason?.startsWith('screen:'),
    );
    assert.ok(before.length > 20);
    assert.ok(before.every(({ reason }) => reason === 'screen:above-max-price'));
    await clock.advanceBy(8 * hourMs);
    const rejected = new Set(before.map(({ asin }) => asin));
    const screenedOut = (reason?: string): boolean => reason?.startsWith('screen:') === true;
    const lifted = (await store.reader.deals({ states: 'all' })).filter(
      ({ asin, state, reason }) => rejected.has(asin) && state !== 'ended' && !screenedOut(reason),
    );
    assert.ok(lifted.length > 0);
    // A verdict outlives a later price; what was not judged yet follows the screen.
    const waiting = lifted.filter(({ state }) => state === 'candidate');
    assert.ok(waiting.every(({ priceNowCents = 0 }) => priceNowCents <= 3_000));
  });
});
