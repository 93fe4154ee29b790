/**
 * The ledger: one line for every request that reached the wire, whatever became of it.
 *
 * With it the balance can be explained (promise P10): what it cannot explain, somebody else spent.
 * It also shows what each kind of call costs in truth, beside what is documented.
 */
import type { Selectable } from 'kysely';
import type { Ask } from './ask.ts';
import { wholeMs } from './column-values.ts';
import type { LedgerGroup, LedgerRecord, LedgerTotals, UnitCosts } from './ports.ts';
import type { LedgerTable, Trx } from './tables.ts';

export async function recordRequest(trx: Trx, entry: LedgerRecord): Promise<void> {
  await trx
    .insertInto('ledger')
    .values({
      at_ms: wholeMs(entry.atMs),
      spend_class: entry.spendClass,
      purpose: entry.purpose,
      shape: entry.shape,
      items: entry.items,
      hold_tokens: entry.holdTokens,
      cost_tokens: entry.costTokens,
      balance_after: entry.balanceAfter ?? null,
      outcome: entry.outcome,
      why: entry.why ?? null,
      attempt: entry.attempt,
      took_ms: wholeMs(entry.tookMs),
      waited_ms: wholeMs(entry.waitedMs),
    })
    .execute();
}

/** What was spent at or after `sinceMs`, to the hundredth of a token. */
export async function spentSince(ask: Ask, sinceMs: number): Promise<LedgerTotals> {
  const rows = await ask<{ spendClass: string; tokens: number; requests: number }>(
    `select spend_class as spendClass, sum(cost_tokens) as tokens, count(*) as requests
     from ledger where at_ms >= ? group by spend_class order by spend_class`,
    sinceMs,
  );
  return {
    tokens: toHundredths(sum(rows.map(({ tokens }) => tokens))),
    requests: sum(rows.map(({ requests }) => requests)),
    byClass: Object.fromEntries(
      rows.map(({ spendClass, tokens }) => [spendClass, toHundredths(tokens)]),
    ),
  };
}

/** The lines written last, newest first; by order of writing, for a wall clock may jump. */
export async function recentRequests(ask: Ask, limit: number): Promise<readonly LedgerRecord[]> {
  const rows = await ask<StoredRequest>('select * from ledger order by id desc limit ?', limit);
  return rows.map(asRecord);
}

/** The newest answered request. */
export async function lastAnswered(ask: Ask): Promise<LedgerRecord | undefined> {
  const [row] = await ask<StoredRequest>(
    "select * from ledger where outcome = 'answered' order by id desc limit 1",
  );
  return row === undefined ? undefined : asRecord(row);
}

type StoredRequest = Selectable<LedgerTable>;

function asRecord(row: StoredRequest): LedgerRecord {
  return {
    atMs: row.at_ms,
    spendClass: row.spend_class,
    purpose: row.purpose,
    shape: row.shape,
    items: row.items,
    holdTokens: row.hold_tokens,
    costTokens: row.cost_tokens,
    balanceAfter: row.balance_after ?? undefined,
    outcome: row.outcome,
    why: row.why ?? undefined,
    attempt: row.attempt,
    tookMs: row.took_ms,
    waitedMs: row.waited_ms,
  };
}

/** The lines at or after `sinceMs`, added up by all that tells them apart; the dearest first. */
export async function ledgerGroups(ask: Ask, sinceMs: number): Promise<readonly LedgerGroup[]> {
  const rows = await ask<LedgerGroup>(
    `select spend_class as spendClass, purpose, shape, outcome, count(*) as requests,
       sum(attempt > 1) as retries, sum(items) as items, sum(cost_tokens) as tokens,
       min(at_ms) as firstAtMs
     from ledger where at_ms >= ?
     group by spend_class, purpose, shape, outcome order by tokens desc, requests desc`,
    sinceMs,
  );
  return rows.map((row) => ({ ...row, tokens: toHundredths(row.tokens) }));
}

/**
 * Unit costs per shape, in order of the shape's name. The ledger is walked backwards, so a common
 * shape is done after a few lines; only for a rare one does SQLite look at all of them.
 */
export async function unitCosts(trx: Trx, answersMax: number): Promise<readonly UnitCosts[]> {
  const shapes = await trx
    .selectFrom('ledger')
    .select('shape')
    .distinct()
    .where('items', '>', 0)
    .orderBy('shape')
    .execute();
  const costs: UnitCosts[] = [];
  for (const { shape } of shapes) {
    const rows = await trx
      .selectFrom('ledger')
      .select(['items', 'cost_tokens as tokens'])
      .where('shape', '=', shape)
      .where('outcome', '=', 'answered')
      .where('items', '>', 0)
      .orderBy('id', 'desc')
      .limit(answersMax)
      .execute();
    if (rows.length > 0) costs.push(unitCostsOf(shape, rows));
  }
  return costs;
}

function unitCostsOf(
  shape: string,
  rows: readonly { readonly items: number; readonly tokens: number }[],
): UnitCosts {
  const ascending = rows.map(({ items, tokens }) => tokens / items).sort((a, b) => a - b);
  return {
    shape,
    samples: rows.length,
    meanTokens: toHundredths(sum(ascending) / ascending.length),
    p95Tokens: toHundredths(ascending[Math.ceil(0.95 * ascending.length) - 1] ?? 0),
    maxTokens: toHundredths(ascending.at(-1) ?? 0),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Sums of fractions carry noise in their last digits. */
function toHundredths(tokens: number): number {
  return Math.round(tokens * 100) / 100;
}
