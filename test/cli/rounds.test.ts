/**
 * A few rounds of what `npm run crash` and `npm run duel` do fifty times: promises P1, P2 and P6
 * with real processes, on both kinds of coordination.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withoutRedis } from '../coordination/redis-process.ts';
import { aheadBy, crashRounds } from './crash-rounds.ts';
import { duelRounds, duelTimes } from './duel-rounds.ts';

test('(red) a checkpoint of what the store does not have is ahead of it', () => {
  const sweep = { number: 2, nextPage: 5 };
  const told = (number: number, page: number) => ({ sweep: number, page });
  assert.equal(aheadBy({ sweep, checkpoint: undefined }), 0, 'none is not');
  assert.equal(aheadBy({ sweep, checkpoint: told(1, 9) }), 0, 'nor is an older sweep');
  assert.equal(aheadBy({ sweep, checkpoint: told(2, 4) }), -1);
  assert.equal(aheadBy({ sweep, checkpoint: told(2, 6) }), 1);
  assert.equal(aheadBy({ sweep, checkpoint: told(3, 0) }), Number.POSITIVE_INFINITY);
  assert.equal(aheadBy({ sweep: undefined, checkpoint: told(1, 0) }), Number.POSITIVE_INFINITY);
});

for (const kept of ['embedded', 'redis'] as const) {
  const limits = { skip: kept === 'redis' ? withoutRedis : false, timeout: 300_000 };
  describe(`with leases ${kept}`, limits, () => {
    test('kill -9 loses no row, one response at most, and no checkpoint is ahead', async () => {
      const rounds = await crashRounds({ rounds: 4, seed: 7, kept, workMsMax: 2_000 });
      for (const [at, round] of rounds.entries()) {
        const { rowsLost, paidTwice, checkpointAhead } = round;
        assert.equal(rowsLost, 0, `round ${at + 1}`);
        assert.ok(paidTwice <= 1, `round ${at + 1}: ${paidTwice} responses`);
        assert.ok(checkpointAhead <= 0, `round ${at + 1}: ${checkpointAhead} pages ahead`);
      }
    });

    test('who wakes up after its lease ran out commits and buys nothing, and ends', async () => {
      const rounds = await duelRounds({ rounds: 3, seed: 7, kept });
      for (const { takeoverMs, commits, bought, refusedWrites, code } of rounds) {
        assert.ok(takeoverMs < duelTimes.ttlMs + 5_000, `${takeoverMs} ms to take over`);
        assert.deepEqual({ commits, bought, code }, { commits: 0, bought: 0, code: 1 });
        assert.ok(refusedWrites > 0, 'it tried');
      }
    });
  });
}
