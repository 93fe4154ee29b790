/**
 * Opens the deals database and offers what `ports.ts` promises of it.
 *
 * Every method is one transaction; those that write check the fence first, inside it. Nothing
 * outside this folder ever holds the database itself: kysely has one connection for SQLite, and a
 * query on it from inside a transaction would wait for that transaction for ever.
 */
import { resolve } from 'node:path';
import { askingIn, type OpenDatabase, openForReading, openForWriting } from './database.ts';
import { openErrorFor } from './database-file.ts';
import { dealsOf, listDeals } from './deals.ts';
import { confirmHeld, endRows } from './endings.ts';
import { evidenceOf } from './evidence.ts';
import { feedOf, findFeed, syncFeeds } from './feeds.ts';
import { adoptFence, checkFence, newestFence, raiseFence } from './fence.ts';
import { figuresOn } from './figures.ts';
import { fileBytesOf } from './file-bytes.ts';
import { closeGaps, openGap } from './gaps.ts';
import { addHealthyTime, healthyTime } from './healthy-time.ts';
import { storeJudgements } from './judgements.ts';
import type { JudgingReader, JudgingWriter } from './judging-ports.ts';
import { keepLearned, learnedCosts } from './learned-costs.ts';
import { ledgerGroups, recordRequest, unitCosts } from './ledger.ts';
import { migrate } from './migrations.ts';
import { nextLook } from './next-look.ts';
import { storePage } from './pages.ts';
import { pastOf } from './past.ts';
import { beginPause, endPause } from './pause.ts';
import type { DealReader, DealWriter, FigureReader, Store } from './ports.ts';
import { priceBands, splitPriceBand } from './price-bands.ts';
import { recheckDue, storeRechecks } from './rechecks.ts';
import { rowsByNeed } from './rows-by-need.ts';
import { recordRun, storeId } from './runs.ts';
import { checkSchema } from './schema-steps.ts';
import { sellerOf, sellersDue, storeSellers } from './sellers.ts';
import { completeSweeps, supplyOf } from './supply.ts';
import { beginSweep, endSweep, newestSweep, rewindSweep } from './sweeps.ts';
import type { StoreDatabase, Trx } from './tables.ts';
import { waitToWrite } from './waiting-store.ts';
import { historyDue, rejudgeDue, verifyDue, withEvidence } from './work-lists.ts';

export interface StoreOptions {
  /** Made absolute against the working directory, and shown in every error. */
  readonly path: string;
  /**
   * `write` makes the file if need be and upgrades its schema; `read` changes nothing; `wait`
   * changes nothing until `prepareToWrite`, and reads as empty what is not there or older.
   */
  readonly mode: 'write' | 'read' | 'wait';
  /** How long to wait for another program that holds the file; absent: a few seconds. */
  readonly busyMs?: number;
}

/**
 * Opens the database at `path`. Afterwards its schema is that of this version, but for `wait`.
 *
 * @throws StoreOpenError whatever goes wrong, with what to do about it.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const path = resolve(options.path);
  const { mode, busyMs } = options;
  const limits = busyMs === undefined ? {} : { busyMs };
  if (mode === 'wait') return await waitingStore(path, limits);
  const database = mode === 'write' ? openForWriting(path, limits) : openForReading(path, limits);
  try {
    await (mode === 'write'
      ? migrate(database.db, path)
      : checkSchema(askingIn(database.db), path));
  } catch (error) {
    await database.close();
    throw openErrorFor(path, error);
  }
  return storeOn(database, { path, mode });
}

async function waitingStore(path: string, limits: { busyMs?: number }): Promise<Store> {
  const waiting = await waitToWrite(path, limits);
  let writes = 0;
  const onWrite = (): void => {
    writes += 1;
  };
  return {
    reader: {
      ...readerOn(() => waiting.readable().db),
      writes: () => writes,
      fileBytes: () => fileBytesOf(path),
      newestFence: () => waiting.ask(newestFence, 0),
      storeId: () => waiting.ask(storeId, undefined),
    },
    prepareToWrite: (options) => waiting.open(options),
    writer: (fence) => {
      const { db, foldLog } = waiting.writable();
      return writerOn(db, { fence, path, foldLog, onWrite });
    },
    close: () => waiting.close(),
  };
}

function storeOn(
  { db, foldLog, close }: OpenDatabase,
  { path, mode }: { path: string; mode: 'write' | 'read' },
): Store {
  let writes = 0;
  const onWrite = (): void => {
    writes += 1;
  };
  return {
    reader: {
      ...readerOn(() => db),
      writes: () => writes,
      fileBytes: () => fileBytesOf(path),
    },
    prepareToWrite: () => Promise.resolve(),
    writer(fence) {
      if (mode === 'read') throw new Error(`the deals database ${path} is open for reading only`);
      return writerOn(db, { fence, path, foldLog, onWrite });
    },
    close,
  };
}

/** Runs the work in a transaction of its own. */
type Transact = <T>(work: (trx: Trx) => Promise<T>) => Promise<T>;

