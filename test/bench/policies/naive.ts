/**
 * Check, then act: the rule of the first report ("workers checked a stale balance and fired
 * together: -150 tokens, half-hour blackouts").
 *
 * Four workers, each with the balance that its own last answer told and the plan's refill since.
 * Above zero it fires, whatever the others do and whatever the call costs; at a 429 it sleeps a
 * fixed minute and tries again, and does not look at what the answer said.
 */
import type { NamedPolicy } from '../policy.ts';
import { Belief, FourWorkers, fixedRetryMs, predecessorBatch, tryOrder } from './four-workers.ts';

export const naive: NamedPolicy = {
  name: 'check then act',
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
          while (belief.balance <= 0) await clock.sleep(fixedRetryMs);
          for (;;) {
            const outcome = await tryOrder(world, order);
            if (outcome.kind !== 'refused') belief.learn(outcome);
            if (outcome.kind === 'answered') return { kind: 'bought' };
            await clock.sleep(fixedRetryMs);
          }
        }),
    };
  },
};
