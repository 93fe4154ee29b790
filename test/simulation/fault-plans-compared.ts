/**
 * P14: more tokens per minute never means fewer deals.
 *
 * Now and then a seed's market is run twice more, in peace, for six hours from an empty bucket: on
 * a plan and on the next larger one, which must have judged at least as many rows, but for one in
 * fifty: rows come and go while the two look at different moments.
 */
import type { Failure } from './checkers/checker.ts';
import type { Outcome, RunOptions } from './fault-run.ts';
import { drawWorld, type World } from './fault-world.ts';

/** Of so many seeds one is compared. */
const everySeeds = 25;
const hours = 6;
/** From the smallest to more than any of these markets can use. */
const rates = [1, 2, 5, 25, 60, 250] as const;

type Run = (options: RunOptions) => Promise<Outcome>;

/** The same run, with the comparison for the seeds whose turn it is. */
export function withPlansCompared(run: Run): Run {
  return async (options) => {
    const outcome = await run(options);
    if (options.seed % everySeeds !== 0 || outcome.failures.length > 0) return outcome;
    const at = (options.seed / everySeeds) % (rates.length - 1);
    const world = drawWorld(options.seed);
    const pair = [rates[at] ?? 1, rates[at + 1] ?? 1] as const;
    return { ...outcome, failures: await comparePlans(run, { world, hours, rates: pair }) };
  };
}

/** The world's market in peace, from an empty bucket, on a small plan and on a larger one. */
export async function comparePlans(
  run: Run,
  options: {
    readonly world: World;
    readonly hours: number;
    readonly rates: readonly [number, number];
  },
): Promise<readonly Failure[]> {
  const { world, hours: runHours, rates: pair } = options;
  const { seed } = world;
  const quietRun = (ratePerMinute: number): Promise<Outcome> => {
    const quiet = { ...world, ratePerMinute, initialTokens: 0 };
    return run({ seed, hours: runHours, world: quiet, plan: [], withoutHealing: true });
  };
  const [small, large] = [await quietRun(pair[0]), await quietRun(pair[1])];
  const failures = [...small.failures, ...large.failures];
  if (large.judgedRows < Math.floor(0.98 * small.judgedRows)) {
    const sentence =
      `${large.judgedRows} rows judged at ${pair[1]} tokens a minute, ` +
      `${small.judgedRows} at ${pair[0]}`;
    failures.push({ code: 'P14-fewer-deals', sentence, atMs: 0 });
  }
  return failures;
}