function readerOn(db: () => StoreDatabase): Omit<DealReader, 'writes' | 'fileBytes'> {
  const read: Transact = (work) => db().transaction().setAccessMode('read only').execute(work);
  return {
    ...judgingReaderOn(read),
    ...figuresOn((questions) => read((trx) => questions(askingIn(trx)))),
    newestFence: () => read(newestFence),
    storeId: () => read(storeId),
    deals: (filter) => read((trx) => listDeals(trx, filter)),
    deal: (asin, domainId) => read((trx) => dealsOf(trx, { asin, domainId })),
    lastSweep: (feed) =>
      read(async (trx) => {
        const known = await findFeed(trx, feed.name);
        return known === undefined ? undefined : newestSweep(trx, known.id, feed.queryHash);
      }),
    priceBands: (feed) =>
      read(async (trx) => {
        const known = await findFeed(trx, feed.name);
        return known === undefined ? [] : priceBands(askingIn(trx), known.id, feed.queryHash);
      }),
    ledgerGroups: (sinceMs) => read((trx) => ledgerGroups(askingIn(trx), sinceMs)),
    learnedCosts: (sinceMs) => read((trx) => learnedCosts(trx, sinceMs)),
    unitCosts: (answersMax) => read((trx) => unitCosts(trx, answersMax)),
  };
}

function judgingReaderOn(read: Transact): Omit<JudgingReader, keyof FigureReader> {
  return {
    rowsByNeed: () => read((trx) => rowsByNeed(askingIn(trx))),
    historyDue: (options) => read((trx) => historyDue(trx, options)),
    rejudgeDue: (options) => read((trx) => rejudgeDue(trx, options)),
    withEvidence: (options) => read((trx) => withEvidence(trx, options)),
    verifyDue: (options) => read((trx) => verifyDue(trx, options)),
    sellersDue: (options) => read((trx) => sellersDue(trx, options)),
    evidence: (key) => read((trx) => evidenceOf(trx, key)),
    recheckDue: (options) => read((trx) => recheckDue(trx, options)),
    past: (key) => read((trx) => pastOf(trx, key)),
    nextLook: (key, nowMs) => read((trx) => nextLook(trx, key, nowMs)),
    seller: (domainId, sellerId) => read((trx) => sellerOf(trx, { domainId, sellerId })),
    supply: (feed, nowMs) => read((trx) => supplyOf(trx, { feed, nowMs })),
    healthyTime: () => read(healthyTime),
    completeSweeps: (options) => read((trx) => completeSweeps(trx, options)),
  };
}

interface WriterParts {
  readonly fence: number;
  readonly path: string;
  readonly foldLog: () => Promise<boolean>;
  /** Told of every write that was committed, but for those that only keep books. */
  readonly onWrite: () => void;
}

function writerOn(db: StoreDatabase, { fence, path, foldLog, onWrite }: WriterParts): DealWriter {
  let fences: readonly number[] = [fence];
  const keepBooks: Transact = (work) =>
    db.transaction().execute(async (trx) => {
      await checkFence(trx, fences);
      return await work(trx);
    });
  const write: Transact = async (work) => {
    const result = await keepBooks(work);
    onWrite();
    return result;
  };
  return {
    ...judgingWriterOn(write),
    ...bookkeeperOn(keepBooks, path),
    async tidy() {
      // Not inside it: a checkpoint cannot be part of a transaction.
      await keepBooks(() => Promise.resolve());
      return await foldLog();
    },
    adoptFence: () => db.transaction().execute((trx) => adoptFence(trx, Math.max(...fences))),
    async raiseFence(to) {
      const from = Math.max(...fences);
      // Both are ours until it is done: another transaction begins before or after this one.
      fences = [from, to];
      try {
        await db.transaction().execute((trx) => raiseFence(trx, { from, to }));
        fences = [to];
      } catch (error) {
        fences = [from];
        throw error;
      }
    },
    syncFeeds: (feeds, atMs) => write((trx) => syncFeeds(trx, feeds, atMs)),
    openSweep: (feed) =>
      keepBooks(async (trx) => {
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
  };
}

type Books = 'recordRequest' | 'recordRun' | 'beginPause' | 'endPause' | 'addHealthyTime';

/** The writes that make no work. */
function bookkeeperOn(keepBooks: Transact, path: string): Pick<DealWriter, Books> {
  return {
    recordRequest: (entry, learned) =>
      keepBooks(async (trx) => {
        const { shape, atMs } = entry;
        await recordRequest(trx, entry);
        if (learned !== undefined) await keepLearned(trx, { shape, atMs, learned });
      }),
    recordRun: (run) => keepBooks((trx) => recordRun(trx, run, path)),
    beginPause: (order) => keepBooks((trx) => beginPause({ trx, ask: askingIn(trx) }, order)),
    endPause: (atMs) => keepBooks((trx) => endPause({ trx, ask: askingIn(trx) }, atMs)),
    addHealthyTime: (options) => keepBooks((trx) => addHealthyTime(trx, options)),
  };
}

function judgingWriterOn(write: Transact): Omit<JudgingWriter, 'tidy' | 'addHealthyTime'> {
  return {
    storeJudgements: (batch) => write((trx) => storeJudgements(trx, batch)),
    storeSellers: (batch) => write((trx) => storeSellers(trx, batch)),
    storeRechecks: (batch) => write((trx) => storeRechecks(trx, batch)),
    endRows: (rules) => write((trx) => endRows(trx, rules)),
    confirmHeld: () => write(confirmHeld),
    openGap: (gap) => write((trx) => openGap(trx, gap)),
    closeGaps: (options) => write((trx) => closeGaps(trx, options)),
  };
}
