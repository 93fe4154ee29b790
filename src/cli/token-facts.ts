/**
 * The ledger added up: what `tokens` tells, before it is put into words.
 *
 * Everything follows from the groups of the ledger, which are few; only the unexplained drain and
 * the present refill rate are known to the running daemon alone.
 */
import { type SpendClass, spendClasses } from '../broker/request.ts';
import type { Config } from '../config.ts';
import type { LedgerGroup, LedgerRecord, UnitCosts } from '../store/ports.ts';

/** What the running daemon adds to the ledger; undefined figures are not known yet. */
export interface LiveTokens {
  readonly refillRate: number | undefined;
  readonly unexplainedTokens: number | undefined;
  /** Why no running daemon told these; undefined: one did. */
  readonly whyUntold: string | undefined;
}

export interface TokenFacts {
  readonly nowMs: number;
  readonly sinceMs: number;
  readonly groups: readonly LedgerGroup[];
  readonly unitCosts: readonly UnitCosts[];
  /** Newest first. */
  readonly last: readonly LedgerRecord[];
  readonly shares: Config['shares'];
  readonly live: LiveTokens;
}

/** One class of spenders in figures; the shares are per cents. */
export interface ClassTokens {
  readonly requests: number;
  readonly tokens: number;
  readonly percentOfSpent: number | undefined;
  /** Of what was refilled meanwhile; undefined when no daemon tells the rate. */
  readonly percentOfIncome: number | undefined;
  readonly configuredPercent: number;
}

/** All that was spent since then, to the hundredth of a token. */
export function spentTokens(groups: readonly LedgerGroup[]): number {
  return Math.round(100 * groups.reduce((sum, group) => sum + group.tokens, 0)) / 100;
}

/**
 * What was refilled since then, or since the ledger began; undefined when nobody knows the rate.
 * The plan may have changed within, so it is an estimate.
 */
export function incomeTokens(facts: TokenFacts): number | undefined {
  const { groups, sinceMs, nowMs, live } = facts;
  if (live.refillRate === undefined) return undefined;
  const firstMs = Math.min(nowMs, ...groups.map(({ firstAtMs }) => firstAtMs));
  return Math.round(((nowMs - Math.max(sinceMs, firstMs)) / 60_000) * live.refillRate);
}

export function byClass(facts: TokenFacts): readonly (readonly [SpendClass, ClassTokens])[] {
  const spent = spentTokens(facts.groups);
  const income = incomeTokens(facts);
  return spendClasses.map((name) => {
    const groups = facts.groups.filter(({ spendClass }) => spendClass === name);
    const ownTokens = spentTokens(groups);
    const own: ClassTokens = {
      requests: requestsIn(groups),
      tokens: ownTokens,
      percentOfSpent: percentOf(ownTokens, spent),
      percentOfIncome: percentOf(ownTokens, income),
      configuredPercent: facts.shares[name],
    };
    return [name, own];
  });
}

function percentOf(part: number, whole: number | undefined): number | undefined {
  return whole === undefined || whole <= 0 ? undefined : Math.round((1000 * part) / whole) / 10;
}

export function requestsIn(groups: readonly LedgerGroup[]): number {
  return groups.reduce((sum, { requests }) => sum + requests, 0);
}

/** Requests of each purpose of each class, whatever became of them; the dearest first. */
export function byPurpose(groups: readonly LedgerGroup[]): readonly LedgerGroup[] {
  const sums = new Map<string, LedgerGroup>();
  for (const group of groups) {
    const key = JSON.stringify([group.spendClass, group.purpose]);
    const known = sums.get(key);
    sums.set(key, known === undefined ? group : added(known, group));
  }
  return [...sums.values()].sort((a, b) => b.tokens - a.tokens);
}

function added(one: LedgerGroup, other: LedgerGroup): LedgerGroup {
  return {
    ...one,
    requests: one.requests + other.requests,
    retries: one.retries + other.retries,
    items: one.items + other.items,
    tokens: spentTokens([one, other]),
    firstAtMs: Math.min(one.firstAtMs, other.firstAtMs),
  };
}

/** How many requests, or of them how many that were not the first try, ended in which way. */
export function byOutcome(
  groups: readonly LedgerGroup[],
  count: 'requests' | 'retries',
): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const group of groups) {
    if (group[count] === 0) continue;
    sums[group.outcome] = (sums[group.outcome] ?? 0) + group[count];
  }
  return sums;
}
