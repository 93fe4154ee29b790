/**
 * What the deals database offers to those who judge, check and end rows. Part of the ports of the
 * store: `DealReader` and `DealWriter` extend these.
 *
 * Being listed and being judged are two different facts. A verdict is only ever taken from a
 * complete payload; whatever was missing, refused or unreadable leaves the state as it was and
 * comes back later, with growing spacing, and is counted as a retry and never as a rejection.
 */
import type { Seller } from '../keepa/seller.ts';

export interface DealKey {
  readonly domainId: number;
  readonly asin: string;
  readonly priceType: number;
}

/** What a look at live offers may lack: any of the kind, or any with a known price. */
export type OfferLack = 'none' | 'unpriced';

/** A row on somebody's list of work. An absent figure is unknown. */
export interface WorkRow extends DealKey {
  /** The feed that listed it last. */
  readonly feed: string;
  readonly state: 'candidate' | 'accepted' | 'rejected' | 'insufficient';
  /** The price as last listed, and when that became a deal. */
  readonly priceCents?: number;
  readonly createdAtMs?: number;
  /** When the evidence at hand was bought; absent: there is none. */
  readonly evidenceAtMs?: number;
  readonly judgedAtMs?: number;
  /** With shipping: of the live offer that was seen at the present listing; absent: none was. */
  readonly verifiedCents?: number;
  /** What the last look at the offers did not find at the present listing; absent: it found one. */
  readonly lacksOffer?: OfferLack;
  /** Fruitless tries in a row. */
  readonly attempts: number;
  /** Expected profit per token, as the last listing had it. */
  readonly promise?: number;
}

/** Evidence as it is kept: a packed product (analysis/evidence.ts knows the format). */
export interface KeptEvidence {
  readonly packed: Uint8Array;
  readonly boughtAtMs: number;
}

/** What made somebody judge. */
export type JudgedBecause = 'new' | 'repriced' | 'aged' | 'rules' | 'verified' | 'rechecked';

/** A verdict with its figures, on its way into the store. */
export interface JudgedDeal extends DealKey {
  readonly because: JudgedBecause;
  readonly verdict: 'accepted' | 'rejected' | 'insufficient';
  /** Absent exactly when accepted. */
  readonly reason?: string;
  /** The price that was judged (of the row, or the live offer's) and the row's creation date. */
  readonly priceCents?: number;
  readonly createdAtMs?: number;
  /**
   * The row's own price when the work was taken up (of a re-check the product's), where it is not
   * the one that was judged: a later price is compared with this. Null: there was none. Absent: it
   * was `priceCents`.
   */
  readonly listedCents?: number | null;
  /** Of a verdict by a look at live offers: what that did not find. */
  readonly lacksOffer?: OfferLack;
  readonly avg1yCents?: number;
  /** A fraction, 0 to 1, like `trust`. */
  readonly percentDown?: number;
  readonly listAtCents?: number;
  readonly troughCents?: number;
  readonly profitCents?: number;
  readonly sales1y: number;
  readonly salesCount: number;
  readonly offerDrops: number;
  readonly sane: number;
  readonly trust?: number;
  /** For example `mixed-price-basis`. */
  readonly marks: readonly string[];
  readonly ruleVersion: number;
}

/** The live offer that a verification found best; absent seller: Keepa did not say. */
export interface Verification extends DealKey {
  /** With shipping. */
  readonly landedCents: number;
  readonly shippingCents: number;
  readonly condition: number;
  readonly sellerId?: string;
  readonly isFba: boolean;
}

/** Evidence older than this is bought again, once its row is worth it. */
export const evidenceAgeMsMax = 7 * 86_400_000;
/** A live offer seen longer ago than this is looked for again, even at an unchanged price. */
export const verificationAgeMsMax = 7 * 86_400_000;

/** Everything that one answer (or one round over kept evidence) decided; one transaction. */
export interface JudgementBatch {
  readonly atMs: number;
  /** What the answer cost, divided over the products in it for `why`. 0 for kept evidence. */
  readonly costTokens: number;
  readonly purpose: 'history' | 'verify' | 'recheck' | 'rejudge';
  /** New evidence; replaces what was kept of the product. */
  readonly evidence: readonly {
    readonly domainId: number;
    readonly asin: string;
    readonly packed: Uint8Array;
  }[];
  readonly judged: readonly JudgedDeal[];
  readonly verified: readonly Verification[];
  /** Looked at without a result: state unchanged, next try not before `retryAtMs`. */
  readonly retries: readonly Retry[];
}

