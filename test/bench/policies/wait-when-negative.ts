/**
 * Wait only when negative: the rule of a popular client library (the last row of the predecessor's
 * baseline, "wait when <= 0"), in its four workers.
 *
 * Each worker has a client of its own. While the last answer's balance, with the refill since, is
 * above zero it sends, whatever the call costs; else it sleeps until its own arithmetic says one.
 * Unlike check-then-act it reads what a 429 says.
 */
import type { NamedPolicy } from '../policy.ts';
import { Belief, FourWorkers, predecessorBatch, tryOrder } from './four-workers.ts';

export const waitWhenNegative: NamedPolicy = {
  name: 'wait when <= 0',
  create: (world) => {
    const { clock } = world;
    const workers = new FourWorkers();
    const beliefs = new Map<number, Belief>();
    return {
      batch: predecessorBatch,
      ask: (order) =>
        workers.run(async (worker) => {
          const belief = beliefs.get(worker) ?? new Belief(world);
          beliefs.set(worker, belief);
          for (;;) {
            while (belief.balance <= 0) await clock.sleep(belief.waitMs(1));
            const outcome = await tryOrder(world, order);
            belief.learn(outcome);
            if (outcome.kind === 'answered') return { kind: 'bought' };
          }
        }),
    };
  },
};
