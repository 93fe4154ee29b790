/**
 * The account of the tokens as text for people and as JSON for programs.
 *
 * A price is that of one item: a page, a product, a seller. The documented one is the most that
 * such an item should cost, which is also what a hold begins with.
 */
import { CostModel, type Priced } from '../broker/cost-model.ts';
import { printable } from '../runtime/printable.ts';
import type { LedgerRecord, UnitCosts } from '../store/ports.ts';
import {
  byClass,
  byOutcome,
  byPurpose,
  incomeTokens,
  requestsIn,
  spentTokens,
  type TokenFacts,
} from './token-facts.ts';
import { clockText, columnsText, spanText } from './words.ts';

/** Fields are only ever added. Absent is null; tokens are tokens, shares are per cents. */
export function tokensJson(facts: TokenFacts): string {
  const { groups, live, nowMs, sinceMs } = facts;
  const classes = byClass(facts).map(([name, own]) => {
    const { percentOfSpent = null, percentOfIncome = null, ...counts } = own;
    return [name, { ...counts, percentOfSpent, percentOfIncome }] as const;
  });
  const record = {
    schema: 1,
    at: iso(nowMs),
    since: iso(sinceMs),
    spentTokens: spentTokens(groups),
    incomeTokens: incomeTokens(facts) ?? null,
    requests: requestsIn(groups),
    refillRate: live.refillRate ?? null,
    unexplainedTokens: live.unexplainedTokens ?? null,
    whyUntold: live.whyUntold ?? null,
    classes: Object.fromEntries(classes),
    purposes: byPurpose(groups).map(({ spendClass, purpose, requests, items, tokens }) => {
      return { spendClass, purpose, requests, items, tokens };
    }),
    shapes: facts.unitCosts.map((costs) => ({
      ...costs,
      documentedTokens: documentedTokens(costs.shape) ?? null,
    })),
    outcomes: byOutcome(groups, 'requests'),
    refusals: byOutcome(groups, 'requests').refused ?? 0,
    retries: byOutcome(groups, 'retries'),
    last: facts.last.map(requestRecord),
  };
  return `${JSON.stringify(record)}\n`;
}

function requestRecord({ atMs, balanceAfter, why, ...request }: LedgerRecord) {
  return { at: iso(atMs), ...request, balanceAfter: balanceAfter ?? null, why: why ?? null };
}

export function tokensLines(facts: TokenFacts): string[] {
  const { groups, nowMs, sinceMs } = facts;
  if (groups.length === 0) {
    return [`nothing was asked of Keepa in ${spanText(nowMs - sinceMs)}`, ...drainLines(facts)];
  }
  return [
    headText(facts),
    ...drainLines(facts),
    '',
    ...classLines(facts),
    '',
    ...purposeLines(facts),
    '',
    ...shapeLines(facts.unitCosts),
    '',
    outcomeText(facts),
    ...lastLines(facts),
  ];
}

function headText(facts: TokenFacts): string {
  const { groups, nowMs, sinceMs } = facts;
  const spent = `${spentTokens(groups)} tokens spent in ${spanText(nowMs - sinceMs)}`;
  const income = incomeTokens(facts);
  const part = income === undefined ? '' : `, of about ${income} refilled`;
  return `${spent}${part}, in ${requestsIn(groups)} requests`;
}

function drainLines({ live }: TokenFacts): string[] {
  const { unexplainedTokens, whyUntold } = live;
  if (whyUntold !== undefined) return [`${whyUntold}, so what others spent is not known here`];
  if (unexplainedTokens === undefined) return [];
  if (unexplainedTokens <= 0) return ['the ledger explains the balance of the last hour'];
  return [`${unexplainedTokens} tokens of the last hour were spent by somebody else`];
}

function classLines(facts: TokenFacts): string[] {
  const heads = ['class', 'requests', 'tokens', 'of spent', 'of income', 'share'];
  const rows = byClass(facts).map(([name, own]) => [
    name,
    String(own.requests),
    String(own.tokens),
    percent(own.percentOfSpent),
    percent(own.percentOfIncome),
    percent(own.configuredPercent),
  ]);
  return columnsText([heads, ...rows], [false, true, true, true, true, true]);
}

function purposeLines({ groups }: TokenFacts): string[] {
  const heads = ['purpose', 'class', 'requests', 'items', 'tokens'];
  const rows = byPurpose(groups).map(({ purpose, spendClass, requests, items, tokens }) => [
    purpose,
    spendClass,
    String(requests),
    String(items),
    String(tokens),
  ]);
  return columnsText([heads, ...rows], [false, false, true, true, true]);
}

function shapeLines(unitCosts: readonly UnitCosts[]): string[] {
  if (unitCosts.length === 0) return ['no answer yet, so no price is known but the documented'];
  const heads = ['one item of', 'mean', 'p95', 'most', 'documented', 'answers'];
  const rows = unitCosts.map(({ shape, meanTokens, p95Tokens, maxTokens, samples }) => [
    shape,
    String(meanTokens),
    String(p95Tokens),
    String(maxTokens),
    documentedTokens(shape)?.toString() ?? '-',
    String(samples),
  ]);
  return columnsText([heads, ...rows], [false, true, true, true, true, true]);
}

function outcomeText({ groups }: TokenFacts): string {
  const listed = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([outcome, count]) => `${count} ${outcome}`)
      .join(', ');
  const retries = listed(byOutcome(groups, 'retries'));
  const outcomes = `requests: ${listed(byOutcome(groups, 'requests'))}`;
  return `${outcomes}; retries: ${retries === '' ? 'none' : retries}`;
}

function lastLines({ last, nowMs }: TokenFacts): string[] {
  if (last.length === 0) return [];
  const heads = ['at', 'class', 'purpose', 'items', 'hold', 'cost', 'balance', 'outcome'];
  const rows = last.map((request) => [
    clockText(request.atMs, nowMs),
    request.spendClass,
    request.purpose,
    String(request.items),
    String(request.holdTokens),
    String(request.costTokens),
    request.balanceAfter?.toString() ?? '-',
    outcomeOf(request),
  ]);
  const isFigure = [false, false, false, true, true, true, true, false];
  return ['', ...columnsText([heads, ...rows], isFigure)];
}

function outcomeOf({ outcome, why, attempt }: LedgerRecord): string {
  const text = why === undefined ? outcome : `${outcome}: ${printable(why)}`;
  return attempt > 1 ? `${text} (try ${attempt})` : text;
}

/** The documented worst price of one item; undefined for a shape that nobody knows. */
function documentedTokens(shape: string): number | undefined {
  const priced = pricedOf(shape);
  return priced && new CostModel().quote(priced, 1).holdTokens;
}

/** The inverse of `shapeOf` in the cost model. */
function pricedOf(shape: string): Priced | undefined {
  const [, name, offers] = /^(token|deal|product|seller)(?:\+offers(\d+))?$/.exec(shape) ?? [];
  switch (name) {
    case 'token':
    case 'deal':
    case 'product':
    case 'seller':
      return { endpoint: name, ...(offers === undefined ? {} : { offers: Number(offers) }) };
    default:
      return undefined;
  }
}

function percent(value: number | undefined): string {
  return value === undefined ? '-' : `${value} %`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
