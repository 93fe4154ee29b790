/**
 * A small deals database as a daemon leaves it behind, with every kind of absence in it.
 */
import type { DealRow } from '../../src/keepa/deal-row.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { DealWriter, FeedIdentity, LedgerRecord, Run } from '../../src/store/ports.ts';

export const seenAtMs = Date.UTC(2026, 4, 12, 10);
export const feed: FeedIdentity = {
  name: 'used-books',
  domainId: 1,
  priceType: 2,
  queryHash: 'abc',
};

export const fullRow: DealRow = {
  asin: '0833161865',
  title: 'Glacier "Travel", a\thandbook\u001b[31m',
  priceType: 2,
  priceCents: 2097,
  priceSinceMs: seenAtMs - 7_200_000,
  averageCents: { quarter: 4895 },
  rank: 134_714,
  averageRank: {},
  rankDrops: {},
  createdAtMs: seenAtMs - 7_200_000,
};
/** Nothing but what a row always has. */
export const bareRow: DealRow = {
  asin: '0000000002',
  title: 'Bare',
  priceType: 2,
  averageCents: {},
  averageRank: {},
  rankDrops: {},
};

export const request: LedgerRecord = {
  atMs: seenAtMs,
  spendClass: 'backfill',
  purpose: 'sweep',
  shape: 'deal',
  items: 1,
  holdTokens: 5,
  costTokens: 5,
  balanceAfter: 42,
  outcome: 'answered',
  why: undefined,
  attempt: 1,
  tookMs: 300,
  waitedMs: 0,
};

export const run: Run = {
  instance: 'i1',
  version: '9.9.9',
  pid: 4242,
  startedAtMs: seenAtMs - 60_000,
};

/** Writes the rows as one complete sweep, and whatever `more` adds. */
export async function fillStore(
  path: string,
  more: (writer: DealWriter) => Promise<void> = async () => undefined,
): Promise<void> {
  const store = await openStore({ path, mode: 'write' });
  const writer = store.writer(1);
  await writer.adoptFence();
  await writer.syncFeeds([feed], seenAtMs);
  const sweep = await writer.beginSweep(feed, { atMs: seenAtMs, plannedMs: 60_000 });
  await writer.storePage({
    feed,
    rows: [{ row: fullRow }, { row: bareRow, rejectedFor: 'no-price' }],
    seenAtMs,
    sweep: { number: sweep.number, page: 0, ends: 'complete' },
  });
  await writer.recordRequest(request);
  await writer.recordRun(run);
  await more(writer);
  await store.close();
}
