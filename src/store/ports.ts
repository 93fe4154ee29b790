/**
 * What the deals database offers, without a word about SQLite.
 *
 * The daemon that holds the lease is its one writer. Every write states the fence it was granted
 * and is refused, whole, once a newer one has been adopted (promise P6). Each method is one
 * transaction: it happens entirely or not at all, and doing it twice is as good as once.
 *
 * total = the sum over the states, always: nothing is hidden from the counts.
 */
import type { PriceRange } from '../keepa/deal-query.ts';
import type { DealRow } from '../keepa/deal-row.ts';
import type { JudgingReader, JudgingWriter, OfferLack } from './judging-ports.ts';

/** Life of a deal: design section 5. */
export const dealStates = ['candidate', 'accepted', 'rejected', 'insufficient', 'ended'] as const;
export type DealState = (typeof dealStates)[number];

/** A write came from a process that is no longer the writer. */
export class StaleFenceError extends Error {
  override readonly name = 'StaleFenceError';
  readonly fence: number;
  readonly newest: number;
  constructor(fence: number, newest: number) {
    super(`write under fence ${fence} refused: fence ${newest} has taken over`);
    this.fence = fence;
    this.newest = newest;
  }
}

export interface FeedIdentity {
  readonly name: string;
  readonly domainId: number;
  readonly priceType: number;
  /** Names the revision of the query; a sweep belongs to one revision. */
  readonly queryHash: string;
}

/** A page or an end that does not fit the sweep it names: a bug. Nothing was written. */
export class SweepOrderError extends Error {
  override readonly name = 'SweepOrderError';
}

/**
 * A listed row and what the feed's screen said of it; `rejectedFor` is absent when it passes. The
 * stored reason is `screen:` and then this word, so it can be told from a judged rejection.
 */
export interface ScreenedRow {
  readonly row: DealRow;
  readonly rejectedFor?: string;
  /** Expected profit per token, told from the row alone: candidates are bought in this order. */
  readonly promise?: number;
}

/** How a sweep came to its end. Only a complete one proves absence. */
export type SweepOutcome = 'complete' | 'truncated' | 'slow' | 'superseded';

export interface Sweep {
  readonly feed: string;
  readonly queryHash: string;
  /** Counts up per feed, from 1. */
  readonly number: number;
  readonly startedAtMs: number;
  readonly plannedMs: number;
  /** The page to ask for next: every page before it is stored. */
  readonly nextPage: number;
  /** Distinct rows it has listed so far. */
  readonly rows: number;
  /** Rows on the wire of its pages so far, readable or not, duplicates counted each time. */
  readonly wireRows: number;
  readonly endedAtMs?: number;
  readonly outcome?: SweepOutcome;
}

/** One answered listing page on its way into the store. */
export interface ListedPage {
  readonly feed: FeedIdentity;
  readonly rows: readonly ScreenedRow[];
  readonly seenAtMs: number;
  /** Rows on the wire, readable or not; absent: as many as `rows`. Kept for the size of a sweep. */
  readonly wireRows?: number;
  /** Absent for a head poll. Storing page n of a sweep moves its `nextPage` to n + 1. */
  readonly sweep?: { readonly number: number; readonly page: number; readonly ends?: SweepOutcome };
}

/** What a page brought; `rows` = `fresh` + `known`, and a duplicate within the page counts once. */
export interface PageCounts {
  readonly rows: number;
  /** Never seen before, in any feed. */
  readonly fresh: number;
  readonly known: number;
  /** Known rows whose price or creation date differs from what was stored. */
  readonly repriced: number;
  /** Rows that this page made `candidate`: fresh ones, and known ones that were not before. */
  readonly candidates: number;
  /** Rows that this page's screen rejected: fresh, re-priced, or not rejected before. */
  readonly rejected: number;
}

/** One line of the ledger of requests; the broker's LedgerEntry has this shape. */
export interface LedgerRecord {
  readonly atMs: number;
  readonly spendClass: string;
  readonly purpose: string;
  readonly shape: string;
  readonly items: number;
  readonly holdTokens: number;
  readonly costTokens: number;
  readonly balanceAfter: number | undefined;
  readonly outcome: string;
  readonly why: string | undefined;
  readonly attempt: number;
  readonly tookMs: number;
  readonly waitedMs: number;
}

/** One life of the daemon process. */
export interface Run {
  readonly instance: string;
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly stoppedAtMs?: number;
  readonly stopReason?: string;
  /** Absolute; filled in by the store itself, so that a second database cannot go unnoticed. */
  readonly databasePath?: string;
}

/** A person's wish that nothing be spent. */
export interface PauseOrder {
  /** When it ends by itself; absent: when somebody says so. */
  readonly untilMs?: number;
  /** For people, 1 to 200 characters. */
  readonly reason?: string;
}

export interface Pause extends PauseOrder {
  readonly sinceMs: number;
}

