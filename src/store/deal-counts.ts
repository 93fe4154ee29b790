/**
 * How many deals there are, and how fresh they are.
 *
 * The counts are asserted, not hoped for: every row is in exactly one state, and the total is
 * counted apart from the states (total = the sum over the states).
 */
import assert from 'node:assert/strict';
import type { Ask } from './ask.ts';
import { type DealState, dealStates, type Freshness } from './ports.ts';

export async function countByState(
  ask: Ask,
): Promise<Readonly<Record<DealState, number>> & { readonly total: number }> {
  const counted = await ask<{ state: DealState; rows: number }>(
    'select state, count(*) as rows from deals group by state',
  );
  const total = await countOf(ask, 'select count(*) as rows from deals');
  const counts = { candidate: 0, accepted: 0, rejected: 0, insufficient: 0, ended: 0 };
  for (const { state, rows } of counted) counts[state] = rows;
  const sum = dealStates.reduce((rows, state) => rows + counts[state], 0);
  assert.equal(total, sum, 'every deal is in exactly one known state');
  return { ...counts, total };
}

/** Rows that are due to end and wait for somebody's yes or for their own re-check. */
export async function heldRows(ask: Ask): Promise<number> {
  return await countOf(ask, 'select count(*) as rows from deals where held_at_ms is not null');
}

/**
 * How long ago the rows that have not ended were last seen, by nearest rank. A row last seen in the
 * future (the clock was set back) counts as seen now. Undefined while there are no rows.
 */
export async function freshness(ask: Ask, nowMs: number): Promise<Freshness | undefined> {
  // The state is written out, not bound: only so does the index over just those rows apply.
  const rows = await countOf(ask, "select count(*) as rows from deals where state <> 'ended'");
  if (rows === 0) return undefined;
  const ageAt = async (percent: number): Promise<number> => {
    const [found] = await ask<{ lastSeenAtMs: number }>(
      `select last_seen_at_ms as lastSeenAtMs from deals where state <> 'ended'
       order by last_seen_at_ms desc limit 1 offset ?`,
      Math.ceil((rows * percent) / 100) - 1,
    );
    assert(found !== undefined, 'the rows that were counted are there');
    return Math.max(0, nowMs - found.lastSeenAtMs);
  };
  return { p50Ms: await ageAt(50), p95Ms: await ageAt(95), maxMs: await ageAt(100) };
}

async function countOf(ask: Ask, text: string): Promise<number> {
  const [found] = await ask<{ rows: number }>(text);
  return found?.rows ?? 0;
}
