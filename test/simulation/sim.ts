/**
 * The fault simulator: the whole daemon under everything that goes wrong, one seed after another.
 *
 *   node test/simulation/sim.ts --seed 7 [--hours 24] [--verbose] [--canary NAME] [--plan]
 *   node test/simulation/sim.ts --seeds 1000 [--from 1] [--jobs 2] [--hours 24] [--canary NAME]
 *
 * Exits with 1 when a promise was broken. Every failure is printed with the one command that
 * replays it, and a replay is identical.
 */
import { parseArgs } from 'node:util';
import { plantCanary } from './canary-hook.ts';
import type { Failure } from './checkers/checker.ts';
import { commit, failureText } from './failure-text.ts';
import type { Outcome } from './fault-run.ts';
import { runSeeds } from './sim-jobs.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    hours: { type: 'string', default: '24' },
    canary: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    plan: { type: 'boolean', default: false },
    worker: { type: 'boolean', default: false },
  },
});
const hours = wholeNumber('hours');

function wholeNumber(name: 'seed' | 'seeds' | 'from' | 'jobs' | 'hours', otherwise = 1): number {
  const number = Number(values[name] ?? otherwise);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  process.stderr.write(`--${name} ${values[name]}: a whole number from 1 on is needed\n`);
  process.exit(2);
}

function textOf(seed: number, failure: Failure): string {
  return failureText(failure, { seed, hours, canary: values.canary });
}

/** Only here, so that a canary is planted before anything of the daemon is loaded. */
async function loadRunner() {
  if (values.canary !== undefined) plantCanary(values.canary);
  const [{ runSeed }, { withPlansCompared }] = await Promise.all([
    import('./fault-run.ts'),
    import('./fault-plans-compared.ts'),
  ]);
  return withPlansCompared(runSeed);
}

async function runOne(seed: number): Promise<number> {
  if (values.plan) return await printPlan(seed);
  const runSeed = await loadRunner();
  const onLine = (text: string): void => void process.stdout.write(`${text}\n`);
  const outcome = await runSeed({ seed, hours, ...(values.verbose ? { onLine } : {}) });
  for (const failure of outcome.failures) process.stdout.write(textOf(seed, failure));
  const { virtualHours, requests, lives, traceHash } = outcome;
  process.stdout.write(
    `seed ${seed}: ${virtualHours.toFixed(1)} virtual hours, ${requests} requests, ` +
      `${lives} lives, trace ${traceHash}, ${outcome.failures.length} failures\n`,
  );
  return outcome.failures.length === 0 ? 0 : 1;
}

async function printPlan(seed: number): Promise<number> {
  const { describeTrouble, drawPlan } = await import('./fault-plan.ts');
  const { drawWorld } = await import('./fault-world.ts');
  const world = drawWorld(seed);
  const { feeds, ...rest } = world;
  const names = feeds.map(({ name, query, screen }) => ({ name, ...query.selection, screen }));
  const lines = [rest, ...names].map((part) => JSON.stringify(part));
  const troubles = drawPlan(world, hours).map((trouble) => describeTrouble(trouble));
  process.stdout.write(`${[...lines, ...troubles].join('\n')}\n`);
  return 0;
}

async function runMany(count: number): Promise<number> {
  const from = wholeNumber('from');
  const startedMs = performance.now();
  const failed = new Map<string, number[]>();
  let done = 0;
  let virtualHours = 0;
  const elapsedS = (): number => (performance.now() - startedMs) / 1000;
  const onOutcome = (outcome: Outcome): void => {
    done += 1;
    virtualHours += outcome.virtualHours;
    const [first] = outcome.failures;
    if (first !== undefined) {
      process.stdout.write(textOf(outcome.seed, first));
      failed.set(first.code, [...(failed.get(first.code) ?? []), outcome.seed]);
    }
    process.stderr.write(`\r${done}/${count} seeds, ${elapsedS().toFixed(0)} s `);
  };
  const canary = values.canary === undefined ? [] : ['--canary', values.canary];
  await runSeeds({
    script: import.meta.filename,
    args: ['--hours', String(hours), ...canary],
    seeds: Array.from({ length: count }, (_, index) => from + index),
    jobs: wholeNumber('jobs'),
    // Some fifty times what it takes, and a minute to begin.
    seedMsMax: (hours + 2) * 30_000,
    onOutcome,
  });
  const codes = [...failed].map(([code, seeds]) => `  ${code}: ${seeds.length} (seeds ${seeds})`);
  const broken = [...failed.values()].reduce((sum, seeds) => sum + seeds.length, 0);
  process.stderr.write('\n');
  process.stdout.write(
    `seeds ${from} to ${from + count - 1}, commit ${commit()}: ${virtualHours.toFixed(0)} ` +
      `virtual hours in ${elapsedS().toFixed(0)} s, ${broken} failed\n${codes.join('\n')}`,
  );
  if (codes.length > 0) process.stdout.write('\n');
  return broken === 0 ? 0 : 1;
}

async function serve(): Promise<void> {
  const runSeed = await loadRunner();
  process.on('message', async ({ seed }: { seed: number }) => {
    process.send?.(await runSeed({ seed, hours }));
  });
}

if (values.worker) await serve();
else if (values.seeds !== undefined) process.exitCode = await runMany(wholeNumber('seeds'));
else process.exitCode = await runOne(wholeNumber('seed'));
