/**
 * How many rows there are by what is bought for them. Apart from the other counts, which `status`
 * reads and has no time to load the query builder for.
 */
import type { Ask } from './ask.ts';
import { screenPrefix } from './columns.ts';

const isScreened = `ifnull(substr(reason, 1, ${screenPrefix.length}) = '${screenPrefix}', false)`;

/**
 * Live rows that their feeds' screens turned down, for which nothing is bought; and of the others
 * those that come so far that offers are bought for them, whatever became of it.
 */
export async function rowsByNeed(
  ask: Ask,
): Promise<{ readonly screened: number; readonly worthOffers: number }> {
  const [rows] = await ask<{ screened: number; worthOffers: number }>(
    `select
       count(*) filter (where ${isScreened}) as screened,
       count(*) filter (where not ${isScreened}
         and (state = 'accepted' or offers_looked_at_ms is not null)) as worthOffers
     from deals where state <> 'ended'`,
  );
  return rows ?? { screened: 0, worthOffers: 0 };
}
