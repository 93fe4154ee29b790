/**
 * `doctor` on demand and supply: whether the plan of tokens can keep the feeds, as `plan` reckons
 * it: the daemon's own broker on a virtual clock, with the prices and the rows of this database.
 */
import { type Facts, storedFacts, whyNotStored } from './doctor-facts.ts';
import { type Finding, fine, note, skipped, warning } from './doctor-finding.ts';
import { readPlanFacts } from './plan-facts.ts';
import { runPlan } from './plan-run.ts';
import { spanText } from './words.ts';

const id = 'plan';
/**
 * What a larger plan does takes seconds to compute, and more tokens never mean fewer deals: if the
 * feeds can be kept with so many a minute, they can with more.
 */
const quickRate = 60;

export async function checkPlan(facts: Facts): Promise<readonly Finding[]> {
  const { loaded } = facts;
  const stored = storedFacts(facts);
  if (stored === undefined) return [skipped(id, whyNotStored(facts))];
  if (stored.figures.deals.total === stored.figures.deals.ended) {
    return [skipped(id, 'there are no rows yet; see keepa-deals plan for an estimate')];
  }
  const rate = refillRate(facts);
  if (rate === undefined) {
    return [skipped(id, 'the refill is known to a running daemon, or with --live')];
  }
  const { question } = await readPlanFacts({ rate: [rate] }, loaded.config);
  const small = await runPlan(Math.min(rate, quickRate), question);
  const isEnough =
    small.isTtlHeld && (small.backlogMs ?? Number.POSITIVE_INFINITY) <= question.ttlMs;
  const figures = isEnough || rate <= quickRate ? small : await runPlan(rate, question);
  const { rows } = question.market;
  const atLeast = figures.ratePerMinute < rate ? 'at least ' : '';
  const every = `${atLeast}every ${spanText(figures.sweepEveryMs)}`;
  const sweep = `${rate} tokens a minute see ${rows} rows ${every}`;
  const todo = 'take a larger plan, or narrow the feeds: keepa-deals plan shows what it would buy';
  if (!figures.isTtlHeld) {
    const ttl = `${question.ttlMs / 3_600_000} h`;
    const why = `rows end unseen: a row may miss ${ttl}, and three sweeps do not fit into them`;
    return [warning(id, { what: `${sweep}: too few for the feeds`, why, todo })];
  }
  const { backlogMs } = figures;
  if (backlogMs === undefined || backlogMs > question.ttlMs) {
    const when = backlogMs === undefined ? 'never' : `in ${spanText(backlogMs)}`;
    const what = `${sweep}; what waits to be judged is done ${when}`;
    const why = 'the most promising are judged first; the others may end before their turn';
    return [note(id, { what, why, todo })];
  }
  return [fine(id, `${sweep}; what waits to be judged is done in ${spanText(backlogMs)}`)];
}

/** Tokens a minute: what the daemon measured, else what Keepa has just said. */
function refillRate({ daemon, keepa }: Facts): number | undefined {
  const measured = daemon.kind === 'answered' ? daemon.report.tokens.refillRate : null;
  if (measured !== null) return measured;
  return keepa?.outcome.kind === 'answered' ? keepa.outcome.envelope.refillRate : undefined;
}
