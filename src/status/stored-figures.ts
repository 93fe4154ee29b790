/**
 * The part of the status report that comes from the deals database, with or without a daemon.
 */
import type { DealReader } from '../store/ports.ts';
import { feedReport, type StatusReport } from './report-fields.ts';

const hourMs = 3_600_000;
/** Three starts within this are a crash loop that a service manager would otherwise hide. */
const crashLoopMs = 300_000;

export interface Stored {
  readonly figures: Pick<StatusReport, 'feeds' | 'deals' | 'freshness' | 'recentStarts'>;
  readonly spentLastHour: number;
  readonly lastAnswerAtMs: number | undefined;
}

export async function readStored(reader: DealReader, nowMs: number): Promise<Stored> {
  const [deals, feeds, freshness, spent, lastAnswered, recentStarts] = await Promise.all([
    reader.countByState(),
    reader.feeds(),
    reader.freshness(nowMs),
    reader.spentSince(nowMs - hourMs),
    reader.lastAnswered(),
    reader.runsSince(nowMs - crashLoopMs),
  ]);
  return {
    figures: {
      recentStarts,
      feeds: feeds.map(feedReport),
      deals,
      freshness: freshness ?? { p50Ms: null, p95Ms: null, maxMs: null },
    },
    spentLastHour: spent.tokens,
    lastAnswerAtMs: lastAnswered?.atMs,
  };
}
