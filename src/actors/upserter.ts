/**
 * Keeps the table in touch with what is new: polls the head of every feed, newest first.
 *
 * A poll is one page of 5 tokens in the class `head`, which is kept apart from batches so that it
 * never waits behind them. Every row of the page is re-seen and re-priced for nothing; rows never
 * seen before become candidates. A page on which no row is known means that more is new than fits
 * a page, so the next one is bought too, but only once a first sweep has made the feed known:
 * before that everything is unknown, and catching up is the sweep's work.
 *
 * Invariants:
 * - the interval follows the measured rate, so that planned polls fit the class's share, and is
 *   measured anew while it runs: one planned in a poor hour does not outlast that hour;
 * - a page that could not be bought changes nothing, and the next round polls again;
 * - what is known decides only whether another page is bought, never what is stored.
 */
import { tickMs } from '../broker/token-bucket.ts';
import { newestFirst, withSort } from '../keepa/deal-query.ts';
import { type DealPage, dealPageLast, dealPageRows } from '../keepa/deal-row.ts';
import type { PassReport } from '../runtime/actor.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { DealReader, PageCounts } from '../store/ports.ts';
import type { Feed } from './feed.ts';
import { FeedBlocks } from './feed-blocks.ts';
import { buyPage, type ListingParts, outOfOrder, type Trouble } from './listing.ts';
import { headIntervalMs } from './planning.ts';

export interface UpserterOptions extends ListingParts {
  readonly feeds: readonly Feed[];
  readonly reader: DealReader;
  readonly clock: Clock;
  readonly log: Log;
  /** The class's part of the income, whole per cents. */
  readonly sharePercent: number;
}

interface Tally {
  pages: number;
  fresh: number;
  repriced: number;
  candidates: number;
  inversions: number;
  troubles: number;
}

/** How often a wait for the next round is planned anew. */
const replanMs = 10 * tickMs;

/** Makes the pass: one round of polls over all feeds, or none while the next is not due. */
export function upserterPass(
  options: UpserterOptions,
): (signal: AbortSignal) => Promise<PassReport> {
  const { feeds, broker, clock, sharePercent } = options;
  const blocks = new FeedBlocks(clock);
  /** Feeds whose first sweep was completed; that stays true while the configuration does. */
  const swept = new Set<string>();
  let startedAtMs: number | undefined;
  const untilNextMs = (): number => {
    const { netRate } = broker.snapshot();
    const intervalMs = headIntervalMs(feeds.length, { netRate, sharePercent });
    return startedAtMs === undefined
      ? 0
      : Math.max(0, startedAtMs + intervalMs - clock.monotonic());
  };
  return async (signal) => {
    const waitMs = untilNextMs();
    if (waitMs > 0) return { counts: { pages: 0 }, nextInMs: Math.min(waitMs, replanMs) };
    startedAtMs = clock.monotonic();
    const tally: Tally = {
      pages: 0,
      fresh: 0,
      repriced: 0,
      candidates: 0,
      inversions: 0,
      troubles: 0,
    };
    for (const feed of blocks.open(feeds)) {
      if (signal.aborted) break;
      const trouble = await pollHead(options, feed, { signal, tally, swept });
      if (trouble !== undefined) blocks.block(feed, trouble);
    }
    return { counts: { ...tally }, nextInMs: Math.min(untilNextMs(), replanMs) };
  };
}

/** Polls one feed's head, page after page while nothing on a page is known. */
async function pollHead(
  options: UpserterOptions,
  feed: Feed,
  { signal, tally, swept }: { signal: AbortSignal; tally: Tally; swept: Set<string> },
): Promise<Trouble | undefined> {
  const { log, reader } = options;
  const call = { endpoint: 'deal', query: withSort(feed.query, newestFirst) } as const;
  const isKnown = swept.has(feed.name) || (await hasBeenSwept(reader, feed));
  if (isKnown) swept.add(feed.name);
  for (let page = 0; page <= dealPageLast; page += 1) {
    const bought = await buyPage(options, {
      feed,
      spendClass: 'head',
      purpose: 'head-poll',
      call: { ...call, page },
      sweepOf: () => undefined,
      afterStore: async () => {},
      signal,
    });
    if ('trouble' in bought) {
      tally.troubles += 1;
      if (!signal.aborted) log.warn('head-poll', { feed: feed.name, why: bought.trouble });
      return bought;
    }
    count(tally, bought);
    const isLast = bought.page.wireRows < dealPageRows || bought.counts.known > 0;
    if (isLast || !isKnown || signal.aborted) break;
  }
  return undefined;
}

function count(tally: Tally, { page, counts }: { page: DealPage; counts: PageCounts }): void {
  tally.pages += 1;
  tally.fresh += counts.fresh;
  tally.repriced += counts.repriced;
  tally.candidates += counts.candidates;
  tally.inversions += outOfOrder(page.rows);
}

/** True once a sweep of this revision of the feed is complete: then an unknown row is news. */
async function hasBeenSwept(reader: DealReader, feed: Feed): Promise<boolean> {
  const status = (await reader.feeds()).find(({ name }) => name === feed.name);
  return status?.lastSweepAtMs !== undefined;
}
