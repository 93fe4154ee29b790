/**
 * Deletes for good: rows that ended long ago, and with the last row of a product its evidence; and
 * the records of how the work went, which a daemon that runs for years would drown in.
 *
 * The past of a product is cut at the same age, whether its rows live or not: rows are re-judged
 * whenever their price changes, so what is noted of them would otherwise grow without end.
 */
import { wholeMs } from './column-values.ts';
import { ended } from './columns.ts';
import type { Trx } from './tables.ts';

/**
 * Purges what is older than `retentionMs`; how many rows went away, their listings with them. Age
 * ends at the last look at Keepa's lists: a wall clock that jumped ahead makes nothing old.
 */
export async function purge(
  trx: Trx,
  { atMs, retentionMs }: { readonly atMs: number; readonly retentionMs: number },
): Promise<number> {
  const lookedAtMs = await lastLook(trx);
  if (lookedAtMs === undefined) return 0;
  const before = wholeMs(Math.min(atMs, lookedAtMs) - retentionMs);
  await trx.deleteFrom('past').where('at_ms', '<', before).execute();
  const purged = await trx
    .deleteFrom('deals')
    .where('state', '=', ended)
    .where('ended_at_ms', '<', before)
    .returning(['asin', 'domain_id'])
    .execute();
  for (const { asin, domain_id: domainId } of purged) {
    const other = await trx
      .selectFrom('deals')
      .select('id')
      .where('asin', '=', asin)
      .where('domain_id', '=', domainId)
      .executeTakeFirst();
    if (other !== undefined) continue;
    for (const table of ['evidence', 'past'] as const) {
      await trx
        .deleteFrom(table)
        .where('domain_id', '=', domainId)
        .where('asin', '=', asin)
        .execute();
    }
  }
  return purged.length;
}

/** Longer than anything looks back by itself: a week for the supply, weeks for learned costs. */
const recordsKeptMs = 90 * 86_400_000;

/** Cuts the ledger, the runs and the sweeps at one age, which ends at the last look as above. */
export async function purgeRecords(trx: Trx, nowMs: number): Promise<void> {
  const lookedAtMs = await lastLook(trx);
  if (lookedAtMs === undefined) return;
  const before = wholeMs(Math.min(nowMs, lookedAtMs) - recordsKeptMs);
  await trx.deleteFrom('ledger').where('at_ms', '<', before).execute();
  // The run of this process may be the only one, and old.
  await trx
    .deleteFrom('runs')
    .where('started_at_ms', '<', before)
    .where('id', '<', ({ selectFrom }) =>
      selectFrom('runs as later').select(({ fn }) => fn.max('later.id').as('last')),
    )
    .execute();
  // The last of a feed stays, or the next one would get a number that listings remember.
  await trx
    .deleteFrom('sweeps')
    .where('ended_at_ms', '<', before)
    .where(({ eb, selectFrom }) =>
      eb(
        'number',
        '<',
        selectFrom('sweeps as later')
          .select(({ fn }) => fn.max('later.number').as('last'))
          .whereRef('later.feed_id', '=', 'sweeps.feed_id'),
      ),
    )
    .execute();
}

/** When a listed row was last stored, or a feed last polled; undefined: neither ever. */
async function lastLook(trx: Trx): Promise<number | undefined> {
  const { seenMs } = await trx
    .selectFrom('deals')
    .select(({ fn }) => fn.max('last_seen_at_ms').as('seenMs'))
    .where('state', '!=', ended)
    .executeTakeFirstOrThrow();
  const { polledMs } = await trx
    .selectFrom('feeds')
    .select(({ fn }) => fn.max('last_head_at_ms').as('polledMs'))
    .executeTakeFirstOrThrow();
  const looks = [seenMs, polledMs].filter((atMs) => atMs !== null);
  return looks.length === 0 ? undefined : Math.max(...looks);
}
