/**
 * The pair 80 and 50: the rule of the third report ("the backfiller waited for 80 tokens while the
 * upserter kept the balance below 60, for ever").
 *
 * What is fresh goes at 50, sweeps and all other bulk at 80. Its upserter asked every minute, as
 * the predecessor's did: the report is about just that, and at 5 tokens a minute it is all there
 * is.
 */
import type { BenchActor, NamedPolicy } from '../policy.ts';
import { FourWorkers, predecessorBatch } from './four-workers.ts';
import { SharedBalance } from './shared-balance.ts';

const thresholds: Readonly<Record<BenchActor, number>> = {
  head: 50,
  fresh: 50,
  sweep: 80,
  backlog: 80,
  recheck: 80,
};

export const thresholdPair: NamedPolicy = {
  name: 'pair 80 and 50',
  create: (world) => {
    const workers = new FourWorkers();
    const shared = new SharedBalance(world);
    return {
      batch: predecessorBatch,
      headEveryMs: 60_000,
      ask: (order) =>
        workers.run(async () => {
          const target = thresholds[order.actor];
          while (shared.balance < target) await shared.sleepUntil(target);
          return await shared.send(order);
        }),
    };
  },
};
