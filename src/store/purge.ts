/**
 * Deletes for good: rows that ended long ago, and with the last row of a product its evidence; and
 * the records of how the work went, which a daemon that runs for years would drown in.
 *
 * The past of a product is cut at the same age, whether its rows live or not: rows are re-judged
 * whenever their price changes, so what is noted of them would otherwise grow without end.
 */
import { ended, wholeMs } from './columns.ts';
import type { Trx } from './tables.ts';

/** Returns how many rows went away. Their listings go with them. */
export async function purge(trx: Trx, beforeMs: number): Promise<number> {
  const before = wholeMs(beforeMs);
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

/** Cuts the ledger, the runs and the sweeps at one age. */
export async function purgeRecords(trx: Trx, nowMs: number): Promise<void> {
  const before = wholeMs(nowMs - recordsKeptMs);
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
