/**
 * What was decided and paid for each product, in the order in which it happened.
 *
 * It answers "why is this row as it is?", and it is the memory by which a batch that is stored
 * again is recognised: what happened once is noted once, and only what is newly noted takes effect.
 */
import type { Insertable } from 'kysely';
import { wholeMs, withoutNulls } from './column-values.ts';
import type { DealKey, PastEvent } from './judging-ports.ts';
import type { PastTable, Trx } from './tables.ts';

type Happening = Pick<Insertable<PastTable>, 'purpose' | 'kind' | 'text'> & {
  readonly domainId: number;
  readonly asin: string;
  /** Absent: it concerns all deals of the product. */
  readonly priceType?: number;
  readonly atMs: number;
  readonly priceCents?: number | undefined;
  readonly costTokens?: number;
};

/** Adds it to the past; false when it is there already. */
export async function note(trx: Trx, happening: Happening): Promise<boolean> {
  const { domainId, asin, purpose, kind, text } = happening;
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('past')
    .values({
      domain_id: domainId,
      asin,
      price_type: happening.priceType ?? null,
      at_ms: wholeMs(happening.atMs),
      purpose,
      kind,
      text,
      price_cents: happening.priceCents ?? null,
      cost_tokens: happening.costTokens ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

/** Oldest first, by order of writing, for a wall clock may jump. */
export async function pastOf(
  trx: Trx,
  { domainId, asin }: Pick<DealKey, 'domainId' | 'asin'>,
): Promise<readonly PastEvent[]> {
  const rows = await trx
    .selectFrom('past')
    .select([
      'at_ms as atMs',
      'kind',
      'text',
      'price_cents as priceCents',
      'cost_tokens as costTokens',
    ])
    .where('domain_id', '=', domainId)
    .where('asin', '=', asin)
    .orderBy('id')
    .execute();
  return rows.map(withoutNulls);
}
