/**
 * A threshold of 50 with recovery to 55: the rule of the fourth report ("recovery mode wanted 55
 * before anything could run").
 *
 * At 50 and above a call goes, whatever it costs. Below, everything waits until there are 55.
 */
import type { NamedPolicy, Order } from '../policy.ts';
import { estimateOf, FourWorkers, predecessorBatch } from './four-workers.ts';
import { SharedBalance } from './shared-balance.ts';

const thresholdTokens = 50;
const recoveredTokens = 55;
/** The pass of the priority lane: calls estimated at no more than this go unasked. */
const passTokens = 10;

export const threshold: NamedPolicy = recovering('threshold 50/55', () => false);

/**
 * The same with the priority pass: calls of up to 10 tokens skip the wait (the predecessor's
 * remedy for the fourth report, and the cause of a balance pinned near zero).
 */
export const priorityPass: NamedPolicy = recovering(
  'priority pass 10',
  ({ call }) => estimateOf(call) <= passTokens,
);

function recovering(name: string, hasPass: (order: Order) => boolean): NamedPolicy {
  return {
    name,
    create: (world) => {
      const workers = new FourWorkers();
      const shared = new SharedBalance(world);
      let isRecovering = false;
      const mayGo = (): boolean => {
        isRecovering = shared.balance < (isRecovering ? recoveredTokens : thresholdTokens);
        return !isRecovering;
      };
      return {
        batch: predecessorBatch,
        ask: (order) =>
          workers.run(async () => {
            while (!hasPass(order) && !mayGo()) await shared.sleepUntil(recoveredTokens);
            return await shared.send(order);
          }),
      };
    },
  };
}
