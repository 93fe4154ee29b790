/**
 * The sweeps of each feed: one open at a time, numbered from 1, kept for ever with their size.
 *
 * The size of every sweep and the revision of the query it belongs to stay on record, so that an
 * edited query that shrinks the supply can be noticed.
 *
 * Invariants:
 * - every page before `nextPage` is stored: the page's rows and the step are one transaction;
 * - an ended sweep never opens again, and its outcome never changes.
 */
import type { Selectable } from 'kysely';
import type { Ask } from './ask.ts';
import { wholeMs, withoutNulls } from './column-values.ts';
import { type Sweep, SweepOrderError, type SweepOutcome } from './ports.ts';
import type { SweepsTable, Trx } from './tables.ts';

type StoredSweep = Selectable<SweepsTable> & { readonly feed: string };

/** The sweep of this feed and revision with the highest number. */
export async function newestSweep(
  trx: Trx,
  feedId: number,
  queryHash: string,
): Promise<Sweep | undefined> {
  const row = await sweepsOf(trx, feedId)
    .where('sweeps.query_hash', '=', queryHash)
    .executeTakeFirst();
  return row === undefined ? undefined : asSweep(row);
}

/** The feed's unfinished sweep, of the whole or of a part of it. */
export async function unfinishedSweep(ask: Ask, feedId: number): Promise<Sweep | undefined> {
  const [row] = await ask<StoredSweep>(`${sweepsByNumber} limit 1`, feedId);
  return row === undefined || row.ended_at_ms !== null ? undefined : asSweep(row);
}

/** The newest sweep of the feed, begun since then, that ended in one of these ways. */
export async function lastEnded(
  ask: Ask,
  feedId: number,
  { outcomes, sinceMs }: { outcomes: readonly SweepOutcome[]; sinceMs: number },
): Promise<Sweep | undefined> {
  const marks = outcomes.map(() => '?').join(', ');
  const [row] = await ask<StoredSweep>(
    `select * from (${sweepsByNumber})
     where outcome in (${marks}) and started_at_ms >= ? limit 1`,
    feedId,
    ...outcomes,
    sinceMs,
  );
  return row === undefined ? undefined : asSweep(row);
}

/** Of one feed, newest first, with the feed's name. */
const sweepsByNumber = `select sweeps.*, feeds.name as feed
  from sweeps join feeds on feeds.id = sweeps.feed_id
  where sweeps.feed_id = ? order by sweeps.number desc`;

/** Newest first, with the feed's name. */
function sweepsOf(trx: Trx, feedId: number) {
  return trx
    .selectFrom('sweeps')
    .innerJoin('feeds', 'feeds.id', 'sweeps.feed_id')
    .selectAll('sweeps')
    .select('feeds.name as feed')
    .where('sweeps.feed_id', '=', feedId)
    .orderBy('sweeps.number', 'desc')
    .limit(1);
}

function asSweep(row: StoredSweep): Sweep {
  return {
    feed: row.feed,
    queryHash: row.query_hash,
    number: row.number,
    startedAtMs: row.started_at_ms,
    plannedMs: row.planned_ms,
    nextPage: row.next_page,
    rows: row.row_count,
    wireRows: row.wire_row_count,
    ...withoutNulls({ endedAtMs: row.ended_at_ms, outcome: row.outcome }),
  };
}

/** Ends what is unfinished of the feed, as superseded. */
export async function endOpenSweeps(trx: Trx, feedId: number, atMs: number): Promise<void> {
  await trx
    .updateTable('sweeps')
    .set({ ended_at_ms: wholeMs(atMs), outcome: 'superseded' })
    .where('feed_id', '=', feedId)
    .where('ended_at_ms', 'is', null)
    .execute();
}

