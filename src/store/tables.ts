/**
 * The tables as kysely sees them; migrations/ makes them, with the constraints.
 *
 * A column that may be null is one whose value may be unknown: unknown is null, never zero. Money
 * is integer cents, instants are whole Unix milliseconds.
 */
import type { Generated, Kysely, Transaction } from 'kysely';
import type { DealState, SweepOutcome } from './ports.ts';

/** The newest fence that counts; one row. */
interface FenceTable {
  id: number;
  newest: number;
}

interface RunsTable {
  id: Generated<number>;
  instance: string;
  version: string;
  pid: number;
  database_path: string;
  started_at_ms: number;
  stopped_at_ms: number | null;
  stop_reason: string | null;
}

interface FeedsTable {
  id: Generated<number>;
  name: string;
  domain_id: number;
  price_type: number;
  query_hash: string;
  is_configured: number;
  configured_at_ms: number;
  /** Of the present revision of the query, like the watermark. */
  last_head_at_ms: number | null;
  watermark_ms: number | null;
}

export interface SweepsTable {
  feed_id: number;
  number: number;
  query_hash: string;
  started_at_ms: number;
  planned_ms: number;
  next_page: number;
  row_count: number;
  wire_row_count: number;
  ended_at_ms: number | null;
  outcome: SweepOutcome | null;
}

interface PriceBandsTable {
  feed_id: number;
  query_hash: string;
  low_cents: number;
  high_cents: number;
}

/** What a listing tells of a row; the columns that a page writes. */
export interface ListedColumns {
  title: string;
  image_name: string | null;
  parent_asin: string | null;
  root_category: number | null;
  price_cents: number | null;
  price_since_ms: number | null;
  average_day_cents: number | null;
  average_week_cents: number | null;
  average_month_cents: number | null;
  average_quarter_cents: number | null;
  rank: number | null;
  average_rank_day: number | null;
  average_rank_week: number | null;
  average_rank_month: number | null;
  average_rank_quarter: number | null;
  rank_drops_30: number | null;
  rank_drops_90: number | null;
  rank_drops_180: number | null;
  rank_drops_365: number | null;
  amazon_cents: number | null;
  new_cents: number | null;
  used_cents: number | null;
  new_offers: number | null;
  used_offers: number | null;
  created_at_ms: number | null;
  updated_at_ms: number | null;
}

/** What judging found, and what it judged; no page ever writes these. */
interface JudgedColumns {
  judged_at_ms: number | null;
  judged_price_cents: number | null;
  judged_created_at_ms: number | null;
  rule_version: number | null;
  avg1y_cents: number | null;
  percent_down: number | null;
  list_at_cents: number | null;
  profit_cents: number | null;
  sales1y: number | null;
  trust: number | null;
}

export interface DealsTable extends ListedColumns, JudgedColumns {
  id: Generated<number>;
  asin: string;
  domain_id: number;
  price_type: number;
  /** The feed that listed it last. */
  feed_id: number;
  state: DealState;
  reason: string | null;
  first_seen_at_ms: number;
  last_seen_at_ms: number;
}

/** Which feed listed which deal, and when last: a deal may be listed by several. */
interface ListingsTable {
  feed_id: number;
  deal_id: number;
  first_seen_at_ms: number;
  last_seen_at_ms: number;
  /** Number of the newest sweep of the feed that listed it; 0: only head polls did. */
  last_sweep: number;
}

interface LedgerTable {
  id: Generated<number>;
  at_ms: number;
  spend_class: string;
  purpose: string;
  shape: string;
  items: number;
  hold_tokens: number;
  cost_tokens: number;
  balance_after: number | null;
  outcome: string;
  why: string | null;
  attempt: number;
  took_ms: number;
  waited_ms: number;
}

export interface Tables {
  fence: FenceTable;
  runs: RunsTable;
  feeds: FeedsTable;
  sweeps: SweepsTable;
  price_bands: PriceBandsTable;
  deals: DealsTable;
  listings: ListingsTable;
  ledger: LedgerTable;
}

export type StoreDatabase = Kysely<Tables>;
/** Store functions take this and never the database: the latter inside a transaction deadlocks. */
export type Trx = Transaction<Tables>;
