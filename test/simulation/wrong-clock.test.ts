/**
 * Goal: a system clock that is wrong by years, at the start or from one minute to the next, is
 * said, ends and purges nothing, and gives no negative age; set right, all goes on by itself.
 * Method: the whole daemon in virtual time; Keepa's clock stays right.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusReport } from '../../src/status/report-fields.ts';
import { bargains, endedRows } from './outage.ts';
import { type Simulation, type SimulationOptions, simulate } from './simulated-daemon.ts';

const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;

const plan: SimulationOptions = {
  seed: 9,
  ratePerMinute: 5,
  coordination: 'memory',
  rows: 40,
  feeds: [bargains()],
  config: { retention: { ttlHours: 24, purgeDays: 30 } },
};

/** Every span of the report: an age that is negative would be a date taken for a fact. */
function agesIn(report: StatusReport): readonly number[] {
  const { freshness, classes, leases } = report;
  const waits = Object.values(classes).flatMap((one) => [one.oldestWaitMs, one.longestWaitMs]);
  const spans = [...Object.values(freshness), ...waits, ...leases.map((one) => one.remainingMs)];
  return spans.filter((span) => span !== null);
}

async function assertDoubted(simulation: Simulation, side: RegExp): Promise<void> {
  const report = await simulation.status();
  assert.equal(report.state, 'degraded', report.reason);
  assert.match(report.reason, side);
  for (const age of agesIn(report)) assert.ok(age >= 0, `an age of ${age} ms`);
  const told = simulation.log.said.filter(({ event }) => event === 'clock-wrong');
  assert.equal(told.length, 1, 'said once, not with every answer');
}

/** Afterwards the table holds a row that has ended, and could be purged. */
async function workUntilOneEnded(simulation: Simulation): Promise<void> {
  await simulation.start();
  while ((await simulation.store.reader.countByState()).ended === 0) {
    await simulation.clock.advanceBy(hourMs);
  }
}

for (const [year, offsetMs, side] of [
  ['2019', -7 * yearMs, /7 years behind/],
  ['2035', 9 * yearMs, /9 years ahead of/],
] as const) {
  test(`a step to ${year} while it runs is said, and ends and purges nothing`, async () => {
    await simulate(plan, async (simulation) => {
      await workUntilOneEnded(simulation);
      const before = await simulation.store.reader.countByState();
      const endedBefore = endedRows(simulation);
      simulation.clock.stepWall(offsetMs);
      await simulation.clock.advanceBy(3 * hourMs);
      await assertDoubted(simulation, side);
      const during = await simulation.store.reader.countByState();
      assert.equal(during.total, before.total, 'nothing is purged, and nothing undated is stored');
      assert.equal(endedRows(simulation), endedBefore, 'nothing ends');
      simulation.clock.stepWall(-offsetMs);
      await simulation.clock.advanceBy(3 * hourMs);
      const { state, reason, clockOffsetMs } = await simulation.status();
      assert.ok(state === 'running' || state === 'waiting', `${state}: ${reason}`);
      assert.ok(Math.abs(clockOffsetMs ?? Number.NaN) < 60_000);
      const after = await simulation.store.reader.countByState();
      assert.ok(after.total > before.total, 'new rows are stored again');
      const [feed] = await simulation.store.reader.feeds();
      assert.ok(simulation.clock.now() - (feed?.lastSweepAtMs ?? 0) < hourMs, 'sweeps go on');
    });
  });

  test(`a start in ${year} on today's table is said, and ends and purges nothing`, async () => {
    await simulate(plan, async (simulation) => {
      await workUntilOneEnded(simulation);
      const before = await simulation.store.reader.countByState();
      const endedBefore = endedRows(simulation);
      await simulation.stop();
      simulation.clock.stepWall(offsetMs);
      await simulation.start();
      await simulation.clock.advanceBy(3 * hourMs);
      await assertDoubted(simulation, side);
      const during = await simulation.store.reader.countByState();
      assert.equal(during.total, before.total);
      assert.equal(endedRows(simulation), endedBefore);
    });
  });
}

test('sweeps dated two hours ahead prove nothing when the clock comes by', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(3 * hourMs);
    simulation.clock.stepWall(2 * hourMs);
    await simulation.clock.advanceBy(1.5 * hourMs);
    simulation.keepa.setFaults(() => ({ kind: 'error-html' }));
    await simulation.clock.advanceBy(0.1 * hourMs);
    simulation.clock.stepWall(-2 * hourMs);
    const before = (await simulation.store.reader.healthyTime()).totalMs;
    assert.ok(before > hourMs, `${before} ms are healthy before`);
    await simulation.clock.advanceBy(4 * hourMs);
    assert.equal((await simulation.store.reader.healthyTime()).totalMs, before);
  });
});
