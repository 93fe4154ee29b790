/**
 * Healthy time: how long, all in all, the system looked at its feeds the way it should.
 *
 * A row's age is measured in it and not in hours on the wall, so that an outage, a pause or a
 * broken key ages nothing (promise P8). The janitor counts it; a page stamps its rows with the
 * total. Time is counted afterwards, by the sweep that covers it: a page cannot know yet how much
 * of the time before it will count: rows seen meanwhile get that part added to their stamps.
 *
 * Invariants:
 * - the total never goes down;
 * - no row ages by time before it was last seen, and what is uncertain of that is in its favour.
 */
import { sql } from 'kysely';
import { wholeMs } from './column-values.ts';
import { ended } from './columns.ts';
import type { Trx } from './tables.ts';

export async function healthyTime(
  trx: Trx,
): Promise<{ readonly totalMs: number; readonly asOfMs: number | undefined }> {
  const { total_ms: totalMs, as_of_ms: asOfMs } = await trx
    .selectFrom('healthy_time')
    .select(['total_ms', 'as_of_ms'])
    .executeTakeFirstOrThrow();
  return { totalMs, asOfMs: asOfMs ?? undefined };
}

/**
 * Adds healthy time that ended at `asOfMs`. The same instant counts once: adding it again is
 * nothing. An earlier one counts, for a wall clock may be set back.
 */
export async function addHealthyTime(
  trx: Trx,
  { ms, asOfMs }: { ms: number; asOfMs: number },
): Promise<void> {
  const until = wholeMs(asOfMs);
  const known = await healthyTime(trx);
  if (known.asOfMs === until) return;
  const addedMs = Math.max(0, wholeMs(ms));
  await trx
    .updateTable('healthy_time')
    .set({ total_ms: known.totalMs + addedMs, as_of_ms: until })
    .execute();
  const fromMs = Math.min(known.asOfMs ?? until, until - addedMs);
  await spareSeenRows(trx, { addedMs, fromMs });
}

/** Of the time added, what lies before a row was last seen does not age it. */
async function spareSeenRows(
  trx: Trx,
  { addedMs, fromMs }: { addedMs: number; fromMs: number },
): Promise<void> {
  await trx
    .updateTable('deals')
    .set({
      seen_healthy_ms: sql<number>`seen_healthy_ms + min(${addedMs}, last_seen_at_ms - ${fromMs})`,
    })
    .where('last_seen_at_ms', '>', fromMs)
    .where('state', '!=', ended)
    .execute();
}
