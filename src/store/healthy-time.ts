/**
 * Healthy time: how long, all in all, the system looked at its feeds the way it should.
 *
 * A row's age is measured in it and not in hours on the wall, so that an outage, a pause or a
 * broken key ages nothing (promise P8). The janitor counts it; a page stamps its rows with the
 * total.
 *
 * Invariant: the total never goes down.
 */
import { wholeMs } from './columns.ts';
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
  await trx
    .updateTable('healthy_time')
    .set({ total_ms: known.totalMs + Math.max(0, wholeMs(ms)), as_of_ms: until })
    .execute();
}
