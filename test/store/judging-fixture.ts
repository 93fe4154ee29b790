/**
 * Verdicts, offers, sweeps and endings as the actors would bring them, for the tests of the store.
 */
import type {
  EndingRules,
  JudgedDeal,
  JudgementBatch,
  Verification,
} from '../../src/store/judging-ports.ts';
import type { FeedIdentity, ScreenedRow, SweepOutcome } from '../../src/store/ports.ts';
import { books, dealRow, passing, startMs, type TestStore } from './store-fixture.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

export function keyOf(asin: string): { asin: string; domainId: number; priceType: number } {
  return { asin, domainId: 1, priceType: 2 };
}

/** A verdict on the row that `dealRow` lists, with every figure known. */
export function judgedDeal(asin: string, change: Partial<JudgedDeal> = {}): JudgedDeal {
  return {
    ...keyOf(asin),
    because: 'new',
    verdict: 'accepted',
    priceCents: 1_200,
    createdAtMs: startMs - hourMs,
    avg1yCents: 4_000,
    percentDown: 0.7,
    listAtCents: 3_900,
    troughCents: 3_100,
    profitCents: 1_500,
    sales1y: 9,
    salesCount: 7,
    offerDrops: 20,
    sane: 6,
    trust: 0.5,
    marks: ['mixed-price-basis'],
    ruleVersion: 1,
    ...change,
  };
}

export function rejectedDeal(asin: string, change: Partial<JudgedDeal> = {}): JudgedDeal {
  return judgedDeal(asin, { verdict: 'rejected', reason: 'below-margin', ...change });
}

export function offerOf(asin: string, change: Partial<Verification> = {}): Verification {
  return {
    ...keyOf(asin),
    landedCents: 1_250,
    shippingCents: 399,
    condition: 3,
    sellerId: 'S1',
    isFba: false,
    ...change,
  };
}

export function retryOf(asin: string, change: { retryAtMs?: number } = {}) {
  return { ...keyOf(asin), retryAtMs: startMs + hourMs, why: 'no answer', ...change };
}

/** The answer to a purchase of history; `change` makes it another batch. */
export function batchOf(
  judged: readonly JudgedDeal[],
  change: Partial<JudgementBatch> = {},
): JudgementBatch {
  return {
    atMs: startMs + 1_000,
    costTokens: judged.length,
    purpose: 'history',
    evidence: judged.map(({ asin, domainId }) => evidenceOf(asin, domainId)),
    judged,
    verified: [],
    retries: [],
    ...change,
  };
}

export function evidenceOf(asin: string, domainId = 1): JudgementBatch['evidence'][number] {
  return { domainId, asin, packed: new TextEncoder().encode(`evidence of ${asin}`) };
}

/** What the janitor asks for at `atMs`; nothing is purged. */
export function endingRules(change: Partial<EndingRules> = {}): EndingRules {
  return {
    atMs: startMs + dayMs,
    ttlHealthyMs: 72 * hourMs,
    endedPartMax: 1,
    suspendedFeeds: [],
    partialFeeds: [],
    retentionMs: 3_650 * dayMs,
    ...change,
  };
}

/** One whole sweep that lists exactly these rows, a minute after it began. */
export async function sweepOf(
  { writer }: TestStore,
  asins: readonly string[],
  {
    atMs = startMs,
    feed = books,
    outcome = 'complete',
    wireRows = asins.length,
  }: { atMs?: number; feed?: FeedIdentity; outcome?: SweepOutcome; wireRows?: number } = {},
): Promise<void> {
  const sweep = await writer.beginSweep(feed, { atMs, plannedMs: hourMs });
  await writer.storePage({
    feed,
    rows: passing(...asins.map((asin) => dealRow(asin, { priceType: feed.priceType }))),
    wireRows,
    seenAtMs: atMs + 60_000,
    sweep: { number: sweep.number, page: 0, ends: outcome },
  });
}

/** A page of rows with their promise; undefined: it has none. */
export function promising(
  rows: Readonly<Record<string, number | undefined>>,
): readonly ScreenedRow[] {
  return Object.entries(rows).map(([asin, promise]) => ({
    row: dealRow(asin),
    ...(promise === undefined ? {} : { promise }),
  }));
}
