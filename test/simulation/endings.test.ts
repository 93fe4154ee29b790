/**
 * How rows end, in virtual time: those that are gone do, and nothing else ever does (promises P8
 * and P9).
 *
 * Every scenario runs the whole daemon against the simulated market, which knows what is truly
 * listed.
 */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  completeSweeps,
  hourMs,
  minuteMs,
  simulate,
  sweepPageOf,
  worthless,
} from './ending-scenarios.ts';
import { bargains, endedRows, endingsIn, WrongEndings } from './outage.ts';
import type { Simulation } from './simulated-daemon.ts';

const dayMs = 24 * hourMs;

/** Not seen for four hours of healthy time, a row ends. */
const fourHours = { retention: { ttlHours: 4, purgeDays: 30 } };

test('rows that left the market end, with reason and age in the log, and no others', async () => {
  await simulate({}, async (simulation) => {
    await simulation.start();
    const wrong = new WrongEndings(simulation);
    await wrong.advance(20 * hourMs);
    const endings = endingsIn(simulation);
    assert.ok(endings.length >= 8, `${endings.length} endings`);
    assert.equal(wrong.count, 0);
    for (const { fields } of endings) {
      assert.deepEqual([fields.reason, fields.feed], ['absent', 'used']);
      assert.ok(Number(fields.unseenMinutes) > 0);
      const past = await simulation.store.reader.past({ domainId: 1, asin: String(fields.asin) });
      const checked = past.filter(({ text }) => text.includes('still passes'));
      assert.ok(checked.length > 0, `${fields.asin} was re-checked before it ended`);
    }
    const nowMs = simulation.clock.now();
    const live = new Set(simulation.keepa.liveRows(nowMs).map(({ asin }) => asin));
    const deals = await simulation.store.reader.deals({ states: 'all', withHeld: true });
    const stale = deals.filter(
      ({ asin, state, lastSeenAtMs }) =>
        state !== 'ended' && !live.has(asin) && lastSeenAtMs < nowMs - 3 * hourMs,
    );
    assert.deepEqual(stale, [], 'what left three hours ago has ended');
    const { total, ...states } = await simulation.store.reader.countByState();
    assert.equal(
      Object.values(states).reduce((sum, rows) => sum + rows, 0),
      total,
    );
  });
});

test('a re-check that fails, or brings nothing, ends nothing and rejects nothing', async () => {
  await simulate({}, async (simulation) => {
    let asked = 0;
    simulation.keepa.setFaults(({ path }) => {
      if (path !== '/product') return undefined;
      asked += 1;
      return asked % 2 === 0 ? { kind: 'error-json' } : { kind: 'partial', every: 1 };
    });
    await simulation.start();
    await simulation.clock.advanceBy(5 * hourMs);
    assert.equal(endedRows(simulation), 0);
    const { judging } = await simulation.status();
    assert.ok(judging.retries > 0);
    assert.equal(judging.processed, judging.retries);
    simulation.keepa.setFaults(undefined);
    await simulation.clock.advanceBy(6 * hourMs);
    assert.ok(endedRows(simulation) >= 3, `${endedRows(simulation)} ended afterwards`);
  });
});

test('after a week of being down nothing ends until the feed is swept twice', async () => {
  await simulate({ config: fourHours }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(6 * hourMs);
    await simulation.stop();
    const before = endedRows(simulation);
    await simulation.clock.advanceBy(7 * dayMs);
    const startedAtMs = simulation.clock.now();
    await simulation.start();
    assert.equal((await simulation.status()).gaps.length, 1);
    await untilSwept(simulation, startedAtMs);
    assert.equal(endedRows(simulation), before, 'one sweep proves no absence');
    assert.equal((await simulation.status()).deals.held, 0);
    await simulation.clock.advanceBy(hourMs);
    const unseen = endingsIn(simulation).slice(before);
    assert.ok(
      unseen.every(({ fields }) => fields.reason === 'absent'),
      'no time to live ran out',
    );
    assert.deepEqual((await simulation.status()).gaps, []);
  });
});

test('of a restored database nothing ends by its age, nor before it is swept twice', async () => {
  await simulate({ config: fourHours }, async (simulation) => {
    const path = join(simulation.directory, 'deals.sqlite');
    await simulation.start();
    await simulation.clock.advanceBy(5 * hourMs);
    await simulation.stop();
    copyFileSync(path, `${path}.backup`);
    await simulation.start();
    await simulation.clock.advanceBy(12 * hourMs);
    await simulation.stop();
    copyFileSync(`${path}.backup`, path);
    const before = endedRows(simulation);
    const startedAtMs = simulation.clock.now();
    await simulation.start();
    await untilSwept(simulation, startedAtMs);
    assert.equal(endedRows(simulation), before);
    await simulation.clock.advanceBy(hourMs);
    const later = endingsIn(simulation).slice(before);
    assert.ok(later.every(({ fields }) => fields.reason === 'absent'));
  });
});

/** Until the first sweep that began after `sinceMs` has been complete for a few minutes. */
async function untilSwept(simulation: Simulation, sinceMs: number): Promise<void> {
  for (let minute = 0; minute < 10 * 60; minute += 1) {
    const [last] = await simulation.store.reader.completeSweeps({ feed: 'used', sinceMs });
    if (last !== undefined) break;
    await simulation.clock.advanceBy(minuteMs);
  }
  await simulation.clock.advanceBy(2 * minuteMs);
}

test('with no completed sweep no row ends, whatever its time to live', async () => {
  const config = { retention: { ttlHours: 1, purgeDays: 30 } };
  await simulate({ rows: 400, feeds: [worthless()], config }, async (simulation) => {
    simulation.keepa.setFaults((request) =>
      (sweepPageOf(request) ?? 0) > 0 ? { kind: 'error-json' } : undefined,
    );
    await simulation.start();
    await simulation.clock.advanceBy(12 * hourMs);
    assert.equal(await completeSweeps(simulation), 0);
    const { total, ended } = await simulation.store.reader.countByState();
    assert.ok(total > 150, `${total} rows`);
    assert.deepEqual([ended, await simulation.store.reader.heldRows()], [0, 0]);
    assert.equal((await simulation.store.reader.healthyTime()).totalMs, 0);
  });
});

test('a row that passes but is not listed ends by its time to live, in healthy time', async () => {
  const config = { retention: { ttlHours: 4, purgeDays: 30 } };
  const feed = { ...bargains(), screen: {} };
  await simulate({ feeds: [feed], config }, async (simulation) => {
    await simulation.start();
    const wrong = new WrongEndings(simulation);
    await wrong.advance(3 * hourMs);
    simulation.keepa.setFaults(() => ({ kind: 'error-html' }));
    await wrong.advance(8 * hourMs);
    simulation.keepa.setFaults(undefined);
    const healedAtMs = simulation.clock.now();
    await wrong.advance(7 * hourMs);
    const endings = endingsIn(simulation);
    assert.ok(endings.length >= 3, `${endings.length} endings`);
    assert.equal(wrong.count, 0);
    const wallHours = (simulation.clock.now() - healedAtMs) / hourMs;
    for (const { fields } of endings) {
      assert.equal(fields.reason, 'not-seen');
      const unseenHours = Number(fields.unseenMinutes) / 60;
      // The eight hours of outage are no part of the four.
      assert.ok(
        unseenHours > 3.5 && (unseenHours < wallHours || unseenHours > 11.5),
        `${unseenHours}`,
      );
    }
  });
});
