/**
 * Coverage gaps: times in which a feed was not looked at for longer than it remembers.
 *
 * Keepa lists what it looked at within a day. After an outage longer than that, deals may have come
 * and gone that nobody will ever see: no sweep brings them back, so the gap is recorded and shown
 * until a complete sweep of the whole feed, begun after it, has put the table in touch again.
 *
 * Invariant: at most one gap of a feed is open at a time.
 */
import type { Log } from '../runtime/log.ts';
import type { CoverageGap } from '../store/judging-ports.ts';
import type { DealReader, DealWriter, FeedStatus } from '../store/ports.ts';
import type { CompleteSweep } from './healthy-time.ts';

/** Rows leave a listing a day after Keepa's last look at them (recorded: 22.9 hours at most). */
const feedMemoryMs = 24 * 3_600_000;
const hourMs = 3_600_000;

export interface CoverageOptions {
  readonly reader: DealReader;
  readonly writer: DealWriter;
  readonly log: Log;
}

/**
 * Opens a gap for every configured feed that was last looked at too long ago. To be called before
 * the first page of a new process is stored, or the page would hide how long it was down.
 */
export async function openGaps(
  { reader, writer, log }: CoverageOptions,
  { feeds, nowMs }: { feeds: readonly FeedStatus[]; nowMs: number },
): Promise<void> {
  const gaps = await reader.gaps();
  for (const feed of feeds) {
    const fromMs = lastPageMs(feed);
    const isGap = fromMs !== undefined && nowMs - fromMs > feedMemoryMs;
    if (!feed.isConfigured || !isGap || openGapOf(gaps, feed.name) !== undefined) continue;
    await writer.openGap({ feed: feed.name, fromMs });
    log.warn('coverage-gap', { feed: feed.name, hours: Math.floor((nowMs - fromMs) / hourMs) });
  }
}

/**
 * Closes the feed's gap once every part of it has had a complete sweep that began after the gap.
 * `parts`: the complete sweeps of each part, newest first.
 */
export async function closeGap(
  { writer, log }: CoverageOptions,
  { gap, parts }: { gap: CoverageGap; parts: readonly (readonly CompleteSweep[])[] },
): Promise<boolean> {
  const lastSweeps = parts.map(([last]) => last);
  const isClosed = lastSweeps.every((last) => last !== undefined && last.startedAtMs > gap.fromMs);
  if (!isClosed) return false;
  const atMs = Math.max(...lastSweeps.map((last) => last?.endedAtMs ?? 0));
  await writer.closeGaps({ feed: gap.feed, atMs });
  const hours = Math.floor((atMs - gap.fromMs) / hourMs);
  log.info('coverage-gap-closed', { feed: gap.feed, hours });
  return true;
}

/** The feed's gap that no sweep has closed yet. */
export function openGapOf(gaps: readonly CoverageGap[], feed: string): CoverageGap | undefined {
  return gaps.find((gap) => gap.feed === feed && gap.closedAtMs === undefined);
}

/** When a page of the feed was last stored, as far as it was noted; undefined: never. */
function lastPageMs({ lastHeadAtMs, lastSweepAtMs }: FeedStatus): number | undefined {
  const times = [lastHeadAtMs, lastSweepAtMs].filter((ms) => ms !== undefined);
  return times.length === 0 ? undefined : Math.max(...times);
}
