/**
 * Sees every row of every feed again and again: sweeps the listings page by page.
 *
 * A pass is one page. The sweep's cursor is stored twice: in the deals database, in the same
 * transaction as the page's rows, and afterwards as a checkpoint in the coordination store. At
 * start the older of the two wins, so that a database or a coordination store restored from a
 * backup repeats work and skips none (promises P1 and P2).
 *
 * Invariants:
 * - only an answered page with fewer rows than a page ends a sweep as complete; a refused, failed
 *   or odd answer ends nothing and moves no cursor;
 * - a sweep that reaches the API's last page is truncated: it proves no absence;
 * - no sweep begins before the refill rate is known: its plan would be a guess, and what a sweep
 *   proves is measured by its plan;
 * - a sweep slower than twice its plan is closed incomplete and starts again at page 0, because
 *   rows have moved too far meanwhile for its absences to mean anything.
 */
import { type DealPage, dealPageLast, dealPageRows } from '../keepa/deal-row.ts';
import type { PassReport } from '../runtime/actor.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { DealReader, Sweep, SweepOutcome } from '../store/ports.ts';
import type { Feed } from './feed.ts';
import { FeedBlocks } from './feed-blocks.ts';
import { type FeedPart, partsOf, splitPart } from './feed-parts.ts';
import { buyPage, type ListingParts, type PageBought } from './listing.ts';
import { type Income, plannedSweepMs, provingPlanMs } from './planning.ts';
import type { SweepProgress } from './sweep-progress.ts';

export interface BackfillerOptions extends ListingParts {
  readonly feeds: readonly Feed[];
  readonly reader: DealReader;
  readonly progress: SweepProgress;
  readonly clock: Clock;
  readonly log: Log;
  readonly sharePercent: number;
  /** The shortest time between the starts of two sweeps of one feed. */
  readonly sweepIntervalMs: number;
  /** A sweep has come to its end, and that is stored. */
  onSweepEnded?(feed: string, outcome: SweepOutcome): void;
}

/** How soon to look again whether checkpoints can be read and written. */
const retryMs = 5_000;
/** While the rate is not known; it doubles: the first answer comes at once, or after an outage. */
const untoldWaitMsFirst = 250;
const untoldWaitMsMax = 60_000;

/** Makes the pass: the next page of the sweep that is running or due. */
export function backfillerPass(
  options: BackfillerOptions,
): (signal: AbortSignal) => Promise<PassReport> {
  const blocks = new FeedBlocks(options.clock);
  let untoldWaitMs = untoldWaitMsFirst;
  return async (signal) => {
    if (options.broker.snapshot().netRate === undefined) {
      const nextInMs = untoldWaitMs;
      untoldWaitMs = Math.min(untoldWaitMsMax, 2 * untoldWaitMs);
      const isQuiet = nextInMs > untoldWaitMsFirst;
      return { counts: { pages: 0, why: 'the rate is not known' }, nextInMs, isQuiet };
    }
    const feeds = blocks.open(options.feeds);
    // What a page has left owing comes first: a crash is to repeat no more than that page.
    const owed = await options.progress.catchUp();
    const turn =
      owed === undefined ? await nextTurn(options, feeds, options.clock.now()) : { trouble: owed };
    if ('trouble' in turn) {
      return { counts: { pages: 0, why: turn.trouble }, nextInMs: retryMs };
    }
    if ('dueInMs' in turn) {
      const nextInMs = Math.min(turn.dueInMs, blocks.nextOpeningMs(options.feeds));
      return { counts: { pages: 0 }, nextInMs };
    }
    const { part, sweep } = turn;
    const { feed } = part;
    const bought = await sweepPage(options, { part, sweep, signal });
    const counts = { feed: feed.name, sweep: sweep.number, page: sweep.nextPage };
    if ('counts' in bought) {
      return { counts: { ...counts, ...bought.counts }, nextInMs: 0 };
    }
    blocks.block(feed, bought);
    return { counts: { ...counts, why: bought.trouble }, nextInMs: 0 };
  };
}

type Turn =
  | { readonly part: FeedPart; readonly sweep: Sweep }
  | { readonly dueInMs: number }
  /** The place of the checkpoints is away. */
  | { readonly trouble: string };

