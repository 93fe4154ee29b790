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
  readonly isPartial: boolean;
  /** Absent: it never completed a sweep. */
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

/** The parts of a partial feed differ in size by nature, and nothing ends in it by absence. */
function shortSupply({ isPartial, supply }: WatchedFeed): Suspension | undefined {
  if (isPartial || supply?.medianRows === undefined) return undefined;
  const { lastRows, medianRows } = supply;
  if (lastRows >= supplyPartMin * medianRows) return undefined;
  const why = `the last sweep lists ${lastRows} rows, the median of a week is ${medianRows}`;
  return { kind: 'supply', why };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
