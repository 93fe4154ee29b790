/**
 * Ways in which rows were ended by whoever had stopped looking at them.
 *
 * The whole daemon in virtual time, for a few hours: neither mode needs more. What has left the
 * list is asked of the simulated market; the numbers are those of `docs/failure-modes.md`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Feed } from '../../../src/actors/feed.ts';
import { parseDealQuery } from '../../../src/keepa/deal-query.ts';
import { endingsIn, WrongEndings } from '../outage.ts';
import { simulate, usedFeed } from '../simulated-daemon.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const ttlHours = 3;
const config = {
  sweepIntervalMs: 15 * minuteMs,
  retention: { ttlHours, purgeDays: 30 },
};

/** What fell within a day: rows leave this list all the time. */
function feedOfDay(): Feed {
  const query = parseDealQuery({ sortType: 4, dateRange: 0 }, { domainId: 1, priceType: 2 });
  return { name: 'used', query, screen: {} };
}

test('FM-43: hours of outage count for no row, it has its time to live after them', async () => {
  const market = { seed: 1, ratePerMinute: 20, rows: 250, repriceMeanHours: 6 };
  const options = { ...market, initialTokens: 1_200, feeds: [feedOfDay()], config };
  await simulate(options, async (simulation) => {
    const { clock, keepa } = simulation;
    await simulation.start();
    const { reader } = simulation.store;
    await clock.advanceBy(hourMs);
    keepa.setFaults(() => ({ kind: 'error-html' }));
    await clock.advanceBy((ttlHours + 1) * hourMs);
    keepa.setFaults(undefined);
    const healedAtMs = clock.now();
    const known = await reader.deals({ states: 'all' });
    const unseen = known.filter(
      ({ lastSeenAtMs, state }) =>
        state !== 'ended' && healedAtMs - lastSeenAtMs > ttlHours * hourMs,
    );
    assert.ok(unseen.length > 60, `${unseen.length} rows unseen for longer than they may live`);
    await clock.advanceBy((ttlHours - 1) * hourMs - 10 * minuteMs);
    const sweeps = await reader.completeSweeps({ feed: 'used', sinceMs: healedAtMs });
    assert.ok(sweeps.length > 3, `${sweeps.length} sweeps after the outage`);
    const early = endingsIn(simulation).filter(({ fields }) => fields.reason === 'not-seen');
    assert.deepEqual(early, []);
  });
});

test('FM-44: rows that the screen turned down are seen and kept like any other', async () => {
  const feed = { ...usedFeed(), screen: { minPercentBelowAverage: 55 } };
  const market = { seed: 1, ratePerMinute: 20, rows: 80, initialTokens: 300 };
  await simulate({ ...market, feeds: [feed], config }, async (simulation) => {
    const wrong = new WrongEndings(simulation);
    await simulation.start();
    await wrong.advance(2 * hourMs);
    const { rejected } = await simulation.store.reader.countByState();
    assert.ok(rejected > 5, `${rejected} rejected rows`);
    assert.equal(wrong.count, 0);
  });
});
