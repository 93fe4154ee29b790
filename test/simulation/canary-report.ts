/**
 * The canaries, each tried in a process of its own, and the table of what caught them.
 *
 *   node test/simulation/canary-report.ts [NAME ...]
 *   node test/simulation/canary-report.ts --try NAME | --clean SCENARIO [--seeds N] [--verbose]
 *
 * The second form is what runs in that process: it sends its parent one message, and
 * with `--verbose` prints every event. Exits with 1 when a
 * canary survived, or a scenario reports something without one.
 */
import { parseArgs } from 'node:util';
import { canaries } from './canaries.ts';
import type { ScenarioName } from './canary.ts';
import { plantCanary } from './canary-hook.ts';
import { cleanScenarios, type Trial, tryCanary, tryScenario } from './canary-trials.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    try: { type: 'string' },
    clean: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
  },
});

/** Seed after seed until something is reported. Loads the daemon only after a canary is planted. */
async function trial(scenario: ScenarioName, seedsMax: number): Promise<Trial> {
  const { runScenario } = await import('./canary-scenarios.ts');
  const onLine = (text: string): void => {
    if (values.verbose) process.stdout.write(`${text}\n`);
  };
  const startedMs = performance.now();
  for (let seeds = 1; ; seeds += 1) {
    const failures = await runScenario(scenario, seeds, onLine);
    const tookMs = Math.round(performance.now() - startedMs);
    if (failures.length > 0 || seeds >= seedsMax) return { seeds, failures, tookMs };
  }
}

/** One line; true when it is as it should be. */
function tell(name: string, words: readonly (string | number)[], isRight: boolean): boolean {
  const line = [name.padEnd(30), ...words.map((word) => String(word).padEnd(10))].join(' ');
  process.stdout.write(`${isRight ? 'ok  ' : 'FAIL'} ${line.trimEnd()}\n`);
  return isRight;
}

async function report(names: readonly string[]): Promise<boolean> {
  let isRight = true;
  for (const name of names) {
    const canary = canaries[name];
    const { seeds, failures, tookMs, caughtBy } = await tryCanary(name);
    const first = failures[0];
    const code =
      caughtBy ?? `survived${first === undefined ? '' : `: ${first.code} ${first.sentence}`}`;
    const atH = ((first?.atMs ?? 0) / 3_600_000).toFixed(2);
    const words = [canary?.promise ?? '', canary?.scenario ?? '', code, seeds, `${atH} h`, tookMs];
    isRight = tell(name, words, caughtBy !== undefined) && isRight;
  }
  for (const [scenario, seedsMax] of cleanScenarios(names)) {
    const { failures, tookMs } = await tryScenario(scenario, seedsMax);
    const what =
      failures[0] === undefined ? 'clean' : `${failures[0].code} ${failures[0].sentence}`;
    isRight =
      tell(`(${scenario})`, ['', '', what, seedsMax, '', tookMs], failures.length === 0) && isRight;
  }
  return isRight;
}

/** To the parent; without one, to whoever started it by hand. */
function hand(trial: Trial): void {
  if (process.send === undefined) process.stdout.write(`${JSON.stringify(trial)}\n`);
  else process.send(trial);
}

async function main(): Promise<void> {
  if (values.try !== undefined) {
    plantCanary(values.try);
    const canary = canaries[values.try];
    if (canary !== undefined) hand(await trial(canary.scenario, canary.seeds));
  } else if (values.clean !== undefined) {
    hand(await trial(values.clean as ScenarioName, Number(values.seeds)));
  } else {
    const names = positionals.length > 0 ? positionals : Object.keys(canaries);
    process.exitCode = (await report(names)) ? 0 : 1;
  }
}

await main();
