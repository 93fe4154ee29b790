/**
 * What a look at the offers did not find, beside the listing at which it was looked for.
 *
 * An offer that was found is kept with its listing, and so every later judgement of that listing
 * goes by it. Of a look that found nothing only the date was kept, and the next judgement took the
 * listed price for one at which a copy can be bought.
 *
 * The generated column says so of the present listing. It is computed from the columns it speaks
 * of, so no write can forget it.
 */
import { type Kysely, sql } from 'kysely';

export async function lackingOffers(db: Kysely<unknown>): Promise<void> {
  const columns = [
    sql`lacked_offer text check (lacked_offer in ('none', 'unpriced'))
      check (lacked_offer is null or verified_at_ms is null)`,
    sql`lacked_listed_cents integer check (lacked_listed_cents >= 0)
      check (lacked_listed_cents is null or lacked_offer is not null)`,
    sql`lacked_created_at_ms integer
      check (lacked_created_at_ms is null or lacked_offer is not null)`,
    sql`lacks_offer text generated always as (case
      when price_cents is not distinct from lacked_listed_cents
      and created_at_ms is not distinct from lacked_created_at_ms then lacked_offer end) virtual`,
  ];
  for (const column of columns) await sql`alter table deals add column ${column}`.execute(db);
  // A verdict of the very instant of a look is that look's, and its reason what the look found.
  await sql`update deals set
    lacked_offer = case reason when 'no-live-offer' then 'none' else 'unpriced' end,
    lacked_listed_cents = judged_listed_cents,
    lacked_created_at_ms = judged_created_at_ms
    where verified_at_ms is null and offers_looked_at_ms = judged_at_ms
    and state in ('rejected', 'insufficient')
    and reason in ('no-live-offer', 'no-price-now')`.execute(db);
}
