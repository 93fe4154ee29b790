/**
 * Two facts about a row that nothing else told: when its offers were last looked at, and whether
 * its verdict was renewed from evidence that was old by then.
 *
 * A look at the offers may find none, and then there is no offer whose date could tell of it. A
 * verdict that follows a new price at once, whatever the age of the evidence, is no longer one
 * about another price, and that was what asked for new evidence.
 */
import { type Kysely, sql } from 'kysely';

export async function marksOfWork(db: Kysely<unknown>): Promise<void> {
  await sql`alter table deals add column offers_looked_at_ms integer`.execute(db);
  await sql`alter table deals add column wants_history integer not null default 0
    check (wants_history in (0, 1))`.execute(db);
  // A look that found nothing left its reason, one that found something the offer.
  await sql`update deals set offers_looked_at_ms = coalesce(verified_at_ms, judged_at_ms)
    where verified_at_ms is not null or reason = 'no-live-offer'`.execute(db);
  await sql`create index deals_wanting_history on deals (wants_history, promise desc)
    where wants_history = 1`.execute(db);
  await sql`drop index deals_to_verify`.execute(db);
  await sql`create index deals_to_verify on deals (state, profit_cents desc, verified_at_ms,
    is_verified, retry_at_ms, held_at_ms, is_repriced, wants_history, offers_looked_at_ms)
    where state = 'accepted'`.execute(db);
}
