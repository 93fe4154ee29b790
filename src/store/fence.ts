/**
 * The fence: who may still write.
 *
 * A process that was stopped for a minute wakes up believing it is the writer. It is found out
 * here, inside the very transaction it writes in, so there is no moment between the check and the
 * write (promise P6).
 *
 * Invariant: the newest fence never goes down.
 */
import assert from 'node:assert/strict';
import { StaleFenceError } from './ports.ts';
import type { Trx } from './tables.ts';

/** 0 while no fence was ever adopted. */
export async function newestFence(trx: Trx): Promise<number> {
  const { newest } = await trx.selectFrom('fence').select('newest').executeTakeFirstOrThrow();
  return newest;
}

/**
 * Makes `fence` the newest that counts: from now on older ones are refused.
 *
 * @throws StaleFenceError when a newer one is known.
 */
export async function adoptFence(trx: Trx, fence: number): Promise<void> {
  const newest = await newestFence(trx);
  if (newest > fence) throw new StaleFenceError(fence, newest);
  if (newest < fence) await trx.updateTable('fence').set({ newest: fence }).execute();
}

/**
 * Makes `to` the newest in place of `from`: the same writer goes on under a higher fence.
 *
 * @throws StaleFenceError, with nothing changed, when `from` is not the newest any more.
 */
export async function raiseFence(
  trx: Trx,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  assert(to >= from, `a fence never goes down (${from} to ${to})`);
  const newest = await newestFence(trx);
  if (newest !== from) throw new StaleFenceError(from, newest);
  await trx.updateTable('fence').set({ newest: to }).execute();
}

/**
 * Call it first in every transaction that writes. `fences` are the writer's own, oldest first: one,
 * and two while the fence is being raised.
 *
 * @throws StaleFenceError when a newer fence was adopted; AssertionError when none of these ever
 * was, for then an older writer would not be refused.
 */
export async function checkFence(trx: Trx, fences: readonly number[]): Promise<void> {
  const newest = await newestFence(trx);
  if (fences.includes(newest)) return;
  const fence = Math.max(...fences);
  if (newest > fence) throw new StaleFenceError(fence, newest);
  assert.fail(`fence ${fence} must be adopted before it writes (newest: ${newest})`);
}
