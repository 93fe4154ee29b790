/**
 * The scenario for what shows only while every class always wants more: no market of a size that a
 * test can bear keeps the whole daemon so busy, so this runs the real broker on synthetic queues.
 */
import type { Failure } from './checkers/checker.ts';
import { saturate } from './saturation.ts';
import { judge } from './shares-claims.ts';

/** What is claimed of shares, bounds, income and floor, and is not so. */
export async function runSaturated(seed: number): Promise<readonly Failure[]> {
  const options = { seed, ratePerMinute: 60, hours: 3, warmUpHours: 1 };
  const { broken } = judge(await saturate(options), options, { percent: 3, calls: 2 });
  return broken.map((sentence) => ({ code: 'P4-saturated', sentence, atMs: 0 }));
}
