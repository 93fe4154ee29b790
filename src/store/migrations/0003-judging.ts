/**
 * Judging: what a row promises, its evidence, verdict and live offer, its re-checks and its end.
 *
 * Two generated columns name what several work lists ask: whether a verdict is about another
 * listing than the present one, and whether the live offer was seen at the present one. They are
 * computed from the columns they speak of, so no write can forget them.
 *
 * The indexes are partial: a work list is read thousands of times a day and mostly finds little, so
 * each has an index of just the rows that could be on it, in the order in which they are wanted,
 * with what else decides. They begin with the column that they are partial by, which looks idle:
 * without it SQLite prefers the index over all states, and sorts.
 */
import { type Kysely, sql } from 'kysely';
import { strict, strictByKey } from '../database.ts';

export async function judging(db: Kysely<unknown>): Promise<void> {
  await addColumns(db);
  await bringRowsUpToDate(db);
  await indexWorkLists(db);
  await createEvidence(db);
  await createPast(db);
  await createHealth(db);
}

const purposes = sql.raw("('history', 'verify', 'recheck', 'rejudge')");
/** A judged row: its state is a verdict, not the answer of a feed's screen. */
const isJudged = sql.raw(`(state in ('accepted', 'insufficient')
  or (state = 'rejected' and substr(reason, 1, 7) <> 'screen:'))`);

async function addColumns(db: Kysely<unknown>): Promise<void> {
  const columns = [
    sql`promise real`,
    sql`candidate_since_ms integer`,
    sql`seen_healthy_ms integer not null default 0 check (seen_healthy_ms >= 0)`,
    sql`evidence_at_ms integer`,
    sql`attempts integer not null default 0 check (attempts >= 0)`,
    sql`retry_at_ms integer`,
    sql`retried_for text check (retried_for in ${purposes})`,

    sql`judged_listed_cents integer check (judged_listed_cents >= 0)`,
    sql`trough_cents integer check (trough_cents >= 0)`,
    sql`sales_count integer check (sales_count >= 0)`,
    sql`offer_drops integer check (offer_drops >= 0)`,
    sql`sane integer check (sane >= 0)`,
    sql`marks text check (json_valid(marks))`,

    sql`verified_at_ms integer`,
    sql`verified_listed_cents integer check (verified_listed_cents >= 0)`,
    sql`verified_created_at_ms integer`,
    sql`landed_cents integer check (landed_cents >= 0)
      check ((landed_cents is null) = (verified_at_ms is null))`,
    sql`shipping_cents integer check (shipping_cents between 0 and landed_cents)
      check ((shipping_cents is null) = (verified_at_ms is null))`,
    sql`offer_condition integer check ((offer_condition is null) = (verified_at_ms is null))`,
    sql`is_fba integer check (is_fba in (0, 1))
      check ((is_fba is null) = (verified_at_ms is null))`,
    sql`seller_id text check (seller_id <> '')`,

    sql`rechecked_at_ms integer`,
    sql`recheck_passes integer check (recheck_passes in (0, 1))
      check ((recheck_passes is null) = (rechecked_at_ms is null))`,
    sql`held_at_ms integer check (held_at_ms is null or state <> 'ended')`,
    sql`is_hold_confirmed integer not null default 0
      check (is_hold_confirmed = 0 or (is_hold_confirmed = 1 and held_at_ms is not null))`,
    sql`ended_at_ms integer check (ended_at_ms is null or state = 'ended')`,

    sql`is_repriced integer generated always as (case when ${isJudged} and (
      price_cents is distinct from judged_listed_cents
      or created_at_ms is distinct from judged_created_at_ms) then 1 else 0 end) virtual`,
    sql`is_verified integer generated always as (case when verified_at_ms is not null
      and price_cents is not distinct from verified_listed_cents
      and created_at_ms is not distinct from verified_created_at_ms then 1 else 0 end) virtual`,
  ];
  for (const column of columns) await sql`alter table deals add column ${column}`.execute(db);
  await sql`alter table sweeps add column
    is_whole integer not null default 1 check (is_whole in (0, 1))`.execute(db);
  await sql`alter table listings add column
    passes integer not null default 1 check (passes in (0, 1))`.execute(db);
}

/** What earlier rows can be told to have been: nothing here is guessed. */
async function bringRowsUpToDate(db: Kysely<unknown>): Promise<void> {
  await sql`update deals set candidate_since_ms = first_seen_at_ms
    where state = 'candidate'`.execute(db);
  await sql`update deals set judged_listed_cents = judged_price_cents
    where judged_at_ms is not null`.execute(db);
  await sql`update deals set ended_at_ms = last_seen_at_ms where state = 'ended'`.execute(db);
  // Where a feed was never split, no sweep can have been of a part.
  await sql`update sweeps set is_whole = 0
    where feed_id in (select feed_id from price_bands)
    and query_hash <> (select query_hash from feeds where id = feed_id)`.execute(db);
}

