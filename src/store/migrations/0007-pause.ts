/**
 * The pause that a person asked for: since when, until when at the latest, and why.
 *
 * It is kept with the deals and not in the process, so that a restart, a crash or a standby that
 * takes over does not begin to spend what somebody wanted left alone. At most one row.
 */
import { type Kysely, sql } from 'kysely';
import { strict } from '../database.ts';

export async function pause(db: Kysely<unknown>): Promise<void> {
  await sql`create table pause (
    id integer primary key check (id = 1),
    since_ms integer not null,
    until_ms integer check (until_ms > since_ms),
    reason text check (length(reason) between 1 and 200)
  ) ${strict}`.execute(db);
}