/** What the writer does. `fence` is bound when it is opened for writing. */
export interface DealWriter extends JudgingWriter {
  /** Raises the newest fence that counts. @throws StaleFenceError when a newer one is known. */
  adoptFence(): Promise<void>;
  /**
   * Goes on under a higher fence: what is written from now on counts under it, and what is under
   * way is not refused. @throws StaleFenceError when another has written since.
   */
  raiseFence(fence: number): Promise<void>;
  /** Makes the configured feeds known; a feed no longer configured keeps its rows. */
  syncFeeds(feeds: readonly FeedIdentity[], atMs: number): Promise<void>;
  /** The unfinished sweep of this feed and revision, if there is one. */
  openSweep(feed: FeedIdentity): Promise<Sweep | undefined>;
  /** Starts the next sweep; an unfinished one of the feed ends as `superseded`. */
  beginSweep(feed: FeedIdentity, options: { atMs: number; plannedMs: number }): Promise<Sweep>;
  /** Ends the sweep without a further page. */
  endSweep(sweep: Sweep, options: { atMs: number; outcome: SweepOutcome }): Promise<void>;
  /** Moves the sweep back so that pages from `page` on are bought again. Never forward. */
  rewindSweep(sweep: Sweep, page: number): Promise<Sweep>;
  /**
   * Stores the rows of one page, in one transaction with the sweep's cursor. Every row is re-seen,
   * whatever the screen says of it; a verdict reached by judging is never touched.
   *
   * @throws SweepOrderError for a page beyond the sweep's `nextPage`, or of a sweep that has ended
   * without it.
   */
  storePage(page: ListedPage): Promise<PageCounts>;
  /**
   * Splits a part of the feed's prices in two, each with about half of its rows: for a part that
   * lists more than Keepa shows. False when that cannot be, as all rows have one price.
   */
  splitPriceBand(feed: FeedIdentity, band: PriceRange): Promise<boolean>;
  /**
   * Appends a line; the one write that counts twice when it is done twice. `learned` is what is
   * known now of the costs of the entry's shape, and replaces what was known before.
   */
  recordRequest(entry: LedgerRecord, learned?: LearnedShape): Promise<void>;
  /** Once at the start and once at the stop of a life; known by its `instance`. */
  recordRun(run: Run): Promise<void>;
  /** Begins a pause, or moves the end and the reason of the one in force; returns what holds. */
  beginPause(order: PauseOrder & { readonly atMs: number }): Promise<Pause>;
  /** Ends the pause; returns the one that was in force at `atMs`. */
  endPause(atMs: number): Promise<Pause | undefined>;
}

export interface DealFilter {
  readonly states: readonly DealState[] | 'all';
  readonly feed?: string;
  readonly limit?: number;
  readonly minProfitCents?: number;
  /** A fraction, 0 to 1. */
  readonly minPercentDown?: number;
  /** Seen at or after this instant. */
  readonly seenSinceMs?: number;
  /** Rows that are held are left out unless asked for. */
  readonly withHeld?: boolean;
  /** Only rows of which a live offer was seen. */
  readonly onlyVerified?: boolean;
  /** Absent: the newest deal first. Unknown figures come last in every order. */
  readonly sort?: 'newest' | 'profit' | 'percent-down' | 'price' | 'sales' | 'seen';
}

/** A deal as people and programs see it; an absent figure is unknown, never zero. */
export interface Deal {
  readonly asin: string;
  readonly domainId: number;
  readonly priceType: number;
  /** The feed that listed it last. */
  readonly feed: string;
  readonly title: string;
  readonly state: DealState;
  readonly reason?: string;
  readonly priceNowCents?: number;
  readonly priceSinceMs?: number;
  readonly average90Cents?: number;
  readonly rank?: number;
  readonly createdAtMs?: number;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly judgedAtMs?: number;
  readonly avg1yCents?: number;
  readonly percentDown?: number;
  readonly listAtCents?: number;
  readonly profitCents?: number;
  readonly sales1y?: number;
  readonly trust?: number;
  readonly ruleVersion?: number;
  readonly troughCents?: number;
  /** Sane sales of the last year: what the average rests on. */
  readonly salesCount?: number;
  readonly offerDrops?: number;
  readonly sane?: number;
  readonly marks?: readonly string[];
  /** When a live offer was last seen at the price, and that offer. */
  readonly verifiedAtMs?: number;
  readonly verifiedCents?: number;
  readonly sellerId?: string;
  readonly sellerName?: string;
  /** Lower bound of the seller's rating, 0 to 1. */
  readonly sellerTrust?: number;
  /** What the last look at live offers did not find at the price. */
  readonly lacksOffer?: OfferLack;
  /** Due to end, and waiting for somebody's yes or for its own re-check. */
  readonly isHeld?: boolean;
}

export interface FeedStatus {
  readonly name: string;
  /** False for a feed that was taken out of the configuration; its rows stay. */
  readonly isConfigured: boolean;
  /** Rows of the feed that have not ended. */
  readonly rows: number;
  readonly lastSweepAtMs?: number;
  readonly lastSweepRows?: number;
  readonly lastHeadAtMs?: number;
  /** The unfinished sweep. */
  readonly sweep?: Sweep;
  /** It lists more than Keepa shows of one query: absence proves nothing here. */
  readonly isPartial: boolean;
  /** Newest `createdAtMs` stored for the feed, never beyond the time it was seen. */
  readonly watermarkMs?: number;
}

