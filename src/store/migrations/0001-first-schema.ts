/**
 * The first schema: fence, runs, feeds, sweeps, deals, listings, ledger.
 *
 * STRICT, so that a column holds what it says. The CHECKs state what no bug may write: money that
 * is no whole number of cents, a state nobody knows, a rejection without a reason, a verdict
 * without a date. Written once; a change is a new migration.
 */
import { type Kysely, sql } from 'kysely';
import { strict, strictByKey } from '../database.ts';

export async function firstSchema(db: Kysely<unknown>): Promise<void> {
  await createOperations(db);
  await createFeeds(db);
  await createDeals(db);
  await createListings(db);
}

async function createOperations(db: Kysely<unknown>): Promise<void> {
  await sql`create table fence (
    id integer primary key check (id = 1),
    newest integer not null check (newest >= 0)
  ) ${strict}`.execute(db);
  await sql`insert into fence (id, newest) values (1, 0)`.execute(db);

  await sql`create table runs (
    id integer primary key,
    instance text not null unique check (instance <> ''),
    version text not null,
    pid integer not null check (pid > 0),
    database_path text not null,
    started_at_ms integer not null,
    stopped_at_ms integer,
    stop_reason text
  ) ${strict}`.execute(db);
  await sql`create index runs_by_start on runs (started_at_ms)`.execute(db);

  await sql`create table ledger (
    id integer primary key,
    at_ms integer not null,
    spend_class text not null check (spend_class <> ''),
    purpose text not null,
    shape text not null,
    items integer not null check (items >= 0),
    hold_tokens real not null check (hold_tokens >= 0),
    cost_tokens real not null check (cost_tokens >= 0),
    balance_after real,
    outcome text not null check (outcome <> ''),
    why text,
    attempt integer not null check (attempt >= 0),
    took_ms integer not null,
    waited_ms integer not null
  ) ${strict}`.execute(db);
  await sql`create index ledger_by_time on ledger (at_ms)`.execute(db);
}

async function createFeeds(db: Kysely<unknown>): Promise<void> {
  await sql`create table feeds (
    id integer primary key,
    name text not null unique check (name <> ''),
    domain_id integer not null check (domain_id > 0),
    price_type integer not null check (price_type >= 0),
    query_hash text not null check (query_hash <> ''),
    is_configured integer not null check (is_configured in (0, 1)),
    configured_at_ms integer not null,
    last_head_at_ms integer,
    watermark_ms integer
  ) ${strict}`.execute(db);

  await sql`create table sweeps (
    feed_id integer not null references feeds (id),
    number integer not null check (number >= 1),
    query_hash text not null check (query_hash <> ''),
    started_at_ms integer not null,
    planned_ms integer not null check (planned_ms >= 0),
    next_page integer not null check (next_page >= 0),
    row_count integer not null check (row_count >= 0),
    wire_row_count integer not null check (wire_row_count >= 0),
    ended_at_ms integer,
    outcome text check (outcome in ('complete', 'truncated', 'slow', 'superseded')),
    primary key (feed_id, number),
    check ((ended_at_ms is null) = (outcome is null))
  ) ${strictByKey}`.execute(db);
  await sql`create unique index sweeps_open on sweeps (feed_id)
    where ended_at_ms is null`.execute(db);
}

async function createDeals(db: Kysely<unknown>): Promise<void> {
  await sql`create table deals (
    id integer primary key,
    asin text not null check (asin <> ''),
    domain_id integer not null check (domain_id > 0),
    price_type integer not null check (price_type >= 0),
    feed_id integer not null references feeds (id),
    state text not null
      check (state in ('candidate', 'accepted', 'rejected', 'insufficient', 'ended')),
    reason text check (reason <> ''),
    first_seen_at_ms integer not null,
    last_seen_at_ms integer not null,

    title text not null,
    image_name text,
    parent_asin text,
    root_category integer,
    price_cents integer check (price_cents >= 0),
    price_since_ms integer,
    average_day_cents integer check (average_day_cents >= 0),
    average_week_cents integer check (average_week_cents >= 0),
    average_month_cents integer check (average_month_cents >= 0),
    average_quarter_cents integer check (average_quarter_cents >= 0),
    rank integer check (rank >= 0),
    average_rank_day integer check (average_rank_day >= 0),
    average_rank_week integer check (average_rank_week >= 0),
    average_rank_month integer check (average_rank_month >= 0),
    average_rank_quarter integer check (average_rank_quarter >= 0),
    rank_drops_30 integer check (rank_drops_30 >= 0),
    rank_drops_90 integer check (rank_drops_90 >= 0),
    rank_drops_180 integer check (rank_drops_180 >= 0),
    rank_drops_365 integer check (rank_drops_365 >= 0),
    amazon_cents integer check (amazon_cents >= 0),
    new_cents integer check (new_cents >= 0),
    used_cents integer check (used_cents >= 0),
    new_offers integer check (new_offers >= 0),
    used_offers integer check (used_offers >= 0),
    created_at_ms integer,
    updated_at_ms integer,

    judged_at_ms integer,
    judged_price_cents integer check (judged_price_cents >= 0),
    judged_created_at_ms integer,
    rule_version integer check (rule_version >= 1),
    avg1y_cents integer check (avg1y_cents >= 0),
    percent_down real check (percent_down >= 0),
    list_at_cents integer check (list_at_cents >= 0),
    profit_cents integer,
    sales1y integer check (sales1y >= 0),
    trust real check (trust between 0 and 1),

    check (first_seen_at_ms <= last_seen_at_ms),
    check (state not in ('rejected', 'insufficient') or reason is not null),
    check (state not in ('candidate', 'accepted') or reason is null),
    check (state not in ('accepted', 'insufficient') or judged_at_ms is not null)
  ) ${strict}`.execute(db);
  await sql`create unique index deals_key on deals (asin, domain_id, price_type)`.execute(db);
  await sql`create index deals_by_state on deals (state)`.execute(db);
  await sql`create index deals_not_ended on deals (last_seen_at_ms)
    where state <> 'ended'`.execute(db);
}

async function createListings(db: Kysely<unknown>): Promise<void> {
  await sql`create table listings (
    feed_id integer not null references feeds (id),
    deal_id integer not null references deals (id) on delete cascade,
    first_seen_at_ms integer not null,
    last_seen_at_ms integer not null,
    last_sweep integer not null check (last_sweep >= 0),
    primary key (feed_id, deal_id),
    check (first_seen_at_ms <= last_seen_at_ms)
  ) ${strictByKey}`.execute(db);
  await sql`create index listings_by_deal on listings (deal_id)`.execute(db);
}
