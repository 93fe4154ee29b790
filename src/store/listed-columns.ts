/**
 * A row of a listing as columns.
 *
 * Two kinds of absence are kept apart. A market figure that a listing leaves out is unknown from
 * now on and becomes null: a price that vanished is no offer, not the last offer. What describes
 * the product or dates the deal (title, image, parent, category, creation, update) does not go away
 * because one answer lacks it, so the last known value stays.
 */
import {
  type ExpressionBuilder,
  type OnConflictDatabase,
  type OnConflictTables,
  sql,
} from 'kysely';
import type { DealRow } from '../keepa/deal-row.ts';
import type { DealsTable, ListedColumns, Tables } from './tables.ts';

export function listedColumns(row: DealRow): ListedColumns {
  const { averageCents, averageRank, rankDrops } = row;
  return {
    title: row.title,
    image_name: row.imageName ?? null,
    parent_asin: row.parentAsin ?? null,
    root_category: row.rootCategory ?? null,
    price_cents: row.priceCents ?? null,
    price_since_ms: row.priceSinceMs ?? null,
    average_day_cents: averageCents.day ?? null,
    average_week_cents: averageCents.week ?? null,
    average_month_cents: averageCents.month ?? null,
    average_quarter_cents: averageCents.quarter ?? null,
    rank: row.rank ?? null,
    average_rank_day: averageRank.day ?? null,
    average_rank_week: averageRank.week ?? null,
    average_rank_month: averageRank.month ?? null,
    average_rank_quarter: averageRank.quarter ?? null,
    rank_drops_30: rankDrops.days30 ?? null,
    rank_drops_90: rankDrops.days90 ?? null,
    rank_drops_180: rankDrops.days180 ?? null,
    rank_drops_365: rankDrops.days365 ?? null,
    amazon_cents: row.amazonCents ?? null,
    new_cents: row.newCents ?? null,
    used_cents: row.usedCents ?? null,
    new_offers: row.newOffers ?? null,
    used_offers: row.usedOffers ?? null,
    created_at_ms: row.createdAtMs ?? null,
    updated_at_ms: row.updatedAtMs ?? null,
  };
}

/** Columns that follow the listing, whether it has a value or not. */
const marketColumns = [
  'price_cents',
  'price_since_ms',
  'average_day_cents',
  'average_week_cents',
  'average_month_cents',
  'average_quarter_cents',
  'rank',
  'average_rank_day',
  'average_rank_week',
  'average_rank_month',
  'average_rank_quarter',
  'rank_drops_30',
  'rank_drops_90',
  'rank_drops_180',
  'rank_drops_365',
  'amazon_cents',
  'new_cents',
  'used_cents',
  'new_offers',
  'used_offers',
] as const satisfies readonly (keyof ListedColumns)[];

/** Columns that keep their last known value. */
const lastingColumns = [
  'image_name',
  'parent_asin',
  'root_category',
  'created_at_ms',
  'updated_at_ms',
] as const satisfies readonly (keyof ListedColumns)[];

/** What a page decides about a row beside its figures. */
const decidedColumns = [
  'feed_id',
  'state',
  'reason',
  'last_seen_at_ms',
  'promise',
  'candidate_since_ms',
  'seen_healthy_ms',
  'rechecked_at_ms',
  'recheck_passes',
  'held_at_ms',
  'is_hold_confirmed',
  'ended_at_ms',
] as const satisfies readonly (keyof DealsTable)[];

/** The assignments that bring a known row up to date; every other column stays as it is. */
export function listedChange(
  builder: ExpressionBuilder<OnConflictDatabase<Tables, 'deals'>, OnConflictTables<'deals'>>,
) {
  const excluded = [...marketColumns, ...decidedColumns].map((column) => [
    column,
    builder.ref(`excluded.${column}`),
  ]);
  const lasting = lastingColumns.map((column) => [
    column,
    builder.fn.coalesce(`excluded.${column}`, `deals.${column}`),
  ]);
  const title = sql`coalesce(nullif(excluded.title, ''), deals.title)`;
  return Object.fromEntries([...excluded, ...lasting, ['title', title]]);
}
