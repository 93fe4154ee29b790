/**
 * A deals database with rows in every stage: verified, judged, waiting, with evidence that cannot
 * be read. It is filled through the store's own doors, with products whose sales are known.
 */
import { packEvidence } from '../../src/analysis/evidence.ts';
import type { DealRow } from '../../src/keepa/deal-row.ts';
import type { Product } from '../../src/keepa/product.ts';
import type { JudgedDeal } from '../../src/store/judging-ports.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { DealWriter, FeedIdentity } from '../../src/store/ports.ts';
import { dayMinutes, minuteMs, type Point, productOf } from '../analysis/histories.ts';

export const books: FeedIdentity = { name: 'books', domainId: 1, priceType: 2, queryHash: 'b' };
export const japan: FeedIdentity = { name: 'japan', domainId: 5, priceType: 2, queryHash: 'j' };

/** Judged and verified: three used sales of the last year for 30.00, 40.00 and 50.00. */
export const verifiedAsin = '0833161865';
/** Judged and rejected; its title is a formula. */
export const rejectedAsin = 'B000000002';
/** Waiting to be judged. */
export const candidateAsin = 'B000000003';
/** Accepted, with evidence that nobody can read. */
export const brokenAsin = 'B000000004';
/** On amazon.co.jp, and there alone. */
export const japaneseAsin = 'B000000005';

export const formulaTitle = '=HYPERLINK("http://x.example","A, B")';

/** The instant of everything in the database: just now, for ages are measured from now. */
export interface Filled {
  readonly atMs: number;
}

/** `more` adds to it, under the same fence. */
export async function fillJudgedStore(
  path: string,
  more: (writer: DealWriter, filled: Filled) => Promise<void> = async () => undefined,
): Promise<Filled> {
  const filled = { atMs: Math.floor(Date.now() / minuteMs) * minuteMs };
  const store = await openStore({ path, mode: 'write' });
  const writer = store.writer(1);
  await writer.adoptFence();
  await writer.syncFeeds([books, japan], filled.atMs - minuteMs);
  await listRows(writer, filled);
  await judgeRows(writer, filled);
  await more(writer, filled);
  await store.close();
  return filled;
}

async function listRows(writer: DealWriter, { atMs }: Filled): Promise<void> {
  const seenAtMs = atMs - 2 * minuteMs;
  await writer.storePage({
    feed: books,
    seenAtMs,
    rows: [
      { row: rowOf(verifiedAsin, { title: 'Glacier Travel', priceCents: 1000 }) },
      { row: rowOf(rejectedAsin, { title: formulaTitle, priceCents: 2500 }) },
      { row: rowOf(candidateAsin, { title: 'A Candidate', priceCents: 900 }) },
      { row: rowOf(brokenAsin, { title: 'Broken', priceCents: 800 }) },
    ],
  });
  const row = rowOf(japaneseAsin, { title: '日本の本の長い題名です'.repeat(4), priceCents: 1980 });
  // Seen a while ago.
  await writer.storePage({ feed: japan, seenAtMs: atMs - 3 * 3_600_000, rows: [{ row }] });
}

async function judgeRows(writer: DealWriter, { atMs }: Filled): Promise<void> {
  const verdicts: readonly JudgedDeal[] = [
    judgedOf(rejectedAsin, { ...rejected, priceCents: 2500, profitCents: -120 }),
    judgedOf(brokenAsin, { priceCents: 800, profitCents: 300, percentDown: 0.5 }),
    judgedOf(japaneseAsin, { domainId: 5, priceCents: 1980, profitCents: 700, percentDown: 0.25 }),
  ];
  const nothing = { evidence: [], verified: [], retries: [] };
  const boughtAtMs = atMs - minuteMs;
  await writer.storeJudgements({
    ...nothing,
    atMs: boughtAtMs,
    costTokens: 3,
    purpose: 'history',
    evidence: [
      evidenceOf(productSoldAt(atMs, rejectedAsin), boughtAtMs),
      { domainId: 1, asin: brokenAsin, packed: Uint8Array.of(1, 2, 3, 4) },
    ],
    judged: verdicts,
  });
  const key = { domainId: 1, asin: verifiedAsin, priceType: 2 };
  await writer.storeJudgements({
    ...nothing,
    atMs,
    costTokens: 7,
    purpose: 'verify',
    evidence: [evidenceOf(productSoldAt(atMs, verifiedAsin), atMs)],
    judged: [judgedOf(verifiedAsin, { ...verified, profitCents: 1900 })],
    verified: [
      {
        ...key,
        landedCents: 1200,
        shippingCents: 200,
        condition: 3,
        sellerId: 'A1SELLER',
        isFba: true,
      },
    ],
  });
  const seller = { sellerId: 'A1SELLER', name: '+Books & Co', ratingPercent: 97, ratingCount: 500 };
  await writer.storeSellers({ domainId: 1, atMs, sellers: [seller], missing: [] });
}

const rejected = { verdict: 'rejected', reason: 'below-margin' } as const;
/** Listed for 10.00, and 12.00 with shipping. */
const verified = { because: 'verified', priceCents: 1200, listedCents: 1000 } as const;

function rowOf(asin: string, more: Pick<DealRow, 'title' | 'priceCents'>): DealRow {
  return {
    asin,
    priceType: 2,
    averageCents: { quarter: 4000 },
    rank: 50_000,
    averageRank: {},
    rankDrops: {},
    ...more,
  };
}

function judgedOf(asin: string, more: Partial<JudgedDeal>): JudgedDeal {
  return {
    domainId: 1,
    asin,
    priceType: 2,
    because: 'new',
    verdict: 'accepted',
    avg1yCents: 4000,
    percentDown: 0.7,
    listAtCents: 4000,
    troughCents: 3000,
    sales1y: 3,
    salesCount: 3,
    offerDrops: 3,
    sane: 3,
    trust: 1,
    marks: ['mixed-price-basis'],
    ruleVersion: 1,
    ...more,
  };
}

/** Three used copies went, 300, 200 and 100 days ago, each confirmed by its rank. */
export function productSoldAt(atMs: number, asin: string): Product {
  const now = Math.floor(atMs / minuteMs);
  const sales = [
    [300, 3000],
    [200, 4000],
    [100, 5000],
  ] as const;
  const each = (points: (at: number, cents: number) => readonly Point[]): Point[] =>
    sales.flatMap(([days, cents]) => points(now - days * dayMinutes, cents));
  const product = productOf({
    countUsed: each((at) => [
      [at - 2, 5],
      [at, 4],
    ]),
    priceUsed: each((at, cents) => [[at - 1, cents]]),
    rank: each((at) => [
      [at - 1, 900],
      [at, 100],
    ]),
  });
  const fees = { fbaPickAndPackCents: 300, referralPercent: 15 };
  // Amazon itself never sold it: known, and so no cap.
  return { ...product, asin, fees, amazon: {}, title: asin };
}

function evidenceOf(product: Product, boughtAtMs: number) {
  const { domainId, asin } = product;
  return { domainId, asin, packed: packEvidence(product, boughtAtMs) };
}
