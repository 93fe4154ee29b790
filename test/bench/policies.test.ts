/**
 * Goal: the re-modelled rules do what the reports say of them, and keepa-deals none of it.
 *
 * Method: days on one simulated market, at the rates of the reports. A rule that did not fail as
 * recorded would be a straw man of another kind, and the comparison worth nothing.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tickMs } from '../../src/simulator/bucket.ts';
import { MarketTape } from './market-tape.ts';
import { keepaDeals } from './policies/keepa-deals.ts';
import { naive } from './policies/naive.ts';
import { priorityPass, threshold } from './policies/threshold.ts';
import { thresholdPair } from './policies/threshold-pair.ts';
import { waitWhenNegative } from './policies/wait-when-negative.ts';
import type { NamedPolicy } from './policy.ts';
import { type PolicyFigures, runPolicy } from './policy-run.ts';
import { longestFlightMs } from './targets.ts';

const startMs = Date.UTC(2026, 10, 1);
const hourMs = 3_600_000;
const tape = new MarketTape({ seed: 1, rows: 900, startMs, days: 2 });

function run(policy: NamedPolicy, rate: number, hours = 36): Promise<PolicyFigures> {
  return runPolicy({ policy, rate, tape, seed: 1, startMs, hours });
}

describe('the policies of the reports', () => {
  it('check then act gets thousands of 429s and debt; reading the answers, fewer', async () => {
    const [patient, hasty] = [await run(waitWhenNegative, 5), await run(naive, 5)];
    assert(hasty.refusals > 1_000, `${hasty.refusals} refusals`);
    assert(hasty.lowestBalance < -50, `lowest ${hasty.lowestBalance}`);
    assert(hasty.pollWaitMaxMs > hourMs / 2, 'half-hour blackouts');
    assert(patient.lowestBalance < -50, `lowest ${patient.lowestBalance}`);
    assert(patient.refusals > 0 && patient.refusals < hasty.refusals);
  });

  it('the threshold of 50 gets no 429 and keeps head polls waiting for hours', async () => {
    const { refusals, pollWaitMaxMs } = await run(threshold, 5);
    assert.equal(refusals, 0);
    assert(pollWaitMaxMs > 2 * hourMs, `${pollWaitMaxMs} ms`);
  });

  it('the pair 80 and 50 ends no second sweep at 5 tokens a minute, and many at 25', async () => {
    const [poor, rich] = [await run(thresholdPair, 5), await run(thresholdPair, 25, 12)];
    assert.equal(poor.sweeps, 1, 'the one from the bucket that was full at the start');
    assert(poor.ageP95Ms > 12 * hourMs, `p95 ${poor.ageP95Ms} ms`);
    assert(rich.sweeps > 60, `${rich.sweeps} sweeps`);
  });

  it('the priority pass spends all on small calls, and larger ones never go', async () => {
    const { judgedRows, refusals, usefulTokens, refilledTokens } = await run(priorityPass, 5);
    assert(judgedRows < tape.rows.length / 4, `${judgedRows} judged`);
    assert(refusals > 100, `${refusals} refusals`);
    assert(usefulTokens > 0.9 * refilledTokens, 'the small calls spend it all');
  });
});

describe('keepa-deals on the same market', () => {
  for (const rate of [1, 5, 20, 25, 60, 1_000]) {
    it(`polls in time and stays above 0 at ${rate} tokens a minute`, async () => {
      const { lowestBalance, refusals, pollWaitMaxMs, endedWrongly } = await run(
        keepaDeals,
        rate,
        18,
      );
      assert(lowestBalance >= 0, `lowest ${lowestBalance}`);
      assert.equal(refusals, 0);
      assert(pollWaitMaxMs <= tickMs + longestFlightMs, `waited ${pollWaitMaxMs} ms`);
      assert.equal(endedWrongly, 0);
    });
  }
});
