/**
 * Token policies side by side: the first part of `npm run bench`, alone
 * `node test/bench/token-policies.ts [--rates 1,5,20,25,60,1000] [--hours 168] [--seed 1]
 * [--rows 3000] [--json] [--whole]`.
 *
 * Every policy spends a virtual week on the same simulated market, from a full bucket and an empty
 * table; what is compared and what counts as useful stands in `workload.ts`, and each rule in its
 * file under `policies/`. A second table has more work than tokens: 24,000 distinct rows at 5
 * tokens a minute. Then keepa-deals is held against its targets, and speeds are given as ratios.
 * `--whole` adds the whole daemon at every rate, which takes an hour.
 */
import { parseArgs } from 'node:util';
import { runSteady } from '../simulation/steady.ts';
import { type FreshFigures, runFreshRows } from './fresh-rows.ts';
import { MarketTape } from './market-tape.ts';
import { keepaDeals } from './policies/keepa-deals.ts';
import { naive } from './policies/naive.ts';
import { priorityPass, threshold } from './policies/threshold.ts';
import { thresholdPair } from './policies/threshold-pair.ts';
import { waitWhenNegative } from './policies/wait-when-negative.ts';
import type { NamedPolicy } from './policy.ts';
import { type PolicyFigures, runPolicy } from './policy-run.ts';
import { legend, policyTable } from './policy-table.ts';
import { type DecisionSpeeds, measureDecisions } from './speeds.ts';
import {
  floorTarget,
  freshTarget,
  lossTarget,
  monotoneTarget,
  pollTarget,
  type Target,
  yieldTarget,
} from './targets.ts';

const startMs = Date.UTC(2026, 10, 1);
const hourMs = 3_600_000;
/** The plan that most users have, and of which the targets speak. */
const targetRate = 5;
const targetHours = 6;
/** A list as long as Keepa shows, of which a quarter is new every day: 24,000 rows in a week. */
const crowded = { rows: 9_000, churnPerDay: 0.25 } as const;

const policies: readonly NamedPolicy[] = [
  keepaDeals,
  naive,
  threshold,
  thresholdPair,
  priorityPass,
  waitWhenNegative,
];

interface Options {
  readonly seed: number;
  readonly rates: readonly number[];
  readonly hours: number;
  readonly rows: number;
}

interface Report {
  readonly options: Options;
  readonly runs: readonly PolicyFigures[];
  readonly crowdedRuns: readonly PolicyFigures[];
  readonly fresh: FreshFigures;
  readonly decisions: DecisionSpeeds;
  readonly targets: readonly Target[];
}

/** Runs everything; `say` gets each part of the text as soon as it is known. */
async function compare(options: Options, say: (text: string) => void): Promise<Report> {
  const { seed, rates, hours, rows } = options;
  const days = Math.ceil(hours / 24);
  say(
    `token policies over ${hours} virtual hours, seed ${seed}: ${rows} rows listed, ` +
      `one in ten verified\n${legend}\n`,
  );
  const runs: PolicyFigures[] = [];
  const tape = new MarketTape({ seed, rows, startMs, days });
  for (const rate of rates) {
    const atRate = await runAll({ tape, rate, seed, hours });
    runs.push(...atRate);
    say(`${policyTable(`${rate} tokens a minute`, atRate)}\n`);
  }
  const crowd = new MarketTape({ seed, startMs, days, ...crowded });
  const crowdedRuns = await runAll({ tape: crowd, rate: targetRate, seed, hours });
  const crowdTitle =
    `${targetRate} tokens a minute, more work than tokens: ` + `${crowd.rows.length} rows`;
  say(`${policyTable(crowdTitle, crowdedRuns)}\n`);
  const fresh = await runFreshRows({ seed, rate: targetRate, rows: 3_000, hours: targetHours });
  const own = runs.filter(({ policy }) => policy === keepaDeals.name);
  const [ownCrowded] = crowdedRuns;
  const targets = [
    ...(ownCrowded === undefined ? [] : [yieldTarget(ownCrowded)]),
    freshTarget(fresh),
    pollTarget([...own, ...(ownCrowded === undefined ? [] : [ownCrowded])]),
    floorTarget([...own, ...(ownCrowded === undefined ? [] : [ownCrowded])]),
    lossTarget(own, ownCrowded),
    monotoneTarget(own),
  ];
  say(targets.map(targetLine).join(''));
  const decisions = measureDecisions();
  say(speedLines(decisions, fresh));
  return { options, runs, crowdedRuns, fresh, decisions, targets };
}

async function runAll(options: {
  readonly tape: MarketTape;
  readonly rate: number;
  readonly seed: number;
  readonly hours: number;
}): Promise<readonly PolicyFigures[]> {
  const runs: PolicyFigures[] = [];
  for (const policy of policies) runs.push(await runPolicy({ ...options, policy, startMs }));
  return runs;
}

function targetLine({ name, isMet, figure }: Target): string {
  return `${isMet ? 'met   ' : 'MISSED'} ${name}\n       ${figure}\n`;
}

function speedLines(
  { decisionsPerSecond, ratio }: DecisionSpeeds,
  { virtualHours, tookMs, cpuMs, rows }: FreshFigures,
): string {
  const perSecond = (virtualHours / tookMs) * 1_000;
  const cpuPerDay = (cpuMs / virtualHours) * 24;
  const part = (100 * cpuPerDay) / (24 * hourMs);
  return (
    `\nadmission core   ${decisionsPerSecond.toFixed(0)} decisions a second, each the time of ` +
    `${ratio.toFixed(0)} bare checks of a balance\n` +
    `whole daemon     ${perSecond.toFixed(2)} virtual hours a second (${rows} rows, simulated ` +
    `Keepa included): ${(perSecond * 3_600).toFixed(0)} times real time\n` +
    `its CPU          ${(cpuPerDay / 1_000).toFixed(1)} s a virtual day, ` +
    `${part.toFixed(3)} % of one core, at most: that of Keepa and of the looks is in it\n`
  );
}

/** The daemon itself in place of its model: the same rates, rows and hours. */
async function wholeDaemon(options: Options, say: (text: string) => void): Promise<void> {
  const { rates, ...rest } = options;
  say('\nthe whole daemon\n');
  for (const ratePerMinute of rates) {
    const run = await runSteady({ ...rest, ratePerMinute });
    const { refusals, lowestBalance, expiredTokens, sweeps, headPolls, ageP95Ms } = run;
    say(
      `${ratePerMinute} tokens a minute: ${sweeps} sweeps, ${headPolls} head polls, ` +
        `age p95 ${(ageP95Ms / 60_000).toFixed(1)} min, 429s ${refusals}, ` +
        `lowest ${lowestBalance}, expired ${expiredTokens}\n`,
    );
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rates: { type: 'string', default: '1,5,20,25,60,1000' },
      hours: { type: 'string', default: '168' },
      seed: { type: 'string', default: '1' },
      rows: { type: 'string', default: '3000' },
      json: { type: 'boolean', default: false },
      whole: { type: 'boolean', default: false },
    },
  });
  const options: Options = {
    seed: Number(values.seed),
    rates: values.rates.split(',').map(Number),
    hours: Number(values.hours),
    rows: Number(values.rows),
  };
  const say = (text: string): void => void (values.json || process.stdout.write(text));
  const report = await compare(options, say);
  if (values.whole) await wholeDaemon(options, say);
  if (values.json) process.stdout.write(`${JSON.stringify({ schema: 1, ...report }, null, 2)}\n`);
  if (!report.targets.every(({ isMet }) => isMet)) process.exitCode = 1;
}

if (import.meta.main) await main();
