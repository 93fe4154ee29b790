/**
 * Opens the deals database and offers what `ports.ts` promises of it.
 *
 * Every method is one transaction; those that write check the fence first, inside it. Nothing
 * outside this folder ever holds the database itself: kysely has one connection for SQLite, and a
 * query on it from inside a transaction would wait for that transaction for ever.
 */
import { resolve } from 'node:path';
import { type OpenDatabase, openErrorFor, openForReading, openForWriting } from './database.ts';
import { countByState, dealsOf, freshness, listDeals } from './deals.ts';
import { feedOf, feedStatuses, findFeed, syncFeeds } from './feeds.ts';
import { adoptFence, checkFence, newestFence } from './fence.ts';
import { recentRequests, recordRequest, spentSince } from './ledger.ts';
import { checkSchema, migrate } from './migrations.ts';
import { storePage } from './pages.ts';
import type { DealReader, DealWriter, Store } from './ports.ts';
import { priceBands, splitPriceBand } from './price-bands.ts';
import { lastRun, recordRun, runsSince } from './runs.ts';
import { beginSweep, endSweep, newestSweep, rewindSweep } from './sweeps.ts';
import type { StoreDatabase, Trx } from './tables.ts';

export interface StoreOptions {
  /** Made absolute against the working directory, and shown in every error. */
  readonly path: string;
  /** `write` makes the file if need be and upgrades its schema; `read` changes nothing. */
  readonly mode: 'write' | 'read';
  /** How long to wait for another program that holds the file; absent: a few seconds. */
  readonly busyMs?: number;
}

/**
 * Opens the database at `path`. Afterwards its schema is that of this version.
 *
 * @throws StoreOpenError whatever goes wrong, with what to do about it.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const path = resolve(options.path);
  const { mode, busyMs } = options;
  const limits = busyMs === undefined ? {} : { busyMs };
  const database = mode === 'write' ? openForWriting(path, limits) : openForReading(path, limits);
  try {
    await (mode === 'write' ? migrate(database.db, path) : checkSchema(database.db, path));
  } catch (error) {
    await database.close();
    throw openErrorFor(path, error);
  }
  return storeOn(database, { path, mode });
}

function storeOn(
  { db, close }: OpenDatabase,
  { path, mode }: { path: string; mode: 'write' | 'read' },
): Store {
  return {
    reader: readerOn(db),
    writer(fence) {
      if (mode === 'read') throw new Error(`the deals database ${path} is open for reading only`);
      return writerOn(db, { fence, path });
    },
    close,
  };
}

function readerOn(db: StoreDatabase): DealReader {
  const read = <T>(work: (trx: Trx) => Promise<T>): Promise<T> =>
    db.transaction().setAccessMode('read only').execute(work);
  return {
    newestFence: () => read(newestFence),
    countByState: () => read(countByState),
    deals: (filter) => read((trx) => listDeals(trx, filter)),
    deal: (asin, domainId) => read((trx) => dealsOf(trx, { asin, domainId })),
    feeds: () => read(feedStatuses),
    lastSweep: (feed) =>
      read(async (trx) => {
        const known = await findFeed(trx, feed.name);
        return known === undefined ? undefined : newestSweep(trx, known.id, feed.queryHash);
      }),
    priceBands: (feed) =>
      read(async (trx) => {
        const known = await findFeed(trx, feed.name);
        return known === undefined ? [] : priceBands(trx, known.id, feed.queryHash);
      }),
    freshness: (nowMs) => read((trx) => freshness(trx, nowMs)),
    spentSince: (sinceMs) => read((trx) => spentSince(trx, sinceMs)),
    recentRequests: (limit) => read((trx) => recentRequests(trx, { limit })),
    lastAnswered: () =>
      read(async (trx) => (await recentRequests(trx, { limit: 1, outcome: 'answered' }))[0]),
    lastRun: () => read(lastRun),
    runsSince: (sinceMs) => read((trx) => runsSince(trx, sinceMs)),
  };
}

function writerOn(db: StoreDatabase, { fence, path }: { fence: number; path: string }): DealWriter {
  const write = <T>(work: (trx: Trx) => Promise<T>): Promise<T> =>
    db.transaction().execute(async (trx) => {
      await checkFence(trx, fence);
      return await work(trx);
    });
  return {
    adoptFence: () => db.transaction().execute((trx) => adoptFence(trx, fence)),
    syncFeeds: (feeds, atMs) => write((trx) => syncFeeds(trx, feeds, atMs)),
    openSweep: (feed) =>
      write(async (trx) => {
        const { id } = await feedOf(trx, feed);
        const sweep = await newestSweep(trx, id, feed.queryHash);
        return sweep?.endedAtMs === undefined ? sweep : undefined;
      }),
    beginSweep: (feed, { atMs, plannedMs }) =>
      write(async (trx) => {
        const { id } = await feedOf(trx, feed);
        return await beginSweep(trx, id, { queryHash: feed.queryHash, atMs, plannedMs });
      }),
    endSweep: (sweep, { atMs, outcome }) =>
      write(async (trx) => {
        const { id } = await feedOf(trx, { name: sweep.feed });
        await endSweep(trx, id, { number: sweep.number, atMs, outcome });
      }),
    rewindSweep: (sweep, page) =>
      write(async (trx) => {
        const { id } = await feedOf(trx, { name: sweep.feed });
        return await rewindSweep(trx, id, { number: sweep.number, page });
      }),
    splitPriceBand: (feed, band) =>
      write(async (trx) => {
        const { id } = await feedOf(trx, feed);
        return await splitPriceBand(trx, { id, queryHash: feed.queryHash }, band);
      }),
    storePage: (page) => write((trx) => storePage(trx, page)),
    recordRequest: (entry) => write((trx) => recordRequest(trx, entry)),
    recordRun: (run) => write((trx) => recordRun(trx, run, path)),
  };
}
