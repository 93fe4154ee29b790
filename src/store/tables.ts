/**
 * The tables as kysely sees them; migrations/ makes them, with the constraints.
 *
 * A column that may be null is one whose value may be unknown: unknown is null, never zero. Money
 * is integer cents, instants are whole Unix milliseconds.
 */
import type { Generated, GeneratedAlways, Kysely, Transaction } from 'kysely';
import type { JudgementBatch, OfferLack, PastEvent } from './judging-ports.ts';
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

export interface FeedsTable {
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
  /** 0: it is of a part of the feed, under that part's query hash. */
  is_whole: Generated<number>;
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
  /** The row's own price at that time, with which its present one is compared. */
  judged_listed_cents: number | null;
  judged_created_at_ms: number | null;
  rule_version: number | null;
  avg1y_cents: number | null;
  percent_down: number | null;
  list_at_cents: number | null;
  profit_cents: number | null;
  sales1y: number | null;
  trust: number | null;
  trough_cents: number | null;
  sales_count: number | null;
  offer_drops: number | null;
  sane: number | null;
  /** A JSON list of words. */
  marks: string | null;
  /** Of the judged rows: whether the verdict is about another listing than the present one. */
  is_repriced: GeneratedAlways<number>;
}

/** The live offer that was seen last, and the listing it was looked for at. */
export interface VerifiedColumns {
  verified_at_ms: number | null;
  verified_listed_cents: number | null;
  verified_created_at_ms: number | null;
  landed_cents: number | null;
  shipping_cents: number | null;
  offer_condition: number | null;
  is_fba: number | null;
  seller_id: string | null;
}

/** What the last look at the offers did not find, and the listing it looked for it at. */
export interface LackColumns {
  lacked_offer: OfferLack | null;
  lacked_listed_cents: number | null;
  lacked_created_at_ms: number | null;
}

/** Where the row stands on the lists of work. */
interface WorkColumns {
  promise: number | null;
  /** Of candidates only. */
  candidate_since_ms: number | null;
  /** When the evidence kept of its product was bought. */
  evidence_at_ms: number | null;
  /** Of judged rows: the verdict followed a new price from evidence that was old by then. */
  wants_history: Generated<number>;
  /** When live offers were last looked at, whatever was found. */
  offers_looked_at_ms: number | null;
  /** Fruitless tries in a row; the next not before `retry_at_ms`. */
  attempts: Generated<number>;
  retry_at_ms: number | null;
  retried_for: JudgementBatch['purpose'] | null;
}

/** What brings the row to its end; a page that lists it clears all of this. */
interface EndingColumns {
  /** Healthy time so far when it was last seen. */
  seen_healthy_ms: Generated<number>;
  rechecked_at_ms: number | null;
  recheck_passes: number | null;
  held_at_ms: number | null;
  is_hold_confirmed: Generated<number>;
  ended_at_ms: number | null;
}

export interface DealsTable
  extends ListedColumns,
    JudgedColumns,
    VerifiedColumns,
    LackColumns,
    WorkColumns,
    EndingColumns {
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
  /** Whether the live offer that was seen is one at the present listing. */
  is_verified: GeneratedAlways<number>;
  /** What was not found, as long as the listing is the one it was looked for at. */
  lacks_offer: GeneratedAlways<OfferLack | null>;
}

/** Which feed listed which deal, and when last: a deal may be listed by several. */
interface ListingsTable {
  feed_id: number;
  deal_id: number;
  first_seen_at_ms: number;
  last_seen_at_ms: number;
  /** Number of the newest sweep of the feed that listed it; 0: only head polls did. */
  last_sweep: number;
  /** 1: it passed this feed's screen when the feed listed it last. */
  passes: Generated<number>;
}

export interface LedgerTable {
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

/** What calls of a shape cost lately; `bands` is a JSON object of lists of unit costs. */
interface LearnedCostsTable {
  shape: string;
  batch_max: number;
  bands: string;
  learned_at_ms: number;
}

interface EvidenceTable {
  id: Generated<number>;
  domain_id: number;
  asin: string;
  bought_at_ms: number;
  packed: Uint8Array;
}

interface SellersTable {
  domain_id: number;
  seller_id: string;
  looked_up_at_ms: number;
  /** 0: Keepa knows no such seller. */
  is_known: number;
  name: string | null;
  rating_percent: number | null;
  rating_count: number | null;
  is_fba: number | null;
}

/** What happened to a product, in the order in which it was written down. */
export interface PastTable {
  id: Generated<number>;
  domain_id: number;
  asin: string;
  /** Null: it concerns all deals of the product. */
  price_type: number | null;
  at_ms: number;
  purpose: JudgementBatch['purpose'] | 'ending';
  kind: PastEvent['kind'];
  text: string;
  price_cents: number | null;
  cost_tokens: number | null;
}

interface JudgingCountsTable {
  verdict: 'accepted' | 'rejected' | 'insufficient' | 'retry';
  /** Empty for `accepted` and `retry`. */
  reason: string;
  row_count: number;
}

/** How many were processed, counted apart from the verdicts; one row. */
interface JudgingProcessedTable {
  id: number;
  row_count: number;
}

/** One row. */
interface HealthyTimeTable {
  id: number;
  total_ms: number;
  as_of_ms: number | null;
}

/** One row, or none. */
interface PauseTable {
  id: number;
  since_ms: number;
  until_ms: number | null;
  reason: string | null;
}

interface CoverageGapsTable {
  feed_id: number;
  from_ms: number;
  closed_at_ms: number | null;
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
  learned_costs: LearnedCostsTable;
  evidence: EvidenceTable;
  sellers: SellersTable;
  past: PastTable;
  judging_counts: JudgingCountsTable;
  judging_processed: JudgingProcessedTable;
  healthy_time: HealthyTimeTable;
  coverage_gaps: CoverageGapsTable;
  pause: PauseTable;
}

export type StoreDatabase = Kysely<Tables>;
/** Store functions take this and never the database: the latter inside a transaction deadlocks. */
export type Trx = Transaction<Tables>;
