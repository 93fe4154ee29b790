/**
 * Ends rows, holds them back when they are too many, and purges what ended long ago.
 *
 * A row is due when two complete sweeps of every feed that lists it lack it and its own re-check
 * fails, or when it was not seen for its time to live, counted in healthy time. Of a row that no
 * screen let pass the last listing was the check that failed: there is nothing that another one
 * could keep, and no token is spent on it (docs/decisions/0012-endings.md).
 *
 * Both can go wrong for all rows at once: a changed answer, a wrong query. So one run ends at most
 * a part of the table, however small; beyond that the due rows are held, hidden but not lost, until
 * somebody says yes or each was re-checked by itself. What is held already counts towards the part:
 * an incident that arrives in small portions is still one.
 *
 * Invariants:
 * - no row ends without a complete sweep of each configured feed that lists it since that feed
 *   listed it; without any complete sweep none ends (promise P8);
 * - a row that is seen again is neither held nor ended;
 * - total = the sum over the states, before and after, and what went away was purged and counted.
 */
import assert from 'node:assert/strict';
import {
  heldOnes,
  type ListedRow,
  type Looks,
  listedRows,
  liveRows,
  looksOf,
  sweepsLacking,
  unseenQueries,
} from './absence.ts';
import { wholeMs } from './column-values.ts';
import { yes } from './columns.ts';
import { askingIn } from './database.ts';
import { countByState, heldRows } from './deal-counts.ts';
import { healthyTime } from './healthy-time.ts';
import { noLack } from './judgements.ts';
import type { Ending, EndingCounts, EndingRules, EndReason } from './judging-ports.ts';
import { note } from './past.ts';
import { purge, purgeRecords } from './purge.ts';
import type { Trx } from './tables.ts';

const rowsPerStatement = 500;

interface DueRow {
  readonly row: ListedRow;
  readonly reason: EndReason;
}

/** One transaction with everything that comes of it. Doing it again at once ends nothing more. */
export async function endRows(
  trx: Trx,
  rules: EndingRules,
): Promise<{ readonly counts: EndingCounts; readonly endings: readonly Ending[] }> {
  const before = await countByState(askingIn(trx));
  const looks = await looksOf(trx);
  const { ending, waiting, fresh, released } = await sorted(trx, rules, looks);
  await release(trx, released);
  const liveRowCount = before.total - before.ended;
  const isTooMany = fresh.length + waiting.length > rules.endedPartMax * liveRowCount;
  if (isTooMany) await hold(trx, fresh, rules.atMs);
  const over = isTooMany ? ending : [...ending, ...fresh];
  const endings = await end(trx, over, { atMs: rules.atMs, looks });
  const purged = await purge(trx, rules);
  await purgeRecords(trx, rules.atMs);
  const after = await countByState(askingIn(trx));
  assert.equal(after.total, before.total - purged, 'a row goes away only by being purged');
  assert.equal(after.ended, before.ended + endings.length - purged, 'every ending is told');
  const counted = (reason: EndReason) => over.filter((due) => due.reason === reason).length;
  const ended = { absent: counted('absent'), 'not-seen': counted('not-seen') };
  return { counts: { ended, held: await heldRows(askingIn(trx)), purged }, endings };
}

/** What becomes of the rows that are due, or were when they were held. */
interface Sorted {
  /** Held, and since then agreed to by somebody or by their own re-check. */
  readonly ending: readonly DueRow[];
  /** Held, and nobody has said anything yet. */
  readonly waiting: readonly DueRow[];
  /** Due and not held. */
  readonly fresh: readonly DueRow[];
  /** Held and no longer due. */
  readonly released: readonly ListedRow[];
}

async function sorted(trx: Trx, rules: EndingRules, looks: Looks): Promise<Sorted> {
  const { totalMs } = await healthyTime(trx);
  const freshSinceHealthyMs = totalMs - wholeMs(rules.ttlHealthyMs);
  const ending: DueRow[] = [];
  const waiting: DueRow[] = [];
  const fresh: DueRow[] = [];
  const released: ListedRow[] = [];
  const suspended = new Set(rules.suspendedFeeds);
  for (const row of await unseenOrHeld(trx, { looks, freshSinceHealthyMs })) {
    const feeds = row.listings.map(({ feedId }) => looks.get(feedId)?.name ?? '');
    if (feeds.some((name) => suspended.has(name))) continue;
    const reason = endReason(row, { looks, freshSinceHealthyMs, partial: rules.partialFeeds });
    const isAgreed = row.recheckPasses === 0 || row.isHoldConfirmed === 1;
    if (row.heldAtMs === null) {
      if (reason !== undefined) fresh.push({ row, reason });
    } else if (reason === undefined) {
      released.push(row);
    } else {
      (isAgreed ? ending : waiting).push({ row, reason });
    }
  }
  return { ending, waiting, fresh, released };
}