interface Retry extends DealKey {
  readonly retryAtMs: number;
  readonly why: string;
  /** Live offers were looked at, though they decided nothing. */
  readonly sawOffers?: boolean;
}

/** Over everything so far: processed = accepted + Σ rejected + Σ insufficient + retries. */
export interface JudgingTotals {
  readonly processed: number;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly insufficient: Readonly<Record<string, number>>;
  readonly retries: number;
}

/** One entry of a row's past, newest last. */
export interface PastEvent {
  readonly atMs: number;
  readonly kind: 'judged' | 'verified' | 'retry' | 'ended' | 'bought';
  /** For people: the verdict and its reason, the offer, what went wrong. */
  readonly text: string;
  /** The price that was judged, or the live offer's with shipping. */
  readonly priceCents?: number;
  readonly costTokens?: number;
}

/** How large the feed's result set was lately: for an edited query that shrinks the supply. */
export interface Supply {
  readonly lastRows: number;
  /** Median of the complete sweeps of the last 7 days before the last one. */
  readonly medianRows?: number;
}

/** Time in which the feed was not looked at for longer than it remembers. */
export interface CoverageGap {
  readonly feed: string;
  readonly fromMs: number;
  /** When a complete sweep closed it; absent: still open. */
  readonly closedAtMs?: number;
}

/** Why a row ended. */
export type EndReason = 'absent' | 'not-seen';

/** What the janitor is allowed to do in one run. */
export interface EndingRules {
  readonly atMs: number;
  /** A row not seen for this much healthy time ends, listed or not. */
  readonly ttlHealthyMs: number;
  /** Part of the live rows that one run may end at most; above it the due rows are held instead. */
  readonly endedPartMax: number;
  /** Feeds in which nothing ends now: not looked at lately, or their supply fell. */
  readonly suspendedFeeds: readonly string[];
  /** Feeds that list more than Keepa shows: nothing in them ends by absence, only unseen. */
  readonly partialFeeds: readonly string[];
  /** Ended rows older than this are purged. */
  readonly retentionMs: number;
}

export interface EndingCounts {
  readonly ended: Readonly<Record<EndReason, number>>;
  /** Rows held now: due, but too many at once. */
  readonly held: number;
  readonly purged: number;
}

/** One ended row, for the log: every ending is logged with reason and age. */
export interface Ending extends DealKey {
  readonly reason: EndReason;
  readonly feed: string;
  readonly unseenMs: number;
}

export interface Recheck extends DealKey {
  readonly passes: boolean;
  /** The row's price before and the product's now, absent where there is none. Absent: not told. */
  readonly price?: { readonly wasCents?: number; readonly nowCents?: number };
}

