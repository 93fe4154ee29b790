/**
 * What a restart, a wait or an emptied directory once cost: pauses, repeated work, held locks.
 *
 * The whole daemon in virtual time. None of these modes is slow, so a few hours show them; the
 * numbers are those of `docs/failure-modes.md`.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { bargains } from '../outage.ts';
import { type Simulation, type SimulationOptions, simulate } from '../simulated-daemon.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** More rows than these tokens can judge within the test. */
const plan: SimulationOptions = {
  seed: 9,
  ratePerMinute: 5,
  rows: 250,
  feeds: [bargains()],
  config: { sweepIntervalMs: hourMs },
};

interface Yield {
  readonly spentTokens: number;
  readonly verdicts: number;
}

async function yieldOf({ keepa, store }: Simulation): Promise<Yield> {
  const spent = Object.values(keepa.requests.spentTokens);
  const { processed } = await store.reader.judgingTotals();
  return { spentTokens: spent.reduce((sum, tokens) => sum + tokens, 0), verdicts: processed };
}

async function threeHours(eachThird: (simulation: Simulation) => Promise<void>): Promise<Yield> {
  let reached: Yield | undefined;
  await simulate(plan, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(hourMs / 2);
    const before = await yieldOf(simulation);
    const endMs = simulation.clock.now() + 3 * hourMs;
    for (let third = 0; third < 9; third += 1) {
      await eachThird(simulation);
      await simulation.clock.advanceTo(endMs - (8 - third) * 20 * minuteMs);
    }
    const { spentTokens, verdicts } = await yieldOf(simulation);
    assert.equal(simulation.keepa.requests.refused, 0);
    assert.ok(simulation.keepa.requests.lowestBalance >= 0);
    reached = {
      spentTokens: spentTokens - before.spentTokens,
      verdicts: verdicts - before.verdicts,
    };
  });
  assert.ok(reached !== undefined);
  return reached;
}

test('FM-35, FM-60: three restarts an hour cost at most a twentieth of the yield', async () => {
  const undisturbed = await threeHours(() => Promise.resolve());
  const restarted = await threeHours(async (simulation) => {
    await simulation.stop();
    await simulation.start();
  });
  assert.ok(undisturbed.verdicts > 100, `${undisturbed.verdicts} verdicts`);
  for (const figure of ['spentTokens', 'verdicts'] as const) {
    assert.ok(
      restarted[figure] >= 0.95 * undisturbed[figure],
      `${figure}: ${restarted[figure]} with restarts, ${undisturbed[figure]} without`,
    );
  }
});

test('FM-60: with tokens at hand the first purchase leaves within a minute', async () => {
  await simulate({ ...plan, initialTokens: 30 }, async (simulation) => {
    for (let life = 0; life < 4; life += 1) {
      const before = (await yieldOnly(simulation)) ?? 0;
      await simulation.start();
      await simulation.clock.advanceBy(59_000);
      const after = (await yieldOnly(simulation)) ?? 0;
      assert.ok(after > before, `life ${life} bought nothing in its first minute`);
      await simulation.clock.advanceBy(10 * minuteMs);
      await simulation.stop();
      await simulation.clock.advanceBy(10 * minuteMs);
    }
  });
});

async function yieldOnly({ keepa }: Simulation): Promise<number> {
  return Object.values(keepa.requests.spentTokens).reduce((sum, tokens) => sum + tokens, 0);
}

test('FM-54: starts that follow each other closely show in the status', async () => {
  await simulate({ ...plan, rows: 40 }, async (simulation) => {
    for (let life = 1; life <= 3; life += 1) {
      await simulation.start();
      assert.equal((await simulation.status()).recentStarts, life);
      if (life < 3) await simulation.stop();
    }
    await simulation.clock.advanceBy(6 * minuteMs);
    assert.equal((await simulation.status()).recentStarts, 0);
  });
});

test('FM-20: while a debt is waited out others can write and a stop is quick', async () => {
  await simulate({ ...plan, initialTokens: -300 }, async (simulation) => {
    const daemon = await simulation.start();
    const other = new Database(join(simulation.directory, 'deals.sqlite'), { timeout: 0 });
    try {
      for (let minute = 0; minute < 55; minute += 1) {
        await simulation.clock.advanceBy(minuteMs);
        assert.equal((await simulation.status()).state, 'waiting');
        other.exec('BEGIN IMMEDIATE; ROLLBACK');
      }
    } finally {
      other.close();
    }
    let endedWith: number | undefined;
    void daemon.ended.then(({ code }) => {
      endedWith = code;
    });
    void daemon.stop('told to');
    await simulation.clock.advanceBy(1_000);
    assert.equal(endedWith, 0, 'it has not ended a second after it was told to');
    assert.equal(simulation.keepa.requests.byEndpoint.deal, 0);
  });
});

test('FM-38: a deleted database is built anew by ordinary sweeps, without a 429', async () => {
  await simulate({ ...plan, rows: 160 }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(1.5 * hourMs);
    await simulation.stop();
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(join(simulation.directory, `deals.sqlite${suffix}`), { force: true });
    }
    const { spentTokens } = simulation.keepa.requests;
    await simulation.start();
    const [feed] = await simulation.store.reader.feeds();
    assert.equal(feed?.lastSweepAtMs, undefined, 'the cursor went with the rows');
    await simulation.clock.advanceBy(40 * minuteMs);
    const deals = await simulation.store.reader.deals({ states: 'all' });
    const known = new Set(deals.map(({ asin }) => asin));
    const live = simulation.keepa.liveRows(simulation.clock.now() - 30 * minuteMs);
    assert.deepEqual(
      live.filter(({ asin }) => !known.has(asin)),
      [],
    );
    const paid = simulation.keepa.requests.spentTokens.deal - spentTokens.deal;
    // A sweep of two pages, and four head polls of one.
    assert.ok(paid > 0 && paid <= 34, `${paid} tokens for listings`);
    assert.equal(simulation.keepa.requests.refused, 0);
    assert.ok(simulation.keepa.requests.lowestBalance >= 0);
  });
});
