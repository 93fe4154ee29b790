/**
 * The composed daemon in virtual time: what it does over hours, and at its edges.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityOf } from '../../src/actors/feed.ts';
import type { Ending } from '../../src/daemon-contract.ts';
import type { FaultHook } from '../../src/simulator/faults.ts';
import { type Simulation, simulate, usedFeed } from './simulated-daemon.ts';
import { runSteady } from './steady.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const plan = { seed: 7, ratePerMinute: 5, rows: 400 };

function lastSweep({ store }: Simulation) {
  return store.reader.lastSweep(identityOf(usedFeed()));
}

test('six hours at 5 tokens a minute: no 429, never below zero, every live row known', async () => {
  const figures = await runSteady({ seed: 3, ratePerMinute: 5, rows: 750, hours: 6 });
  assert.equal(figures.refusals, 0);
  assert.ok(figures.lowestBalance >= 0, `lowest balance ${figures.lowestBalance}`);
  assert.equal(figures.expiredTokens, 0);
  assert.equal(figures.unknownAfterFirstSweep, 0);
  assert.equal(figures.unexplainedTokens, 0);
  assert.ok(figures.ageP95Ms <= 25 * minuteMs, `p95 ${figures.ageP95Ms}`);
  assert.ok((figures.spentByClass.head ?? 0) > 0 && (figures.spentByClass.backfill ?? 0) > 0);
});

test('an empty bucket is waited out: the first token spent is one that has arrived', async () => {
  await simulate({ ...plan, initialTokens: 0 }, async (simulation) => {
    await simulation.start();
    const waiting = await simulation.status();
    assert.equal(waiting.state, 'waiting');
    assert.ok(waiting.nextActionAt !== null, 'a wait has a clock time');
    await simulation.clock.advanceBy(2 * hourMs);
    const { refused, lowestBalance } = simulation.keepa.requests;
    assert.equal(refused, 0);
    assert.ok(lowestBalance >= 0);
    const spent = spentTokens(simulation);
    assert.ok(spent > 500, `${spent} of 600 tokens spent`);
  });
});

test('who stands by is seen for as long as it does, and not afterwards', async () => {
  const config = { standby: true };
  await simulate({ ...plan, rows: 50, config, coordination: 'memory' }, async (simulation) => {
    await simulation.start();
    const second = await simulation.startBeside();
    const seen = async () =>
      (await simulation.status()).leases.filter(({ name }) => name === 'standby').length;
    for (let quarter = 0; quarter < 3; quarter += 1) {
      await simulation.clock.advanceBy(15 * minuteMs);
      assert.equal(await seen(), 1, `after ${quarter + 1} quarters of an hour`);
    }
    await Promise.all([second.stop('told to'), simulation.clock.advanceBy(minuteMs)]);
    assert.equal(await seen(), 0);
  });
});

test('a stop in the middle of a sweep resumes at the page after the last stored one', async () => {
  await simulate({ ...plan, rows: 3_000, initialTokens: 35 }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(3 * minuteMs);
    const before = await lastSweep(simulation);
    assert.ok(before !== undefined && before.endedAtMs === undefined && before.nextPage > 2);
    await simulation.stop();
    const spent = simulation.keepa.requests.spentTokens.deal;
    await simulation.start();
    const after = await lastSweep(simulation);
    // In its first second it may have bought the next page already.
    assert.equal(after?.number, before.number);
    assert.ok(after.nextPage >= before.nextPage, `page ${after.nextPage} after a restart`);
    await simulation.clock.advanceBy(5 * minuteMs);
    const pages = (await lastSweep(simulation))?.nextPage ?? 0;
    const polls = await headPolls(simulation);
    const bought = (simulation.keepa.requests.spentTokens.deal - spent) / 5;
    assert.ok(pages - before.nextPage <= bought, 'no page is skipped');
    assert.ok(bought <= pages - before.nextPage + polls, 'no page is bought twice');
  });
});

/** What the simulated Keepa has taken, for calls of all kinds. */
function spentTokens({ keepa }: Simulation): number {
  return Object.values(keepa.requests.spentTokens).reduce((sum, tokens) => sum + tokens, 0);
}

async function headPolls({ store }: Simulation): Promise<number> {
  const requests = await store.reader.recentRequests(10_000);
  return requests.filter(({ purpose }) => purpose === 'head-poll').length;
}

