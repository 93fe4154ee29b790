/**
 * Deletes for good: rows that ended long ago, and with the last row of a product its evidence.
 *
 * The past of a product is cut at the same age, whether its rows live or not: rows are re-judged
 * whenever their price changes, so what is noted of them would otherwise grow without end.
 */
import { wholeMs } from './column-values.ts';
import { ended } from './columns.ts';
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
