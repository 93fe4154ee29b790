/**
 * What the status report reads of the database, each figure by the one query that it has.
 */
import type { Ask } from './ask.ts';
import { countByState, freshness, heldRows } from './deal-counts.ts';
import { feedStatuses } from './feeds.ts';
import { gaps } from './gaps.ts';
import { judgingTotals } from './judging-totals.ts';
import { lastAnswered, recentRequests, spentSince } from './ledger.ts';
import { pauseOf } from './pause.ts';
import type { FigureReader } from './ports.ts';
import { lastRun, runsSince } from './runs.ts';

/** Runs the questions in one snapshot of the database. */
type Asked = <T>(questions: (ask: Ask) => Promise<T>) => Promise<T>;

export function figuresOn(asked: Asked): FigureReader {
  return {
    countByState: () => asked(countByState),
    heldRows: () => asked(heldRows),
    judgingTotals: () => asked(judgingTotals),
    gaps: () => asked(gaps),
    feeds: () => asked(feedStatuses),
    freshness: (nowMs) => asked((ask) => freshness(ask, nowMs)),
    spentSince: (sinceMs) => asked((ask) => spentSince(ask, sinceMs)),
    recentRequests: (limit) => asked((ask) => recentRequests(ask, limit)),
    lastAnswered: () => asked(lastAnswered),
    lastRun: () => asked(lastRun),
    pause: (nowMs) => asked((ask) => pauseOf(ask, nowMs)),
    runsSince: (sinceMs) => asked((ask) => runsSince(ask, sinceMs)),
  };
}