/** An unfinished sweep goes first; else the part whose next sweep has been due the longest. */
async function nextTurn(
  options: BackfillerOptions,
  feeds: readonly Feed[],
  nowMs: number,
): Promise<Turn> {
  const { reader, sweepIntervalMs } = options;
  const parts: FeedPart[] = [];
  for (const feed of feeds) parts.push(...(await partsOf(reader, feed)));
  for (const part of parts) {
    const sweep = await resumed(options, part);
    if (sweep === undefined) continue;
    return 'trouble' in sweep ? sweep : { part, sweep };
  }
  let first: { part: FeedPart; last: Sweep | undefined; dueInMs: number } | undefined;
  for (const part of parts) {
    const last = await reader.lastSweep(part.identity);
    const isSplit = last?.outcome === 'truncated' && (await splitPart(options.writer, part));
    if (isSplit) return { dueInMs: 0 };
    const dueInMs = dueIn(last, sweepIntervalMs, nowMs);
    if (first === undefined || dueInMs < first.dueInMs) first = { part, last, dueInMs };
  }
  if (first === undefined) return { dueInMs: Number.POSITIVE_INFINITY };
  const { part, last, dueInMs } = first;
  if (dueInMs > 0) return { dueInMs };
  return { part, sweep: await begin(options, part, last) };
}

/**
 * Time until a part's next sweep may start; negative when overdue. A slow sweep starts again at
 * once, and so does one that seems to have begun in the future: the wall clock was set back, and
 * waiting for that date, or from now on at every look anew, would wait for years.
 */
function dueIn(last: Sweep | undefined, intervalMs: number, nowMs: number): number {
  if (last === undefined) return Number.NEGATIVE_INFINITY;
  if (last.outcome === 'slow' || last.startedAtMs > nowMs) return 0;
  return last.startedAtMs + intervalMs - nowMs;
}

async function begin(
  options: BackfillerOptions,
  { identity }: FeedPart,
  last: Sweep | undefined,
): Promise<Sweep> {
  return await options.writer.beginSweep(identity, {
    atMs: options.clock.now(),
    plannedMs: provingPlanMs(last?.rows, incomeOf(options)),
  });
}

function incomeOf({ broker, sharePercent }: BackfillerOptions): Income {
  return { netRate: broker.snapshot().netRate, sharePercent };
}

/** The part's unfinished sweep at the page where both memories agree, unless it is too slow. */
async function resumed(
  options: BackfillerOptions,
  { feed, identity }: FeedPart,
): Promise<Sweep | { readonly trouble: string } | undefined> {
  const { writer, progress, clock, log } = options;
  const sweep = await writer.openSweep(identity);
  if (sweep === undefined) return undefined;
  if (isSlow(options, sweep)) {
    const tookMs = clock.now() - sweep.startedAtMs;
    log.warn('sweep-slow', { feed: feed.name, sweep: sweep.number, tookMs });
    await writer.endSweep(sweep, { atMs: clock.now(), outcome: 'slow' });
    options.onSweepEnded?.(feed.name, 'slow');
    return undefined;
  }
  const agreed = await progress.resumeAt(feed.name, sweep);
  if ('trouble' in agreed) return agreed;
  const { page } = agreed;
  return page === sweep.nextPage ? sweep : await writer.rewindSweep(sweep, page);
}

/** The rate may have fallen since the sweep began: the plan is the longer of then and now. */
function isSlow(options: BackfillerOptions, sweep: Sweep): boolean {
  const plannedNowMs = plannedSweepMs(sweep.rows, incomeOf(options));
  const allowedMs = 2 * Math.max(sweep.plannedMs, plannedNowMs);
  return options.clock.now() - sweep.startedAtMs > allowedMs;
}

async function sweepPage(
  options: BackfillerOptions,
  { part, sweep, signal }: { part: FeedPart; sweep: Sweep; signal: AbortSignal },
): Promise<PageBought> {
  const { feed, query } = part;
  const page = sweep.nextPage;
  let outcome: SweepOutcome | undefined;
  const bought = await buyPage(options, {
    feed,
    spendClass: 'backfill',
    purpose: 'sweep',
    call: { endpoint: 'deal', query, page },
    sweepOf: (answer) => {
      // A last page may have been on its way for hours, and the pages before it are that old.
      outcome = endOf(answer, page, isSlow(options, sweep));
      return { number: sweep.number, page, ...(outcome === undefined ? {} : { ends: outcome }) };
    },
    // After the rows, never before: a checkpoint ahead of the store would skip a page.
    afterStore: () => options.progress.stored(feed.name, sweep, page + 1),
    signal,
  });
  if ('counts' in bought && outcome !== undefined) options.onSweepEnded?.(feed.name, outcome);
  return bought;
}

/**
 * Whether this answer ends its sweep. At the API's last page there may be more than it shows, and
 * what took too long proves nothing.
 */
function endOf(answer: DealPage, page: number, isSlowSweep: boolean): SweepOutcome | undefined {
  if (page >= dealPageLast) return 'truncated';
  if (answer.wireRows >= dealPageRows) return undefined;
  return isSlowSweep ? 'slow' : 'complete';
}
