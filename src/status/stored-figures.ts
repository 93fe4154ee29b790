/**
 * The part of the status report that comes from the deals database, with or without a daemon.
 */
import type { CoverageGap } from '../store/judging-ports.ts';
import type { FeedStatus, FigureReader } from '../store/ports.ts';
import { feedReport, type GapReport, iso, type StatusReport } from './report-fields.ts';
import type { StatusSources } from './sources.ts';

const hourMs = 3_600_000;
/** Three starts within this are a crash loop that a service manager would otherwise hide. */
const crashLoopMs = 300_000;

export interface Stored {
  readonly figures: Pick<
    StatusReport,
    'feeds' | 'deals' | 'judging' | 'gaps' | 'freshness' | 'recentStarts'
  >;
  readonly spentLastHour: number;
  readonly lastAnswerAtMs: number | undefined;
}

/** `suspensions`: what a living daemon says of the feeds in which nothing ends now. */
export async function readStored(
  reader: FigureReader,
  { nowMs, suspensions }: { nowMs: number; suspensions?: ReturnType<StatusSources['suspensions']> },
): Promise<Stored> {
  const [deals, held, judging, gaps, feeds, freshness, spent, lastAnswered, recentStarts] =
    await Promise.all([
      reader.countByState(),
      reader.heldRows(),
      reader.judgingTotals(),
      reader.gaps(),
      reader.feeds(),
      reader.freshness(nowMs),
      reader.spentSince(nowMs - hourMs),
      reader.lastAnswered(),
      reader.runsSince(nowMs - crashLoopMs),
    ]);
  return {
    figures: {
      recentStarts,
      feeds: feeds.map((feed) => feedReport(feed, suspensions?.get(feed.name)?.why)),
      deals: { ...deals, held },
      judging,
      gaps: openGaps(gaps, feeds),
      freshness: freshness ?? { p50Ms: null, p95Ms: null, maxMs: null },
    },
    spentLastHour: spent.tokens,
    lastAnswerAtMs: lastAnswered?.atMs,
  };
}

/** Of a feed that was taken out of the configuration nobody will ever close the gap. */
function openGaps(
  gaps: readonly CoverageGap[],
  feeds: readonly FeedStatus[],
): readonly GapReport[] {
  const configured = new Set(feeds.filter((feed) => feed.isConfigured).map(({ name }) => name));
  return gaps
    .filter(({ feed, closedAtMs }) => closedAtMs === undefined && configured.has(feed))
    .map(({ feed, fromMs }) => ({ feed, from: iso(fromMs) }));
}
