/**
 * `plan`: what this plan of tokens sustains, and what another one would buy.
 *
 * Nobody should have to buy a plan to find out. The figures come from the prices that were measured
 * here and from the daemon's own broker in virtual time (plan-run.ts), so they are what would
 * happen and not what a formula hopes for. It spends no token and needs neither key nor daemon.
 */
import { exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { readPlanFacts } from './plan-facts.ts';
import { planJson, planLines } from './plan-format.ts';
import { runPlan } from './plan-run.ts';
import { type PlaceFlags, readConfig } from './reading.ts';

export interface PlanFlags extends PlaceFlags {
  readonly rate?: readonly number[];
  readonly rows?: number;
  readonly ttl?: number;
  readonly json?: boolean;
}

/** Refill rates, tokens a minute, that Keepa sells or that people compare with. */
const soldRates = [1, 5, 20, 25, 60, 250, 500, 1_000];
/** Beside one's own plan so many of the next larger ones. */
const nextPlansMax = 3;

/** @throws CliError usage, for more rows than Keepa lists of the feeds. */
export async function plan(flags: PlanFlags, context: CliContext): Promise<number> {
  const facts = await readPlanFacts(flags, readConfig(flags, context));
  const rates = flags.rate ?? withNextPlans(facts.ratePerMinute);
  const figures = [];
  for (const rate of rates.toSorted((a, b) => a - b)) {
    figures.push(await runPlan(rate, facts.question));
  }
  const answer = { facts, figures };
  const text = flags.json === true ? planJson(answer) : `${planLines(answer).join('\n')}\n`;
  context.terminal.out(text);
  return exitCodes.fine;
}

function withNextPlans(rate: number): readonly number[] {
  return [rate, ...soldRates.filter((sold) => sold > rate).slice(0, nextPlansMax)];
}
