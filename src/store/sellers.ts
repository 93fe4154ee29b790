/**
 * Sellers: who was looked up, when, and what was found.
 *
 * A seller per verification would cost a token each time, so what is known of one is kept for
 * weeks. One that Keepa does not know is kept as well: asking again would not make it known.
 */
import { wholeMs, withoutNulls } from './column-values.ts';
import { accepted } from './columns.ts';
import type { JudgingReader, JudgingWriter } from './judging-ports.ts';
import type { Trx } from './tables.ts';

/** Known and unknown ones alike count as looked up at `atMs`; a newer answer replaces an older. */
export async function storeSellers(
  trx: Trx,
  batch: Parameters<JudgingWriter['storeSellers']>[0],
): Promise<void> {
  const found = batch.sellers.map((seller) => ({
    seller_id: seller.sellerId,
    is_known: 1,
    name: seller.name ?? null,
    rating_percent: seller.ratingPercent ?? null,
    rating_count: seller.ratingCount ?? null,
    is_fba: seller.isFba === undefined ? null : Number(seller.isFba),
  }));
  const nothing = { is_known: 0, name: null, rating_percent: null, rating_count: null };
  const missing = batch.missing.map((sellerId) => ({
    seller_id: sellerId,
    ...nothing,
    is_fba: null,
  }));
  for (const seller of [...found, ...missing]) {
    const { seller_id, ...figures } = seller;
    const change = { ...figures, looked_up_at_ms: wholeMs(batch.atMs) };
    await trx
      .insertInto('sellers')
      .values({ domain_id: batch.domainId, seller_id, ...change })
      .onConflict((conflict) => conflict.columns(['domain_id', 'seller_id']).doUpdateSet(change))
      .execute();
  }
}

/** Sellers of accepted rows with a live offer that nobody looked up since, by domain and id. */
export async function sellersDue(
  trx: Trx,
  { sinceMs, limit }: { sinceMs: number; limit: number },
): Promise<readonly { readonly domainId: number; readonly sellerId: string }[]> {
  return await trx
    .selectFrom('deals')
    .leftJoin('sellers', (join) =>
      join
        .onRef('sellers.domain_id', '=', 'deals.domain_id')
        .onRef('sellers.seller_id', '=', 'deals.seller_id'),
    )
    .select(['deals.domain_id as domainId', 'deals.seller_id as sellerId'])
    .$narrowType<{ sellerId: string }>()
    .distinct()
    .where('deals.state', '=', accepted)
    .where('deals.seller_id', 'is not', null)
    .where((eb) =>
      eb.or([
        eb('sellers.looked_up_at_ms', 'is', null),
        eb('sellers.looked_up_at_ms', '<', wholeMs(sinceMs)),
      ]),
    )
    .orderBy('deals.domain_id')
    .orderBy('deals.seller_id')
    .limit(limit)
    .execute();
}

/** Undefined for a seller that was never looked up, and for one that Keepa does not know. */
export async function sellerOf(
  trx: Trx,
  { domainId, sellerId }: { domainId: number; sellerId: string },
): ReturnType<JudgingReader['seller']> {
  const row = await trx
    .selectFrom('sellers')
    .select([
      'seller_id as sellerId',
      'name',
      'rating_percent as ratingPercent',
      'rating_count as ratingCount',
      'is_fba as isFba',
      'looked_up_at_ms as seenAtMs',
    ])
    .where('domain_id', '=', domainId)
    .where('seller_id', '=', sellerId)
    .where('is_known', '=', 1)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { isFba, ...figures } = row;
  return withoutNulls({ ...figures, isFba: isFba === null ? null : isFba === 1 });
}
