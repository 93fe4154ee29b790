/**
 * Re-checks: looking one by one at rows that the listings lack, before they may end.
 *
 * A token each, so a row is looked at once per disappearance, and not at all when no screen let it
 * pass: it counts as checked when it was last listed, until it is held. Whether a row was looked at
 * is void as soon as a page lists it again, and once more when it is held: no times are compared,
 * so a wall clock that jumps neither skips a re-check nor buys one twice.
 *
 * Invariants:
 * - only a row that is missing or held can have been re-checked: an answer that comes after the row
 *   was seen again is not kept against it;
 * - the price that a re-check found becomes the row's, so that nothing is told of one that is gone;
 *   never over a price that a listing brought since it was asked for;
 * - a product that still passes the screen is as good as seen: its row is no longer held, and its
 *   time to live begins anew.
 */
import {
  heldOnes,
  isScreenedOut,
  type ListedRow,
  listedRows,
  liveRows,
  looksOf,
  sweepsLacking,
  unseenQueries,
} from './absence.ts';
import { wholeMs } from './column-values.ts';
import { healthyTime } from './healthy-time.ts';
import { storeRetries } from './judgements.ts';
import { countOutcomes } from './judging-counts.ts';
import type { JudgingReader, JudgingWriter, Recheck, WorkRow } from './judging-ports.ts';
import type { Trx } from './tables.ts';
import { type DealsQuery, workRows } from './work-lists.ts';

/** Rows without a re-check that are held, or missing and not screened out; longest unseen first. */
export async function recheckDue(
  trx: Trx,
  { nowMs, limit }: Parameters<JudgingReader['recheckDue']>[0],
): Promise<readonly WorkRow[]> {
  const looks = await looksOf(trx);
  const unchecked = (query: DealsQuery): DealsQuery =>
    query
      .where('deals.rechecked_at_ms', 'is', null)
      .where((eb) =>
        eb.or([eb('deals.retry_at_ms', 'is', null), eb('deals.retry_at_ms', '<=', wholeMs(nowMs))]),
      )
      .orderBy('deals.last_seen_at_ms')
      .orderBy('deals.id');
  const due = new Map<number, ListedRow>();
  for (const row of await listedRows(trx, unchecked(heldOnes(trx)).limit(limit)))
    due.set(row.id, row);
  for (const query of unseenQueries(trx, { looks, sweeps: 1 })) {
    const isMissing = (row: ListedRow): boolean => sweepsLacking(row, looks) > 0;
    const passing = unchecked(query).where((eb) => eb.not(isScreenedOut));
    for (const row of await firstOf(trx, passing, { isWanted: isMissing, limit })) {
      due.set(row.id, row);
    }
  }
  const ids = [...due.values()]
    .sort((a, b) => a.lastSeenAtMs - b.lastSeenAtMs || a.id - b.id)
    .slice(0, limit)
    .map(({ id }) => id);
  return await workRows(
    trx
      .selectFrom('deals')
      .where('deals.id', 'in', ids)
      .orderBy('deals.last_seen_at_ms')
      .orderBy('deals.id'),
  );
}

/** The first rows of the query that are wanted, without reading all that come after them. */
async function firstOf(
  trx: Trx,
  query: DealsQuery,
  { isWanted, limit }: { isWanted: (row: ListedRow) => boolean; limit: number },
): Promise<readonly ListedRow[]> {
  const found: ListedRow[] = [];
  for (let offset = 0; found.length < limit; offset += limit) {
    const rows = await listedRows(trx, query.limit(limit).offset(offset));
    found.push(...rows.filter(isWanted));
    if (rows.length < limit) break;
  }
  return found;
}

/** Doing it twice is as good as once. Rows that ended, or were seen again, stay as they are. */
export async function storeRechecks(
  trx: Trx,
  { atMs, rows, retries }: Parameters<JudgingWriter['storeRechecks']>[0],
): Promise<void> {
  const looks = await looksOf(trx);
  const { totalMs } = await healthyTime(trx);
  for (const { asin, domainId, priceType, passes, price } of rows) {
    const [row] = await listedRows(
      trx,
      liveRows(trx)
        .where('deals.asin', '=', asin)
        .where('deals.domain_id', '=', domainId)
        .where('deals.price_type', '=', priceType),
    );
    if (row === undefined) continue;
    if (row.heldAtMs === null && sweepsLacking(row, looks) === 0) continue;
    const asGoodAsSeen = { held_at_ms: null, is_hold_confirmed: 0, seen_healthy_ms: totalMs };
    await trx
      .updateTable('deals')
      .set({
        rechecked_at_ms: wholeMs(atMs),
        recheck_passes: Number(passes),
        ...(passes ? asGoodAsSeen : {}),
      })
      .where('id', '=', row.id)
      .execute();
    if (price !== undefined) await takePrice(trx, row.id, price);
    await endFruitlessTries(trx, row.id);
  }
  await countOutcomes(trx, await storeRetries(trx, { atMs, purpose: 'recheck', retries }));
}

/** Since when it is the price nobody said. Whoever listed another price meanwhile is right. */
async function takePrice(
  trx: Trx,
  id: number,
  price: NonNullable<Recheck['price']>,
): Promise<void> {
  if (price.wasCents === price.nowCents) return;
  await trx
    .updateTable('deals')
    .set({ price_cents: price.nowCents ?? null, price_since_ms: null })
    .where('id', '=', id)
    .where('price_cents', 'is', price.wasCents ?? null)
    .execute();
}

/** Those of re-checking; a verification that failed keeps its spacing. */
async function endFruitlessTries(trx: Trx, id: number): Promise<void> {
  await trx
    .updateTable('deals')
    .set({ attempts: 0, retry_at_ms: null, retried_for: null })
    .where('id', '=', id)
    .where('retried_for', '=', 'recheck')
    .execute();
}