export interface JudgingReader {
  /**
   * Candidates to buy history for, the most promising first. `fresh` ones became candidates at or
   * after `freshSinceMs`, `backlog` are the others, and with them judged rows without evidence, or
   * with evidence older than `evidenceSinceMs`, which were re-priced since then or are accepted.
   * Rows whose retry is not due at `nowMs`, and held rows, are left out, and so are candidates with
   * evidence that new: `rejudgeDue` has them.
   */
  historyDue(options: {
    readonly kind: 'fresh' | 'backlog';
    readonly domainId?: number;
    readonly nowMs: number;
    readonly freshSinceMs: number;
    readonly evidenceSinceMs: number;
    readonly limit: number;
  }): Promise<readonly WorkRow[]>;
  /**
   * Rows to judge for nothing: judged ones whose price or creation date differs from what was
   * judged, from evidence of any age, and candidates whose product is known already from evidence
   * that new. A retry of purpose `rejudge` says that the evidence cannot be read: it is forgotten,
   * and the row is left to `historyDue`.
   */
  rejudgeDue(options: {
    readonly evidenceSinceMs: number;
    readonly limit: number;
  }): Promise<readonly WorkRow[]>;
  /**
   * Every judged row and candidate with kept evidence, in the order of their keys (asin, domain,
   * price type), those after `after`: to re-run the rules page by page.
   */
  withEvidence(options: {
    readonly after?: DealKey;
    readonly limit: number;
  }): Promise<readonly WorkRow[]>;
  /**
   * Accepted rows whose present price was not verified, or not since `verifiedSinceMs`; best profit
   * first. A row that was re-priced is to be re-judged first, from new evidence if what is kept is
   * old, and left out until then, or until that was tried in vain. `first` are those whose offers
   * nobody has looked at yet, `again` the others; absent: both.
   */
  verifyDue(options: {
    readonly kind?: 'first' | 'again';
    readonly nowMs: number;
    readonly verifiedSinceMs: number;
    readonly limit: number;
  }): Promise<readonly WorkRow[]>;
  /** Sellers of verified accepted rows that nobody looked up since `sinceMs`. */
  sellersDue(options: {
    readonly sinceMs: number;
    readonly limit: number;
  }): Promise<readonly { readonly domainId: number; readonly sellerId: string }[]>;
  evidence(key: {
    readonly domainId: number;
    readonly asin: string;
  }): Promise<KeptEvidence | undefined>;
  /**
   * Rows that should be looked at one by one before they may end: not ended, and held, or missing
   * from the last complete sweep of every feed that listed them (at least one) and not turned down
   * by the screen then; and not re-checked since. The longest unseen first.
   */
  recheckDue(options: {
    readonly nowMs: number;
    readonly limit: number;
  }): Promise<readonly WorkRow[]>;
  judgingTotals(): Promise<JudgingTotals>;
  heldRows(): Promise<number>;
  /**
   * Live rows that their feeds' screens turned down, for which nothing is bought; and of the others
   * those that come so far that offers are bought for them, whatever became of it.
   */
  rowsByNeed(): Promise<{ readonly screened: number; readonly worthOffers: number }>;
  /** What was decided and paid for a product, oldest first, as far back as it is kept. */
  past(key: { readonly domainId: number; readonly asin: string }): Promise<readonly PastEvent[]>;
  /** When the row is looked at again, and why; undefined: only when it is listed anew. */
  nextLook(
    key: DealKey,
    nowMs: number,
  ): Promise<{ readonly atMs: number; readonly why: string } | undefined>;
  seller(
    domainId: number,
    sellerId: string,
  ): Promise<(Seller & { readonly seenAtMs: number }) | undefined>;
  supply(feed: string, nowMs: number): Promise<Supply | undefined>;
  gaps(): Promise<readonly CoverageGap[]>;
  /** Healthy time so far, and until when it has been counted. */
  healthyTime(): Promise<{ readonly totalMs: number; readonly asOfMs: number | undefined }>;
  /**
   * Sweeps of the feed, or of parts of it, that completed at or after `sinceMs`, newest first: for
   * the TTL and for health.
   */
  completeSweeps(options: { readonly feed: string; readonly sinceMs: number }): Promise<
    readonly {
      /** Of the revision, or of the part of the feed, that was swept. */
      readonly queryHash: string;
      readonly startedAtMs: number;
      readonly endedAtMs: number;
      readonly plannedMs: number;
      readonly rows: number;
    }[]
  >;
}

export interface JudgingWriter {
  storeJudgements(batch: JudgementBatch): Promise<void>;
  /** Sellers found, and ids that Keepa does not know: both count as looked up. */
  storeSellers(batch: {
    readonly domainId: number;
    readonly atMs: number;
    readonly sellers: readonly Seller[];
    readonly missing: readonly string[];
  }): Promise<void>;
  /**
   * Notes the outcome of complete re-checks of rows that the listings lack: whether the product
   * would still pass the screen, and what it costs now. One that passes is no longer held.
   */
  storeRechecks(batch: {
    readonly atMs: number;
    readonly rows: readonly Recheck[];
    readonly retries: JudgementBatch['retries'];
  }): Promise<void>;
  /** Adds healthy time; `asOfMs` is until when it has now been counted. */
  addHealthyTime(options: { readonly ms: number; readonly asOfMs: number }): Promise<void>;
  /**
   * Ends every row that is due, or holds all of them when they are too many at once; purges what
   * ended long ago. A row is due when two complete sweeps of every feed that listed it lack it
   * and a re-check since it went missing no longer passes the screen, or the last listing did not,
   * or when its healthy time unseen exceeds the TTL.
   */
  endRows(
    rules: EndingRules,
  ): Promise<{ readonly counts: EndingCounts; readonly endings: readonly Ending[] }>;
  /** Somebody says yes: what is held may end in the next run. Returns how many rows that are. */
  confirmHeld(): Promise<number>;
  openGap(gap: { readonly feed: string; readonly fromMs: number }): Promise<void>;
  closeGaps(options: { readonly feed: string; readonly atMs: number }): Promise<void>;
  /**
   * Folds the write-ahead log into the file and cuts it to nothing, without waiting for anybody.
   * False when somebody was reading it; it is then cut as soon as that is over and this is called
   * again.
   */
  tidy(): Promise<boolean>;
}
