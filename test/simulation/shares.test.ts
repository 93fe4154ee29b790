/**
 * What `shares-report.ts` prints for a day, in short: shares, bounds, waste and the floor of a
 * saturated broker (promises P3, P4 and P5).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type SaturationOptions, saturate } from './saturation.ts';
import { judge, warmUpHoursFor } from './shares-claims.ts';

/** Within an hour or two a call under way at either end weighs more than in a day. */
const toleranceOfHours = { percent: 3, calls: 2 };

type Case = Omit<SaturationOptions, 'ratePerMinute' | 'hours'>;

const hoursAt: readonly (readonly [number, number])[] = [
  [1, 48],
  [5, 8],
  [25, 3],
  [60, 1],
  [250, 1.5],
];

async function assertClaims(name: string, options: Case, plans = hoursAt): Promise<void> {
  for (const [ratePerMinute, hours] of plans) {
    const run = { ...options, ratePerMinute, hours };
    const figures = await saturate({ ...run, warmUpHours: warmUpHoursFor(ratePerMinute) });
    const { broken } = judge(figures, run, toleranceOfHours);
    assert.deepEqual(broken, [], `${name} at ${ratePerMinute} a minute`);
  }
}

describe('with saturated classes, from 1 to 250 tokens a minute', () => {
  it('everybody gets its share, in time, and nothing expires', async () => {
    await assertClaims('everybody', {});
  });

  it('hours of slow calls that keep the channel busy cost nobody a part of its share', async () => {
    const [ratePerMinute, hours] = [250, 3];
    const run = { ratePerMinute, hours, seed: 6 };
    const figures = await saturate({ ...run, warmUpHours: 2 });
    assert.deepEqual(judge(figures, run, { percent: 1, calls: 2 }).broken, []);
  });

  it('heads are polled in time beside a backfill and an upsert that always want more', async () => {
    await assertClaims('upsert and backfill', { crowd: 'upsert and backfill' });
  });

  for (const holdsCost of [2, 4]) {
    it(`shares and bounds hold with calls at ${holdsCost} times their hold`, async () => {
      // In a bucket of 60 tokens the classes then save for 24 + 10 + 24 or 48 + 20 + 48 and more.
      await assertClaims(`${holdsCost} times`, { holdsCost });
    });
  }

  for (const [name, strangerTakes] of [
    ['a fifth', 1 / 5],
    ['a third', 1 / 3],
    ['half', 1 / 2],
  ] as const) {
    it(`shares and bounds hold while a stranger takes ${name} of the refill`, async () => {
      await assertClaims(name, { strangerTakes });
    });
  }
});

describe('with prices that nobody documented (promise P5)', () => {
  for (const factor of [0.4, 0.7, 1.6, 4]) {
    it(`no class waits for tokens that its calls never cost, at ${factor} times`, async () => {
      // Not at 250 a minute: with cheap calls the channel is full before the tokens are spent.
      const plans = hoursAt.filter(([ratePerMinute]) => ratePerMinute < 250);
      await assertClaims(`${factor} times`, { priceFactor: () => factor }, plans);
    });
  }

  it('prices that rise fourfold and fall again cost one debt per shape, and no share', async () => {
    const options: SaturationOptions = {
      ratePerMinute: 25,
      hours: 12,
      warmUpHours: 18,
      priceFactor: (hour) => (hour >= 2 && hour < 5 ? 3 : 0.5),
    };
    const figures = await saturate(options);
    assert.deepEqual(judge(figures, options).broken, []);
    const late = figures.ledger.filter(({ atMs }) => atMs >= figures.measuredFromMs);
    const bought = late.filter(({ costTokens }) => costTokens > 0);
    const held = bought.reduce((sum, { holdTokens }) => sum + holdTokens, 0);
    const paid = bought.reduce((sum, { costTokens }) => sum + costTokens, 0);
    assert.ok(
      held <= 2.1 * paid,
      `${held} held for ${paid}: the documented price is twice the true`,
    );
  });
});
