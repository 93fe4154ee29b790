/**
 * The ledger: one line for every request that reached the wire, whatever became of it.
 *
 * With it the balance can be explained (promise P10): what it cannot explain, somebody else spent.
 */
import { wholeMs } from './columns.ts';
import type { LedgerRecord, LedgerTotals } from './ports.ts';
import type { Trx } from './tables.ts';

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
export async function spentSince(trx: Trx, sinceMs: number): Promise<LedgerTotals> {
  const rows = await trx
    .selectFrom('ledger')
    .select(({ fn }) => [
      'spend_class as spendClass',
      fn.sum<number>('cost_tokens').as('tokens'),
      fn.countAll<number>().as('requests'),
    ])
    .where('at_ms', '>=', sinceMs)
    .groupBy('spend_class')
    .orderBy('spend_class')
    .execute();
  return {
    tokens: toHundredths(sum(rows.map(({ tokens }) => tokens))),
    requests: sum(rows.map(({ requests }) => requests)),
    byClass: Object.fromEntries(
      rows.map(({ spendClass, tokens }) => [spendClass, toHundredths(tokens)]),
    ),
  };
}

/** The lines written last, newest first; by order of writing, for a wall clock may jump. */
export async function recentRequests(
  trx: Trx,
  { limit, outcome }: { limit: number; outcome?: string },
): Promise<readonly LedgerRecord[]> {
  let query = trx.selectFrom('ledger').selectAll();
  if (outcome !== undefined) query = query.where('outcome', '=', outcome);
  const rows = await query.orderBy('id', 'desc').limit(limit).execute();
  return rows.map((row) => ({
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
  }));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Sums of fractions carry noise in their last digits. */
function toHundredths(tokens: number): number {
  return Math.round(tokens * 100) / 100;
}
