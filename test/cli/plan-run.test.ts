/**
 * Goal: what `plan` says is what would happen, and a larger plan is never worse (promise P14).
 * Method: the figures over all rates; the same plan lived through by the whole daemon on the
 * simulated Keepa, where every row and every request is real.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PlanFigures, type PlanQuestion, runPlan } from '../../src/cli/plan-run.ts';
import { Workload } from '../../src/cli/plan-workload.ts';
import { defaultShares } from '../../src/config.ts';
import { simulate } from '../simulation/simulated-daemon.ts';

const hourMs = 3_600_000;
const market = {
  rows: 750,
  feeds: 1,
  candidateShare: 1,
  acceptedShare: 0.1,
  newPerDayShare: 0.15,
  repriceHours: 12,
  sellersPerVerification: 0.5,
};
const question: PlanQuestion = {
  market,
  prices: { page: 5, history: 1, offers: 7, seller: 1 },
  backlog: 750,
  shares: defaultShares,
  sweepIntervalMs: 300_000,
  ttlMs: 72 * hourMs,
  learned: undefined,
};

/** Waits, where less is better, that a larger plan may not lengthen; never counts as for ever. */
function waitsOf({ sweepEveryMs, headEveryMs, p50Ms, p95Ms, backlogMs }: PlanFigures): number[] {
  return [sweepEveryMs, headEveryMs, p50Ms, p95Ms, backlogMs ?? Number.POSITIVE_INFINITY];
}

describe('a plan', () => {
  it('is better in nothing than one with more tokens a minute', async () => {
    let less: PlanFigures | undefined;
    for (const rate of [1, 2, 5, 10, 20, 25, 60, 250]) {
      const more = await runPlan(rate, question);
      if (less !== undefined) {
        assert.ok(more.judgedPerDay >= less.judgedPerDay, `judged at ${rate}`);
        assert.ok(more.verifiedPerDay >= less.verifiedPerDay, `verified at ${rate}`);
        assert.ok(more.isTtlHeld || !less.isTtlHeld, `TTL at ${rate}`);
        const before = waitsOf(less);
        for (const [at, wait] of waitsOf(more).entries()) {
          // Once the intervals are at their floors only the phase of ticks and sweeps is left.
          const limit = 1.02 * (before[at] ?? 0) + 1_000;
          assert.ok(wait <= limit, `${at}: ${wait} at ${rate} a minute, ${before[at]} at less`);
        }
      }
      less = more;
    }
  });

  it('gives the same figures every time', async () => {
    assert.deepEqual(await runPlan(5, question), await runPlan(5, question));
  });

  it('spends the income that it is computed from, and no more', async () => {
    const { judgedPerDay, verifiedPerDay, sweepEveryMs, headEveryMs } = await runPlan(5, question);
    const dayMs = 24 * hourMs;
    const judging = judgedPerDay + 7.5 * verifiedPerDay;
    // While candidates never end sweeps have their share and no more.
    assert.ok(judging <= 7_176 * 0.85, `${judging} tokens a day`);
    assert.ok(judging >= 7_176 * 0.5, `${judging} tokens a day`);
    const polls = (5 * dayMs) / headEveryMs;
    const sweeps = (5 * 6 * dayMs) / sweepEveryMs;
    assert.ok(polls + sweeps <= 1.02 * 7_176, `${polls} and ${sweeps} tokens a day`);
  });

  it('buys nothing for rows that no screen lets pass, nor a re-check when they go', async () => {
    const large = { ...market, rows: 3_000 };
    const few = { ...question, market: { ...large, candidateShare: 0.1 }, backlog: 300 };
    const [narrow, wide] = [
      await runPlan(5, few),
      await runPlan(5, { ...question, market: large }),
    ];
    assert.ok(narrow.sweepEveryMs < wide.sweepEveryMs / 2, `every ${narrow.sweepEveryMs} ms`);
    assert.ok((narrow.backlogMs ?? Number.NaN) < hourMs * 5, `done in ${narrow.backlogMs} ms`);
    const workload = new Workload(few.market, { nowMs: 0, backlog: 0, isEndless: false });
    workload.advance(24 * hourMs);
    assert.equal(workload.nextForRefresher()?.items, 3_000 * 0.15 * 0.1);
  });

  it('takes longer for dearer calls, and says when the TTL cannot be held', async () => {
    const dear = { ...question, prices: { ...question.prices, page: 20, offers: 14 } };
    const [cheap, costly] = [await runPlan(1, question), await runPlan(1, dear)];
    assert.ok(costly.sweepEveryMs > 2 * cheap.sweepEveryMs);
    assert.ok(costly.verifiedPerDay < cheap.verifiedPerDay);
    assert.equal(cheap.isTtlHeld, true);
    assert.equal((await runPlan(1, { ...question, ttlMs: 2 * hourMs })).isTtlHeld, false);
  });
});

describe('a plan and the whole daemon', () => {
  it('is lived through by the whole daemon at the same pace', async () => {
    const rows = 150;
    const lookedMs = 1.5 * hourMs;
    await simulate({ seed: 3, ratePerMinute: 5, rows, initialTokens: 5 }, async (simulation) => {
      await simulation.start();
      await simulation.clock.advanceBy(hourMs / 2);
      const sinceMs = simulation.clock.now();
      await simulation.clock.advanceBy(lookedMs);
      const { reader } = simulation.store;
      const groups = await reader.ledgerGroups(sinceMs);
      const bought = (purpose: string): number =>
        groups.filter((group) => group.purpose === purpose).reduce((n, { items }) => n + items, 0);
      const { accepted, processed } = await reader.judgingTotals();
      // Its candidates do not end in these hours, so it is the busy life that is compared.
      const lived = { ...market, rows, acceptedShare: accepted / processed };
      const figures = await runPlan(5, { ...question, market: lived, backlog: rows });
      const perHour = (perDay: number): number => perDay / 24;
      const judging = bought('history') + 7 * bought('verify');
      const planned = 1.5 * perHour(figures.judgedPerDay + 7 * figures.verifiedPerDay);
      assert.ok(judging > 0.7 * planned && judging < 1.3 * planned, `${judging} of ${planned}`);
      const polls = bought('head-poll');
      const plannedPolls = lookedMs / figures.headEveryMs;
      assert.ok(Math.abs(polls - plannedPolls) <= 2, `${polls} polls of ${plannedPolls}`);
    });
  });
});