/** Every row that can be due, and every held one; most are neither. */
async function unseenOrHeld(
  trx: Trx,
  { looks, freshSinceHealthyMs }: { looks: Looks; freshSinceHealthyMs: number },
): Promise<Iterable<ListedRow>> {
  const queries = [
    ...unseenQueries(trx, { looks, sweeps: 2 }),
    liveRows(trx).where('deals.seen_healthy_ms', '<', freshSinceHealthyMs),
    heldOnes(trx),
  ];
  const rows = new Map<number, ListedRow>();
  for (const query of queries) {
    for (const row of await listedRows(trx, query)) rows.set(row.id, row);
  }
  return rows.values();
}

/** Why the row is due; undefined: it is not. Of a held row the re-check is asked for elsewhere. */
function endReason(
  row: ListedRow,
  {
    looks,
    freshSinceHealthyMs,
    partial,
  }: { looks: Looks; freshSinceHealthyMs: number; partial: readonly string[] },
): EndReason | undefined {
  const feeds = row.listings.map(({ feedId, lastSweep }) => ({ ...looks.get(feedId), lastSweep }));
  const isPartial = feeds.some(({ name }) => name !== undefined && partial.includes(name));
  // A re-check that was bought all the same may know better than the last listing.
  const { recheckPasses, isScreenedOut } = row;
  const hasFailed = recheckPasses === 0 || (recheckPasses === null && isScreenedOut === 1);
  const mayBeAbsent = row.heldAtMs !== null || hasFailed;
  if (mayBeAbsent && !isPartial && sweepsLacking(row, looks) === 2) return 'absent';
  if (row.seenHealthyMs >= freshSinceHealthyMs) return undefined;
  const wasLookedFor = feeds.every(
    ({ isConfigured, lastComplete = 0, lastSweep }) =>
      isConfigured !== true || lastComplete > lastSweep,
  );
  const anyComplete = [...looks.values()].some(({ lastComplete }) => lastComplete > 0);
  return wasLookedFor && anyComplete ? 'not-seen' : undefined;
}

async function release(trx: Trx, rows: readonly ListedRow[]): Promise<void> {
  for (const ids of idBatches(rows)) {
    await trx
      .updateTable('deals')
      .set({ held_at_ms: null, is_hold_confirmed: 0 })
      .where('id', 'in', ids)
      .execute();
  }
}

/** An earlier re-check does not count: each needs its own after being held. */
async function hold(trx: Trx, rows: readonly DueRow[], atMs: number): Promise<void> {
  for (const ids of idBatches(rows.map(({ row }) => row))) {
    await trx
      .updateTable('deals')
      .set({ held_at_ms: wholeMs(atMs), rechecked_at_ms: null, recheck_passes: null })
      .where('id', 'in', ids)
      .execute();
  }
}

async function end(
  trx: Trx,
  due: readonly DueRow[],
  { atMs, looks }: { atMs: number; looks: Looks },
): Promise<readonly Ending[]> {
  const endings: Ending[] = [];
  for (const { row, reason } of due) {
    const { id, asin, domainId, priceType, feedId, lastSeenAtMs } = row;
    await trx
      .updateTable('deals')
      .set({
        state: 'ended',
        reason,
        ended_at_ms: wholeMs(atMs),
        held_at_ms: null,
        is_hold_confirmed: 0,
        candidate_since_ms: null,
        attempts: 0,
        retry_at_ms: null,
        retried_for: null,
        wants_history: 0,
        // To be listed again is news, also at the price at which nothing was for sale.
        ...noLack,
      })
      .where('id', '=', id)
      .execute();
    const key = { asin, domainId, priceType };
    await note(trx, { ...key, atMs, purpose: 'ending', kind: 'ended', text: reason });
    const unseenMs = Math.max(0, wholeMs(atMs) - lastSeenAtMs);
    endings.push({ ...key, reason, feed: looks.get(feedId)?.name ?? '', unseenMs });
  }
  return endings;
}

function* idBatches(rows: readonly ListedRow[]): Generator<readonly number[]> {
  for (let start = 0; start < rows.length; start += rowsPerStatement) {
    yield rows.slice(start, start + rowsPerStatement).map(({ id }) => id);
  }
}

/** Afterwards every row that is held now may end, if it is still due. */
export async function confirmHeld(trx: Trx): Promise<number> {
  await trx
    .updateTable('deals')
    .set({ is_hold_confirmed: yes })
    .where('held_at_ms', 'is not', null)
    .execute();
  return await heldRows(askingIn(trx));
}