/** Age of last seen over the rows that have not ended. */
export interface Freshness {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

export interface LedgerTotals {
  readonly tokens: number;
  readonly requests: number;
  readonly byClass: Readonly<Record<string, number>>;
}

/** Prices change with the marketplace and with Keepa: what nobody saw for a month is forgotten. */
export const learnedAgeMsMax = 30 * 86_400_000;

/** What calls of one shape turned out to cost, as the broker's cost model has it. */
export interface LearnedShape {
  readonly batchMax: number;
  /** Unit costs by band of batch size, oldest first. */
  readonly bands: Readonly<Record<string, readonly number[]>>;
}

/** Lines of the ledger with the same class, purpose, shape and outcome, added up. */
export interface LedgerGroup {
  readonly spendClass: string;
  readonly purpose: string;
  readonly shape: string;
  readonly outcome: string;
  readonly requests: number;
  /** Of them those that were not the first try of their request. */
  readonly retries: number;
  readonly items: number;
  readonly tokens: number;
  /** When the first of them was written. */
  readonly firstAtMs: number;
}

/** What one item of a shape (a page, a product, a seller) cost in its last answered requests. */
export interface UnitCosts {
  readonly shape: string;
  /** How many answers the figures rest on; at least one. */
  readonly samples: number;
  readonly meanTokens: number;
  /** By nearest rank, as the cost model of the broker has it. */
  readonly p95Tokens: number;
  readonly maxTokens: number;
}

/** What the deals database takes on disk. */
export interface FileBytes {
  readonly databaseBytes: number;
  /** The write-ahead log beside it; 0 when there is none. */
  readonly logBytes: number;
}

/** What anybody may read, also while another process writes, and when none does. */
export interface DealReader extends JudgingReader {
  newestFence(): Promise<number>;
  /**
   * How often this store has been written to since it was opened, by its own writers, but for the
   * books (ledger, runs, healthy time), which make no work. Asks the file nothing: whoever finds
   * the same number as before need not look again for what others stored.
   */
  writes(): number;
  /** The same for all lives on this database, and on no other; undefined before the first. */
  storeId(): Promise<string | undefined>;
  countByState(): Promise<Readonly<Record<DealState, number>> & { readonly total: number }>;
  deals(filter: DealFilter): Promise<readonly Deal[]>;
  deal(asin: string, domainId?: number): Promise<readonly Deal[]>;
  feeds(): Promise<readonly FeedStatus[]>;
  /** The newest sweep of this feed and revision, ended or not. */
  lastSweep(feed: FeedIdentity): Promise<Sweep | undefined>;
  /** The parts in which the feed is swept, in order of price; empty: it is swept whole. */
  priceBands(feed: FeedIdentity): Promise<readonly PriceRange[]>;
  /** Undefined while there are no rows. */
  freshness(nowMs: number): Promise<Freshness | undefined>;
  spentSince(sinceMs: number): Promise<LedgerTotals>;
  /** The ledger since then, added up; the dearest first. */
  ledgerGroups(sinceMs: number): Promise<readonly LedgerGroup[]>;
  /** For every shape that was ever answered, over its last `answersMax` answers. */
  unitCosts(answersMax: number): Promise<readonly UnitCosts[]>;
  /** What was learned of each shape that was answered since then; to be checked by its reader. */
  learnedCosts(sinceMs: number): Promise<Readonly<Record<string, unknown>>>;
  /** Newest first. */
  recentRequests(limit: number): Promise<readonly LedgerRecord[]>;
  /** The newest answered request. */
  lastAnswered(): Promise<LedgerRecord | undefined>;
  lastRun(): Promise<Run | undefined>;
  runsSince(sinceMs: number): Promise<number>;
  /** The pause in force at `nowMs`. */
  pause(nowMs: number): Promise<Pause | undefined>;
  fileBytes(): Promise<FileBytes>;
}

/** What the status report reads; a dead daemon's database is opened for it alone. */
export type FigureReader = Pick<
  DealReader,
  | 'countByState'
  | 'heldRows'
  | 'judgingTotals'
  | 'gaps'
  | 'feeds'
  | 'freshness'
  | 'spentSince'
  | 'recentRequests'
  | 'lastAnswered'
  | 'lastRun'
  | 'pause'
  | 'runsSince'
>;

export interface Store {
  readonly reader: DealReader;
  /**
   * Brings the schema up to date. Call it once the leases are held and before any `writer`; a store
   * that was opened for writing is ready already. `busyMs` is how long it may block this process
   * while another program keeps the file locked; absent: a few seconds.
   *
   * @throws StoreOpenError; after `locked` it can be called again.
   */
  prepareToWrite(options?: { readonly busyMs: number }): Promise<void>;
  /** A writer bound to a fence; call `adoptFence` first. */
  writer(fence: number): DealWriter;
  close(): Promise<void>;
}