export async function beginSweep(
  trx: Trx,
  feedId: number,
  options: { queryHash: string; atMs: number; plannedMs: number },
): Promise<Sweep> {
  await endOpenSweeps(trx, feedId, options.atMs);
  const last = await trx
    .selectFrom('sweeps')
    .select('number')
    .where('feed_id', '=', feedId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  const { query_hash: feedHash } = await trx
    .selectFrom('feeds')
    .select('query_hash')
    .where('id', '=', feedId)
    .executeTakeFirstOrThrow();
  await trx
    .insertInto('sweeps')
    .values({
      feed_id: feedId,
      number: (last?.number ?? 0) + 1,
      query_hash: options.queryHash,
      started_at_ms: wholeMs(options.atMs),
      planned_ms: wholeMs(options.plannedMs),
      next_page: 0,
      row_count: 0,
      wire_row_count: 0,
      is_whole: Number(options.queryHash === feedHash),
    })
    .execute();
  return asSweep(await sweepsOf(trx, feedId).executeTakeFirstOrThrow());
}

/** A sweep that has ended keeps the outcome it has. */
export async function endSweep(
  trx: Trx,
  feedId: number,
  end: { number: number; atMs: number; outcome: SweepOutcome },
): Promise<void> {
  await storedSweep(trx, feedId, end.number);
  await trx
    .updateTable('sweeps')
    .set({ ended_at_ms: wholeMs(end.atMs), outcome: end.outcome })
    .where('feed_id', '=', feedId)
    .where('number', '=', end.number)
    .where('ended_at_ms', 'is', null)
    .execute();
}

/**
 * Moves `nextPage` back to `page`; a page that is not behind it changes nothing. Rows stay counted
 * once: their listings remember the sweep.
 *
 * @throws SweepOrderError when the sweep has ended.
 */
export async function rewindSweep(
  trx: Trx,
  feedId: number,
  { number, page }: { number: number; page: number },
): Promise<Sweep> {
  const sweep = await storedSweep(trx, feedId, number);
  if (sweep.ended_at_ms !== null) {
    throw new SweepOrderError(`sweep ${number} of "${sweep.feed}" has ended and cannot go back`);
  }
  if (page >= sweep.next_page) return asSweep(sweep);
  // The pages bought again will be counted again; up to a sweep's last one all are full alike.
  const kept = Math.floor((sweep.wire_row_count * page) / sweep.next_page);
  await trx
    .updateTable('sweeps')
    .set({ next_page: page, wire_row_count: kept })
    .where('feed_id', '=', feedId)
    .where('number', '=', number)
    .execute();
  return asSweep({ ...sweep, next_page: page, wire_row_count: kept });
}

/** A page on its way into a sweep. */
export interface SweepStep {
  readonly number: number;
  readonly page: number;
  readonly wireRows: number;
  /** Distinct rows that no page of the sweep has listed before. */
  readonly newRows: number;
  readonly atMs: number;
  readonly ends: SweepOutcome | undefined;
}

/**
 * Takes the step that a stored page makes. Storing a page again, also that which ended the sweep,
 * moves nothing.
 *
 * @throws SweepOrderError for a page beyond `nextPage`, or a new one of a sweep that has ended.
 */
export async function stepSweep(trx: Trx, feedId: number, step: SweepStep): Promise<void> {
  const sweep = await storedSweep(trx, feedId, step.number);
  if (step.page > sweep.next_page) {
    const { feed, number, next_page: nextPage } = sweep;
    throw new SweepOrderError(
      `page ${step.page} of sweep ${number} of "${feed}" came before page ${nextPage}`,
    );
  }
  const isNew = step.page === sweep.next_page;
  if (sweep.ended_at_ms !== null) {
    if (!isNew) return;
    throw new SweepOrderError(
      `page ${step.page} of sweep ${step.number} of "${sweep.feed}" came after its end`,
    );
  }
  await trx
    .updateTable('sweeps')
    .set({
      next_page: isNew ? step.page + 1 : sweep.next_page,
      row_count: sweep.row_count + step.newRows,
      wire_row_count: sweep.wire_row_count + (isNew ? step.wireRows : 0),
      ended_at_ms: step.ends === undefined ? null : wholeMs(step.atMs),
      outcome: step.ends ?? null,
    })
    .where('feed_id', '=', feedId)
    .where('number', '=', step.number)
    .execute();
}

async function storedSweep(trx: Trx, feedId: number, number: number): Promise<StoredSweep> {
  const row = await sweepsOf(trx, feedId).where('sweeps.number', '=', number).executeTakeFirst();
  if (row === undefined) throw new SweepOrderError(`there is no sweep ${number} of this feed`);
  return row;
}
