/**
 * Tries a canary, or a scenario without one, in a process of its own: a module that is compiled
 * already cannot be patched any more.
 */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { canaries } from './canaries.ts';
import type { ScenarioName } from './canary.ts';
import type { Failure } from './checkers/checker.ts';

/** What came of the seeds that were run, up to the first that reported something. */
export interface Trial {
  readonly seeds: number;
  readonly failures: readonly Failure[];
  readonly tookMs: number;
}

/** `caughtBy`: the canary's code, reported in its words; absent: it survived. */
export async function tryCanary(
  name: string,
): Promise<Trial & { readonly caughtBy: string | undefined }> {
  const trial = await tryInProcess(['--try', name]);
  const expected = canaries[name];
  const caughtBy = trial.failures.find(
    ({ code, sentence }) => code === expected?.code && (expected.says?.test(sentence) ?? true),
  )?.code;
  return { ...trial, caughtBy };
}

/** The scenario as it is, under as many seeds as its canaries are given. */
export async function tryScenario(scenario: ScenarioName, seeds: number): Promise<Trial> {
  return await tryInProcess(['--clean', scenario, '--seeds', String(seeds)]);
}

/** The scenarios of these canaries, each with the most seeds that one of them is given. */
export function cleanScenarios(names: readonly string[]): ReadonlyMap<ScenarioName, number> {
  const seedsMax = new Map<ScenarioName, number>();
  for (const name of names) {
    const canary = canaries[name];
    if (canary === undefined) continue;
    const { scenario, seeds } = canary;
    seedsMax.set(scenario, Math.max(seeds, seedsMax.get(scenario) ?? 0));
  }
  return seedsMax;
}

async function tryInProcess(args: readonly string[]): Promise<Trial> {
  const { promise, resolve, reject } = Promise.withResolvers<Trial>();
  const child = fork(join(import.meta.dirname, 'canary-report.ts'), args, {
    serialization: 'json',
    // The parent's own flags are not for it: under `node --test` it would report as a test does.
    execArgv: [],
    timeout: 120_000,
  });
  child.on('message', (trial: Trial) => resolve(trial));
  child.on('error', reject);
  child.on('exit', (code) =>
    reject(new Error(`${args.join(' ')} ended with ${code}, and no word`)),
  );
  return await promise;
}
