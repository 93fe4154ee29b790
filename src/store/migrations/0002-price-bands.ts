/**
 * Price bands: the parts in which a feed is swept that lists more than Keepa shows of one query.
 */
import { type Kysely, sql } from 'kysely';
import { strictByKey } from '../database.ts';

export async function priceBands(db: Kysely<unknown>): Promise<void> {
  await sql`create table price_bands (
    feed_id integer not null references feeds (id),
    query_hash text not null,
    low_cents integer not null check (low_cents >= 0),
    high_cents integer not null check (high_cents >= low_cents),
    primary key (feed_id, query_hash, low_cents)
  ) ${strictByKey}`.execute(db);
}
