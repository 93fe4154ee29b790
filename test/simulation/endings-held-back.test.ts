/**
 * What holds endings back, in virtual time: outages, short answers, edited queries, and too many at
 * once (promise P8).
 *
 * In most scenarios every re-check fails, so that only the rule under test stands between the rows
 * and their end.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultHook } from '../../src/simulator/faults.ts';
import {
  calm,
  completeSweeps,
  hourMs,
  minuteMs,
  onlyRows,
  said,
  simulate,
  worthless,
} from './ending-scenarios.ts';
import { endedRows, runOutage } from './outage.ts';
import type { Simulation } from './simulated-daemon.ts';

for (const fault of ['error-html', 'silence'] as const) {
  test(`30 hours of ${fault}: nothing ends, and afterwards all is re-seen first`, async () => {
    const figures = await runOutage({
      seed: 5,
      ratePerMinute: 5,
      rows: 140,
      warmUpHours: 8,
      outageHours: 30,
      afterHours: 4,
      fault,
      ...calm,
    });
    assert.ok(figures.endedBefore > 0, 'rows end while all is well');
    assert.equal(figures.endedDuring, 0);
    assert.equal(figures.heldDuring, 0);
    assert.ok(figures.healthyMsDuring < hourMs, `${figures.healthyMsDuring} ms of it healthy`);
    assert.equal(figures.gapsDuring, 1);
    assert.match(figures.suspendedDuring ?? '', /^no complete sweep since/);
    assert.ok(figures.firstEndingMs !== undefined, 'what left meanwhile ends afterwards');
    assert.ok(figures.firstEndingMs >= figures.firstSweepMs);
    assert.equal(figures.unseenAtFirstEnding, 0);
    assert.ok(figures.gapClosedMs !== undefined && figures.gapClosedMs <= figures.firstEndingMs);
    assert.equal(figures.endedWrongly, 0);
    assert.equal(figures.lateSweeps, 0);
  });
}

test('a feed that suddenly lists a third is reported per sweep, and nothing ends', async () => {
  await simulate({ feeds: [worthless()] }, async (simulation) => {
    await simulation.start();
    // Between two sweeps: one that ends as the supply falls may count on either side.
    await simulation.clock.advanceBy(6 * hourMs + 10 * minuteMs);
    const before = endedRows(simulation);
    const [feed] = await simulation.store.reader.feeds();
    const sweepsBefore = await completeSweeps(simulation);
    simulation.keepa.setFaults(onlyRows(Math.floor((feed?.rows ?? 0) / 3)));
    // The alarm lasts until such sweeps are half of those that the store remembers.
    await simulation.clock.advanceBy(4 * hourMs);
    const sweeps = (await completeSweeps(simulation)) - sweepsBefore;
    const warned = said(simulation, 'supply-fell').length;
    assert.ok(sweeps > 10 && Math.abs(warned - sweeps) <= 1, `${warned} for ${sweeps} sweeps`);
    const report = await simulation.status();
    assert.match(report.feeds[0]?.suspended ?? '', /^the last sweep lists \d+ rows, the median/);
    assert.equal(report.deals.held, 0);
    assert.ok(endedRows(simulation) - before <= 1, 'but for a sweep that was whole');
    simulation.keepa.setFaults(undefined);
    await simulation.clock.advanceBy(hourMs);
    assert.equal((await simulation.status()).feeds[0]?.suspended, null);
  });
});

async function liveUnknown({ store, keepa, clock }: Simulation, sinceMs: number) {
  const deals = await store.reader.deals({ states: 'all', withHeld: true });
  const seen = new Map(deals.map((deal) => [deal.asin, deal.lastSeenAtMs]));
  return keepa.liveRows(clock.now()).filter(({ asin }) => (seen.get(asin) ?? 0) < sinceMs);
}

test('more than a fifth at once is held, hidden, counted, and let go when seen again', async () => {
  await simulate({ ratePerMinute: 60, feeds: [worthless()] }, async (simulation) => {
    const before = await endedAfterShortening(simulation, onlyRows);
    const held = await untilHeld(simulation);
    const [feed] = await simulation.store.reader.feeds();
    assert.ok(held > 0.2 * (feed?.rows ?? 0), `${held} rows held`);
    assert.ok(endedRows(simulation) - before <= 3, 'what was held did not end');
    assert.equal(said(simulation, 'endings-held').length, 1);
    const { reader } = simulation.store;
    const all = await reader.deals({ states: 'all', withHeld: true });
    assert.equal(all.length - (await reader.deals({ states: 'all' })).length, held);
    simulation.keepa.setFaults(undefined);
    await simulation.clock.advanceBy(hourMs);
    assert.equal((await simulation.status()).deals.held, 0);
    assert.deepEqual(await liveUnknown(simulation, simulation.clock.now() - hourMs), []);
    const { ended } = await reader.countByState();
    assert.ok(ended < 0.2 * all.length, `${ended} of ${all.length} ended`);
  });
});

async function untilHeld(simulation: Simulation): Promise<number> {
  for (let minute = 0; minute < 8 * 60; minute += 1) {
    await simulation.clock.advanceBy(minuteMs);
    const held = await simulation.store.reader.heldRows();
    if (held > 0) return held;
  }
  throw new Error('nothing was held within 8 hours');
}

test('held rows end after a re-check of their own', async () => {
  await simulate({ ratePerMinute: 60, feeds: [worthless()] }, async (simulation) => {
    const before = await endedAfterShortening(simulation, onlyRows);
    const held = await untilHeld(simulation);
    await simulation.clock.advanceBy(hourMs);
    const ended = endedRows(simulation) - before;
    assert.ok(ended >= 0.8 * held, `${ended} of ${held} held rows have ended`);
    assert.equal(await simulation.store.reader.heldRows(), 0);
  });
});

test('held rows that no re-check decides wait for somebody to say yes', async () => {
  await simulate({ ratePerMinute: 60, feeds: [worthless()] }, async (simulation) => {
    let isProductDown = false;
    const before = await endedAfterShortening(simulation, (rows) => (request, nowMs) => {
      if (!isProductDown || request.path !== '/product') return onlyRows(rows)(request, nowMs);
      return { kind: 'partial', every: 1 };
    });
    // Time for the first sweep that lacks them, and for the re-checks that make them due.
    await simulation.clock.advanceBy(30 * minuteMs);
    isProductDown = true;
    const held = await untilHeld(simulation);
    await simulation.clock.advanceBy(2 * hourMs);
    assert.ok(endedRows(simulation) - before <= 2, 'nobody said yes, and no re-check came');
    const waiting = await simulation.store.reader.heldRows();
    assert.ok(waiting >= 0.8 * held, `${waiting} of ${held} are still held`);
    const fence = await simulation.store.reader.newestFence();
    await simulation.store.writer(fence).confirmHeld();
    await simulation.clock.advanceBy(hourMs);
    const ended = endedRows(simulation) - before;
    assert.ok(ended >= 0.8 * waiting, `${ended} of ${waiting} held rows have ended`);
  });
});

/** Three good hours, then sweeps of two thirds of the rows; returns how many have ended so far. */
async function endedAfterShortening(
  simulation: Simulation,
  shortened: (rows: number) => FaultHook,
): Promise<number> {
  await simulation.start();
  await simulation.clock.advanceBy(3 * hourMs);
  const [feed] = await simulation.store.reader.feeds();
  simulation.keepa.setFaults(shortened(Math.ceil((feed?.rows ?? 0) * 0.65)));
  return endedRows(simulation);
}

test('a query edited to list far less ends nothing, and status says why', async () => {
  await simulate({ feeds: [worthless()] }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(6 * hourMs);
    const before = endedRows(simulation);
    const { total } = await simulation.store.reader.countByState();
    await simulation.stop();
    simulation.useFeeds([worthless({ isRangeEnabled: true, currentRange: [0, 2_500] })]);
    await simulation.start();
    await simulation.clock.advanceBy(4 * hourMs);
    const [feed] = (await simulation.status()).feeds;
    assert.ok((feed?.lastSweepRows ?? total) < total / 2, `${feed?.lastSweepRows} of ${total}`);
    assert.match(feed?.suspended ?? '', /^the last sweep lists/);
    assert.equal(endedRows(simulation), before);
    assert.equal((await simulation.status()).deals.held, 0);
  });
});
