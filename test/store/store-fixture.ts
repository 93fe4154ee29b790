/**
 * A deals database in a directory of its own, rows and pages to put into it, and a look at the file
 * from outside.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import SqliteFile from 'better-sqlite3';
import type { DealRow } from '../../src/keepa/deal-row.ts';
import { openStore } from '../../src/store/open-store.ts';
import type {
  DealReader,
  DealWriter,
  FeedIdentity,
  LedgerRecord,
  ListedPage,
  ScreenedRow,
  Store,
} from '../../src/store/ports.ts';
import { scratchDirectory } from '../scratch.ts';

export const books: FeedIdentity = { name: 'books', domainId: 1, priceType: 2, queryHash: 'q1' };
export const toys: FeedIdentity = { name: 'toys', domainId: 1, priceType: 2, queryHash: 'q2' };
/** When everything in the tests begins, Unix ms. */
export const startMs = 1_750_000_000_000;

export class TestStore implements AsyncDisposable {
  readonly directory: string;
  readonly path: string;
  readonly store: Store;
  readonly reader: DealReader;
  readonly writer: DealWriter;

  #outside: SqliteFile.Database | undefined;

  private constructor(directory: string, path: string, store: Store) {
    this.directory = directory;
    this.path = path;
    this.store = store;
    this.reader = store.reader;
    this.writer = store.writer(1);
  }

  /** Open for writing under fence 1, with both feeds known. */
  static async open(): Promise<TestStore> {
    const directory = temporaryDirectory();
    const path = join(directory, 'deals.sqlite');
    const test = new TestStore(directory, path, await openStore({ path, mode: 'write' }));
    await test.writer.adoptFence();
    await test.writer.syncFeeds([books, toys], startMs);
    return test;
  }

  /** Runs SQL on a connection of its own, as a later part or a person would. */
  outside(sql: string): readonly unknown[] {
    this.#outside ??= new SqliteFile(this.path);
    const statement = this.#outside.prepare(sql);
    if (statement.reader) return statement.all();
    statement.run();
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#outside?.close();
    await this.store.close();
    rmSync(this.directory, { recursive: true });
  }
}

export function temporaryDirectory(): string {
  return scratchDirectory('keepa-deals-store-');
}

/** A row with every figure known; `change` overrides, and undefined takes a figure away. */
export function dealRow(
  asin: string,
  change: { [K in keyof DealRow]?: DealRow[K] | undefined } = {},
): DealRow {
  const row = {
    asin,
    title: `Title of ${asin}`,
    imageName: 'image.jpg',
    parentAsin: 'B000000000',
    rootCategory: 283_155,
    priceType: 2,
    priceCents: 1_200,
    priceSinceMs: startMs - 3_600_000,
    averageCents: { day: 1_300, week: 1_500, month: 2_000, quarter: 2_500 },
    rank: 100_000,
    averageRank: { day: 90_000, week: 95_000, month: 99_000, quarter: 120_000 },
    rankDrops: { days30: 3, days90: 9, days180: 20, days365: 44 },
    amazonCents: 3_000,
    newCents: 2_800,
    usedCents: 1_200,
    newOffers: 4,
    usedOffers: 11,
    createdAtMs: startMs - 3_600_000,
    updatedAtMs: startMs - 60_000,
    ...change,
  };
  const known = Object.entries(row).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as unknown as DealRow;
}

export function passing(...rows: readonly DealRow[]): readonly ScreenedRow[] {
  return rows.map((row) => ({ row }));
}

/** A head poll's page; `change` makes it another one. */
export function pageOf(rows: readonly ScreenedRow[], change: Partial<ListedPage> = {}): ListedPage {
  return { feed: books, rows, seenAtMs: startMs, ...change };
}

/** As the analyst would: the verdict and what it was taken from. */
export function judge(store: TestStore, asin: string, state: string, reason = 'null'): void {
  store.outside(`update deals set state = '${state}', reason = ${reason}, judged_at_ms = 7,
    judged_price_cents = 1200, judged_listed_cents = 1200, judged_created_at_ms = 5,
    candidate_since_ms = null, rule_version = 1, avg1y_cents = 4000,
    percent_down = 0.7, list_at_cents = 3900, profit_cents = -12, sales1y = 9, trust = 0.5
    where asin = '${asin}'`);
}

/** A request that was answered as it was held for. */
export const ledgerLine: LedgerRecord = {
  atMs: startMs,
  spendClass: 'upsert',
  purpose: 'history',
  shape: 'product',
  items: 10,
  holdTokens: 10,
  costTokens: 10,
  balanceAfter: 50,
  outcome: 'answered',
  why: undefined,
  attempt: 1,
  tookMs: 5,
  waitedMs: 0,
};
