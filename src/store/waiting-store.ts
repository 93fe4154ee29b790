/**
 * The deals database of one who may have to wait for the right to write it.
 *
 * A process that stands by must not touch what another one writes, least of all upgrade its schema
 * under it. So until it holds the leases the file is open for reading only, and what this version
 * cannot read (no file yet, an older schema) reads as empty, from a database in memory. The fence
 * and the name of the database are in every schema there ever was: they are read from the file
 * itself, because leases are taken by them.
 */
import { resolve } from 'node:path';
import {
  askingIn,
  type OpenDatabase,
  openForReading,
  openForWriting,
  openInMemory,
} from './database.ts';
import { openErrorFor } from './database-file.ts';
import { migrate } from './migrations.ts';
import { holdsTables, isCurrent } from './schema-steps.ts';
import { StoreOpenError, type StoreOpenReason } from './store-open-error.ts';
import type { Trx } from './tables.ts';

export interface WaitingStore {
  /** What reports are read from: the file as far as it can be, and once it is open for writing. */
  readable(): OpenDatabase;
  /** Asks the file itself; `otherwise` where nothing is in it yet. @throws StoreOpenError */
  ask<T>(question: (trx: Trx) => Promise<T>, otherwise: T): Promise<T>;
  /**
   * Opens the file for writing and brings its schema up to date, once; after an error it can be
   * tried again. `busyMs` is for this only. @throws StoreOpenError
   */
  open(options?: Limits): Promise<void>;
  /** @throws when it is not open for writing. */
  writable(): OpenDatabase;
  close(): Promise<void>;
}

interface Limits {
  readonly busyMs?: number;
}

/**
 * A file that cannot be read for want of room, not even from a copy, is read as empty until there
 * is; whoever asks the file itself is told.
 *
 * @throws StoreOpenError when the file is there and nothing of ours, or of a newer version.
 */
export async function waitToWrite(path: string, limits: Limits): Promise<WaitingStore> {
  const opened: OpenDatabase[] = [];
  const close = async (): Promise<void> => {
    for (const database of opened.splice(0)) await database.close();
  };
  const closeUnused = async (database: OpenDatabase): Promise<void> => {
    opened.splice(opened.indexOf(database), 1);
    // Who reads it has its only connection until then.
    await database.db.connection().execute(() => Promise.resolve());
    await database.close();
  };
  const look = (): OpenDatabase | undefined => {
    const found = unless('missing', () => openForReading(path, limits));
    if (found !== undefined) opened.push(found);
    return found;
  };
  let file = unless('disk-full', look);
  let readable: OpenDatabase | undefined;
  let writable: OpenDatabase | undefined;
  try {
    if (file !== undefined && (await isCurrent(askingIn(file.db), path))) readable = file;
    else {
      readable = openInMemory();
      opened.push(readable);
      await migrate(readable.db, path);
    }
  } catch (error) {
    await close();
    throw openErrorFor(path, error);
  }
  const shown = readable;
  return {
    readable: () => writable ?? shown,
    async ask(question, otherwise) {
      if (writable === undefined) file ??= look();
      const asked = writable ?? file;
      if (asked === undefined || !(await holdsTables(askingIn(asked.db)))) return otherwise;
      return await asked.db.transaction().setAccessMode('read only').execute(question);
    },
    async open(forNow = limits) {
      if (writable !== undefined) return;
      const database = openForWriting(path, forNow);
      try {
        await migrate(database.db, path);
        if (limits.busyMs === undefined) await database.waitAsWriter();
      } catch (error) {
        await database.close();
        throw openErrorFor(path, error);
      }
      opened.push(database);
      writable = database;
      // Nobody begins to read it any more, and it takes as much room as the database.
      if (file?.isCopy === true) await closeUnused(file);
    },
    writable() {
      if (writable !== undefined) return writable;
      throw new Error(`the deals database ${resolve(path)} is not open for writing yet`);
    },
    close,
  };
}

/** Undefined when it fails for that reason. */
function unless<T>(reason: StoreOpenReason, open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof StoreOpenError && error.reason === reason) return undefined;
    throw error;
  }
}