async function indexWorkLists(db: Kysely<unknown>): Promise<void> {
  const indexes = [
    sql`deals_to_buy on deals (state, promise desc, candidate_since_ms, evidence_at_ms,
      retry_at_ms, held_at_ms, domain_id, retried_for) where state = 'candidate'`,
    sql`deals_known_already on deals (state, evidence_at_ms, retried_for)
      where state = 'candidate' and evidence_at_ms is not null`,
    sql`deals_repriced on deals (is_repriced, promise desc) where is_repriced = 1`,
    sql`deals_accepted on deals (state, promise desc, evidence_at_ms, retry_at_ms, held_at_ms,
      domain_id, retried_for, is_repriced) where state = 'accepted'`,
    sql`deals_to_verify on deals (state, profit_cents desc, verified_at_ms, is_verified,
      retry_at_ms, held_at_ms, is_repriced) where state = 'accepted'`,
    sql`deals_by_seller on deals (state, domain_id, seller_id)
      where state = 'accepted' and seller_id is not null`,
    sql`deals_unseen on deals (feed_id, last_seen_at_ms) where state <> 'ended'`,
    sql`deals_by_health on deals (seen_healthy_ms) where state <> 'ended'`,
    sql`deals_held on deals (last_seen_at_ms) where held_at_ms is not null`,
    sql`deals_ended on deals (ended_at_ms) where state = 'ended'`,
    sql`sweeps_complete on sweeps (feed_id, number) where outcome = 'complete'`,
  ];
  for (const index of indexes) await sql`create index ${index}`.execute(db);
}

async function createEvidence(db: Kysely<unknown>): Promise<void> {
  await sql`create table evidence (
    id integer primary key,
    domain_id integer not null check (domain_id > 0),
    asin text not null check (asin <> ''),
    bought_at_ms integer not null,
    packed blob not null,
    unique (domain_id, asin)
  ) ${strict}`.execute(db);

  await sql`create table sellers (
    domain_id integer not null check (domain_id > 0),
    seller_id text not null check (seller_id <> ''),
    looked_up_at_ms integer not null,
    is_known integer not null check (is_known in (0, 1)),
    name text,
    rating_percent integer check (rating_percent between 0 and 100),
    rating_count integer check (rating_count >= 0),
    is_fba integer check (is_fba in (0, 1)),
    primary key (domain_id, seller_id)
  ) ${strictByKey}`.execute(db);
}

async function createPast(db: Kysely<unknown>): Promise<void> {
  await sql`create table past (
    id integer primary key,
    domain_id integer not null,
    asin text not null,
    price_type integer,
    at_ms integer not null,
    purpose text not null check (purpose in ${purposes} or purpose = 'ending'),
    kind text not null check (kind in ('judged', 'verified', 'retry', 'ended', 'bought')),
    text text not null,
    price_cents integer check (price_cents >= 0),
    cost_tokens real check (cost_tokens >= 0),
    check ((kind = 'bought') = (price_type is null))
  ) ${strict}`.execute(db);
  // What happened once is noted once: storing an answer again finds it here.
  await sql`create unique index past_once on past
    (domain_id, asin, at_ms, kind, purpose, coalesce(price_type, -1))`.execute(db);
  await sql`create index past_by_time on past (at_ms)`.execute(db);

  await sql`create table judging_counts (
    verdict text not null check (verdict in ('accepted', 'rejected', 'insufficient', 'retry')),
    reason text not null,
    row_count integer not null check (row_count > 0),
    primary key (verdict, reason),
    check ((reason = '') = (verdict in ('accepted', 'retry')))
  ) ${strictByKey}`.execute(db);
  await sql`create table judging_processed (
    id integer primary key check (id = 1),
    row_count integer not null check (row_count >= 0)
  ) ${strict}`.execute(db);
  await sql`insert into judging_processed (id, row_count) values (1, 0)`.execute(db);
}

async function createHealth(db: Kysely<unknown>): Promise<void> {
  await sql`create table healthy_time (
    id integer primary key check (id = 1),
    total_ms integer not null check (total_ms >= 0),
    as_of_ms integer
  ) ${strict}`.execute(db);
  await sql`insert into healthy_time (id, total_ms) values (1, 0)`.execute(db);

  await sql`create table coverage_gaps (
    feed_id integer not null references feeds (id),
    from_ms integer not null,
    closed_at_ms integer,
    primary key (feed_id, from_ms)
  ) ${strictByKey}`.execute(db);
  await sql`create unique index coverage_gaps_open on coverage_gaps (feed_id)
    where closed_at_ms is null`.execute(db);
}
