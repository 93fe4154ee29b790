/**
 * Whether rows of a feed may end now, and if not, why not.
 *
 * A row may only end while its feed is being looked at and lists what it usually does. An outage
 * makes every row look gone; so does an edited query, or an answer that is suddenly short. In all
 * of these it is the looking that changed and not the market, so nothing ends until it is cleared
 * up.
 */
import type { CoverageGap, Supply } from '../store/judging-ports.ts';
import { type CompleteSweep, type Rounds, unwatchedSinceMs } from './healthy-time.ts';

/** A complete sweep with as many rows as were on the wire. */
export interface SizedSweep extends CompleteSweep {
  readonly rows: number;
}

export interface Suspension {
  readonly kind: 'halted' | 'not-swept' | 'unwatched' | 'gap' | 'revised' | 'supply';
  /** For people, in a few words. */
  readonly why: string;
}

/** A configured feed as the janitor sees it. */
export interface WatchedFeed {
  readonly name: string;
  /** The complete sweeps of each part under the present revision of the query, newest first. */
  readonly parts: readonly (readonly CompleteSweep[])[];
  /** Of the feed as a whole, in however many parts it is swept; absent: none of it ever was. */
  readonly supply: Supply | undefined;
  readonly gap: CoverageGap | undefined;
}

/** Two sweeps must lack a row before it may end, so as many of the present query must there be. */
const sweepsMin = 2;
/** A sweep with fewer rows than this part of the week's median is no news about the rows. */
const supplyPartMin = 0.5;

/**
 * The first reason why nothing may end in the feed; undefined: rows may end. `haltedWhy`: why no
 * token is being spent at all.
 */
export function suspensionOf(
  feed: WatchedFeed,
  { rounds, nowMs, haltedWhy }: { rounds: Rounds; nowMs: number; haltedWhy: string | undefined },
): Suspension | undefined {
  if (haltedWhy !== undefined) return { kind: 'halted', why: `no token is spent: ${haltedWhy}` };
  const since = feed.parts.map((sweeps) => unwatchedSinceMs(sweeps, rounds, nowMs));
  if (since.includes(0)) return { kind: 'not-swept', why: 'no complete sweep of this query yet' };
  const unwatchedMs = Math.min(...since.filter((ms) => ms !== undefined));
  if (Number.isFinite(unwatchedMs)) {
    return { kind: 'unwatched', why: `no complete sweep since ${isoOf(unwatchedMs)}` };
  }
  if (feed.gap !== undefined) {
    return { kind: 'gap', why: `not looked at from ${isoOf(feed.gap.fromMs)} on` };
  }
  if (feed.parts.some((sweeps) => sweeps.length < sweepsMin)) {
    return { kind: 'revised', why: `fewer than ${sweepsMin} complete sweeps of this query` };
  }
  return shortSupply(feed);
}

function shortSupply({ supply, parts }: WatchedFeed): Suspension | undefined {
  if (supply?.medianRows === undefined) return undefined;
  const { lastRows, medianRows } = supply;
  if (lastRows >= supplyPartMin * medianRows) return undefined;
  const isDivided = parts.length > 1;
  const last = isDivided ? 'the last sweeps of its parts list' : 'the last sweep lists';
  const median = isDivided ? 'the medians of a week are' : 'the median of a week is';
  return { kind: 'supply', why: `${last} ${lastRows} rows, ${median} ${medianRows}` };
}

/**
 * The size of a feed that is swept in parts: of each part the last sweep of a week, newest first,
 * and the median of those that ended before it began, added up. Rows that change their price move
 * from part to part, so only the sum tells anything; parts that were swept only once, as they are
 * after a part was split, are in neither sum.
 */
export function supplyOfParts(parts: readonly (readonly SizedSweep[])[]): Supply | undefined {
  const sums = { lastRows: 0, medianRows: 0 };
  let isMeasured = false;
  for (const [last, ...sweeps] of parts) {
    const before = sweeps.filter(({ endedAtMs }) => endedAtMs <= (last?.startedAtMs ?? 0));
    const sizes = before.map(({ rows }) => rows).toSorted((a, b) => a - b);
    const medianRows = sizes[Math.floor((sizes.length - 1) / 2)];
    if (last === undefined || medianRows === undefined) continue;
    sums.lastRows += last.rows;
    sums.medianRows += medianRows;
    isMeasured = true;
  }
  return isMeasured ? sums : undefined;
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
