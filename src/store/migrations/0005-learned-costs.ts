/**
 * Learned costs: what calls of each shape turned out to cost lately, so that a start knows prices.
 *
 * It follows from the ledger, but only by a walk over all of it; one row per shape, replaced with
 * each answer, is what a start and a plan can afford to read.
 */
import { type Kysely, sql } from 'kysely';
import { strictByKey } from '../database.ts';

export async function learnedCosts(db: Kysely<unknown>): Promise<void> {
  await sql`create table learned_costs (
    shape text primary key check (shape <> ''),
    batch_max integer not null check (batch_max >= 1),
    bands text not null check (json_type(bands) = 'object'),
    learned_at_ms integer not null
  ) ${strictByKey}`.execute(db);
}