test('failed, refused and garbled answers end no sweep and lose no row', async () => {
  let requests = 0;
  const faults: FaultHook = () => {
    requests += 1;
    const kinds = ['refused', 'error-html', 'reset-before', 'silence', 'error-json'] as const;
    const kind = kinds[requests % 10];
    return kind === undefined ? undefined : { kind };
  };
  await simulate({ ...plan, ratePerMinute: 60 }, async (simulation) => {
    simulation.keepa.setFaults(faults);
    await simulation.start();
    await simulation.clock.advanceBy(3 * hourMs);
    simulation.keepa.setFaults(undefined);
    await simulation.clock.advanceBy(hourMs);
    const known = new Set(
      (await simulation.store.reader.deals({ states: 'all' })).map(({ asin }) => asin),
    );
    const live = simulation.keepa.liveRows(simulation.clock.now());
    assert.deepEqual(
      live.filter(({ asin }) => !known.has(asin)),
      [],
    );
    const sweep = await lastSweep(simulation);
    assert.ok(sweep !== undefined && sweep.number > 3);
    const events = new Set(simulation.log.said.map(({ event }) => event));
    assert.ok(events.has('unanswered') && events.has('answered-again'));
  });
});

test('a feed beyond the limit of the API is swept in price bands, as partial', async () => {
  // Nothing passes the screen: looks at live offers would fill the channel for an hour.
  const feeds = [{ ...usedFeed(), screen: { maxPriceCents: 1 } }];
  await simulate({ ...plan, feeds, rows: 11_000, ratePerMinute: 1_000 }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(8 * minuteMs);
    const bands = await simulation.store.reader.priceBands(identityOf(usedFeed()));
    assert.equal(bands.length, 2);
    assert.equal((bands[0]?.highCents ?? 0) + 1, bands[1]?.lowCents);
    const [feed] = await simulation.store.reader.feeds();
    assert.equal(feed?.isPartial, true);
    const { total } = await simulation.store.reader.countByState();
    assert.ok(total >= 10_900, `${total} rows`);
  });
});

test('a slow sweep starts over, and sweeps end again after an outage', async () => {
  await simulate({ ...plan, ratePerMinute: 20 }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(20 * minuteMs);
    const before = (await lastSweep(simulation))?.number ?? 0;
    simulation.keepa.setFaults(() => ({ kind: 'error-html' }));
    await simulation.clock.advanceBy(6 * hourMs);
    simulation.keepa.setFaults(undefined);
    await simulation.clock.advanceBy(hourMs);
    const slow = simulation.log.said.filter(({ event }) => event === 'sweep-slow');
    assert.ok(slow.length > 0, 'the outage makes a sweep slow');
    const after = await lastSweep(simulation);
    assert.ok((after?.number ?? 0) > before + 2, `${after?.number} sweeps after ${before}`);
  });
});

test('a refused key ends the daemon with 77, and no token is asked for', async () => {
  await simulate(plan, async (simulation) => {
    simulation.useKey('another-key');
    const daemon = await simulation.start();
    await simulation.clock.advanceBy(minuteMs);
    const ending: Ending = await daemon.ended;
    assert.equal(ending.code, 77);
    assert.equal(simulation.keepa.requests.byEndpoint.deal, 0);
  });
});

test('a second daemon on the same store ends with 75 and names the first', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    const second = await simulation.startBeside();
    const { code, reason } = await second.ended;
    assert.equal(code, 75);
    assert.match(reason, /already running: process 1001/);
  });
});

test('a daemon that was taken over ends at its first refused write, with 1', async () => {
  await simulate(plan, async (simulation) => {
    const daemon = await simulation.start();
    await simulation.clock.advanceBy(20 * minuteMs);
    await simulation.store.writer(99).adoptFence();
    await simulation.clock.advanceBy(30 * minuteMs);
    const { code, reason } = await daemon.ended;
    assert.equal(code, 1);
    assert.match(reason, /fence 99 has taken over/);
    const paid = simulation.keepa.requests.spentTokens.deal;
    await simulation.clock.advanceBy(hourMs);
    assert.equal(simulation.keepa.requests.spentTokens.deal, paid, 'nothing more is bought');
  });
});

test('a page of rows in an unknown shape ends no sweep, and is said', async () => {
  const dr = Array.from({ length: 140 }, () => ({ asin: 'B000000001', current: 'none' }));
  await simulate({ ...plan, ratePerMinute: 60 }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(20 * minuteMs);
    const [before] = await simulation.store.reader.feeds();
    simulation.keepa.setFaults(() => ({ kind: 'payload', fields: { deals: { dr } } }));
    await simulation.clock.advanceBy(2 * hourMs);
    const [after] = await simulation.store.reader.feeds();
    assert.equal(after?.lastSweepAtMs, before?.lastSweepAtMs);
    assert.ok((after?.lastSweepRows ?? 0) > 300);
    assert.ok(simulation.log.said.some(({ fields }) => /cannot be read/.test(`${fields.why}`)));
  });
});

test('total is the sum over the states, and the ledger adds up to what Keepa took', async () => {
  await simulate({ ...plan, ratePerMinute: 20 }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(6 * hourMs);
    const { total, ...states } = await simulation.store.reader.countByState();
    assert.equal(
      Object.values(states).reduce((sum, count) => sum + count, 0),
      total,
    );
    const { tokens } = await simulation.store.reader.spentSince(0);
    assert.equal(tokens, spentTokens(simulation));
  });
});
