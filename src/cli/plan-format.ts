/**
 * The answer of `plan`: a table of plans side by side, and two sentences of advice.
 *
 * At most 100 columns wide. An estimate is marked as one, and where the figures came from is said
 * beneath, since an answer from assumed prices is worth less than one from measured ones.
 */
import type { PlanFacts } from './plan-facts.ts';
import type { PlanFigures } from './plan-run.ts';
import { columnsText } from './words.ts';

export interface PlanAnswer {
  readonly facts: PlanFacts;
  /** By rising rate; at least one. */
  readonly figures: readonly PlanFigures[];
}

export function planJson({ facts, figures }: PlanAnswer): string {
  const { question } = facts;
  const record = {
    schema: 1,
    ratePerMinute: facts.ratePerMinute,
    rateFrom: facts.rateFrom,
    whyAssumed: facts.whyAssumed ?? null,
    rows: question.market.rows,
    rowsFrom: facts.rowsFrom,
    ttlMs: question.ttlMs,
    market: question.market,
    marketMeasured: facts.marketMeasured,
    prices: Object.fromEntries(
      Object.entries(question.prices).map(([name, tokens]) => [
        name,
        { tokens, isMeasured: isMeasured(facts, name) },
      ]),
    ),
    plans: figures.map(({ backlogMs, ...plan }) => ({ ...plan, backlogMs: backlogMs ?? null })),
  };
  return `${JSON.stringify(record)}\n`;
}

export function planLines(answer: PlanAnswer): string[] {
  const { facts, figures } = answer;
  const heads = ['tokens/min', 'sweep every', 'poll every', 'seen p50', 'p95'];
  heads.push('judged/day', 'verified/day', 'backlog done', 'TTL');
  const rows = figures.map((plan) => [
    String(plan.ratePerMinute),
    shortSpan(plan.sweepEveryMs),
    shortSpan(plan.headEveryMs),
    shortSpan(plan.p50Ms),
    shortSpan(plan.p95Ms),
    String(plan.judgedPerDay),
    String(plan.verifiedPerDay),
    backlogText(plan),
    plan.isTtlHeld ? 'held' : 'NOT held',
  ]);
  const table = columnsText(
    [heads, ...rows],
    heads.map(() => true),
  );
  return [...table, '', ...adviceLines(answer), '', ...sourceLines(facts)];
}

function backlogText({ backlogMs, isBacklogEstimated }: PlanFigures): string {
  if (backlogMs === undefined) return 'never';
  const hours = Math.max(1, Math.ceil(backlogMs / 3_600_000));
  return isBacklogEstimated ? `in ~${hours} h` : `in ${hours} h`;
}

/** In one unit, so that the columns stay narrow: `41 s`, `12 min`, `4.5 h`, `3.2 d`. */
function shortSpan(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  const hours = seconds / 3600;
  return hours < 100 ? `${hours.toFixed(1)} h` : `${(hours / 24).toFixed(1)} d`;
}

function adviceLines({ facts, figures }: PlanAnswer): string[] {
  const own = figures.find(({ ratePerMinute }) => ratePerMinute === facts.ratePerMinute);
  const [first] = figures;
  const plan = own ?? first;
  if (plan === undefined) return [];
  const { rows } = facts.question.market;
  const ttl = plan.isTtlHeld ? 'holds the TTL' : 'does not hold the TTL';
  const backlog =
    plan.backlogMs === undefined
      ? 'never works off its backlog'
      : `is through ${backlogText(plan)}`;
  // Of a backlog that outlasts its rows most would be judged for nothing.
  const { ttlMs } = facts.question;
  const enough = plan.isTtlHeld && plan.backlogMs !== undefined && plan.backlogMs <= ttlMs;
  const lines = [
    `At ${plan.ratePerMinute} a minute ${rows} rows are seen every ` +
      `${shortSpan(plan.sweepEveryMs)}; it ${ttl} and ${backlog}.`,
  ];
  const better = figures.find((other) => other.ratePerMinute > plan.ratePerMinute);
  if (better === undefined) return lines;
  const times = Math.round((10 * better.judgedPerDay) / Math.max(1, plan.judgedPerDay)) / 10;
  const verdict = enough ? 'The plan is enough' : 'Take a larger plan';
  lines.push(
    `${verdict}: ${better.ratePerMinute} a minute judge ${times} times as many a day ` +
      `and see 95 % within ${shortSpan(better.p95Ms)}.`,
  );
  return lines;
}

function sourceLines(facts: PlanFacts): string[] {
  const { prices, market } = facts.question;
  const parts = Object.entries(prices).map(
    ([name, tokens]) => `${name} ${tokens}${isMeasured(facts, name) ? '' : ' (documented)'}`,
  );
  const share = (name: 'candidateShare' | 'acceptedShare'): string => {
    const assumed = facts.marketMeasured.includes(name) ? '' : ' (assumed)';
    return `${Math.round(market[name] * 100)} %${assumed}`;
  };
  const why = facts.whyAssumed === undefined ? '' : ` (${facts.whyAssumed})`;
  return [
    `prices: ${parts.join(', ')}`,
    `rows: ${market.rows} (${facts.rowsFrom}) in ${market.feeds} feed(s), of which ` +
      `${share('candidateShare')} pass the screens`,
    `of these ${share('acceptedShare')} are verified; rate: ${facts.rateFrom}${why}`,
    `assumed: ${Math.round(market.newPerDayShare * 100)} % of the rows are new a day, ` +
      `and a price lasts ${market.repriceHours} h`,
  ];
}

function isMeasured({ measured }: PlanFacts, name: string): boolean {
  return Object.entries(measured).some(([price, is]) => price === name && is);
}
