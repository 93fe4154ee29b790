/**
 * The deals database as kysely sees it.
 *
 * - A write transaction begins immediate: one that began as a read and then writes cannot wait for
 *   another writer, it fails at once, whatever the busy timeout.
 * - DDL runs inside transactions, so a failed migration leaves nothing behind. (kysely believes
 *   that SQLite cannot do that.)
 * - Statements are prepared once and kept: the queries are few and their texts repeat.
 */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
  sql,
  type TransactionSettings,
} from 'kysely';
import type { Ask, AskedValue } from './ask.ts';
import {
  type DatabaseFile,
  openFileForReading,
  openFileForWriting,
  openFileInMemory,
  writerBusyMs,
} from './database-file.ts';
import type { StoreDatabase, Tables } from './tables.ts';

/** Far above the number of different queries; a page of n rows has a text of its own. */
const statementsMax = 300;

/** What a migration ends a table with. */
export const strict = sql`strict`;
/** A narrow table that is only ever reached by its primary key. */
export const strictByKey = sql`strict, without rowid`;

export interface OpenDatabase {
  readonly db: StoreDatabase;
  /** Whether it is a private copy of what was there when it was opened; it takes as much room. */
  readonly isCopy: boolean;
  /** Folds the whole log into the file and cuts it; false when a reader was in the way. */
  foldLog(): Promise<boolean>;
  /** From now on it waits as long for other programs as one that writes should. */
  waitAsWriter(): Promise<void>;
  close(): Promise<void>;
}

/** @throws StoreOpenError; the schema is not looked at. */
export function openForWriting(path: string, options: { busyMs?: number } = {}): OpenDatabase {
  return opened(openFileForWriting(path, options));
}

/** @throws StoreOpenError, reason `missing` when there is no file; the schema is not looked at. */
export function openForReading(path: string, options: { busyMs?: number } = {}): OpenDatabase {
  return opened(openFileForReading(path, options));
}

/** An empty one of nobody's, gone when it is closed. */
export function openInMemory(): OpenDatabase {
  return opened(openFileInMemory());
}

/** Questions in plain SQL, asked inside the transaction. */
export function askingIn(trx: StoreDatabase): Ask {
  return async <Row>(text: string, ...values: readonly AskedValue[]) =>
    (await trx.executeQuery<Row>(CompiledQuery.raw(text, [...values]))).rows;
}

function opened({ file, isCopy, close }: DatabaseFile): OpenDatabase {
  const db = new Kysely<Tables>({ dialect: new StoreDialect(file) });
  return {
    db,
    isCopy,
    foldLog: () => foldLog(db),
    waitAsWriter: () => setBusyMs(db, writerBusyMs),
    async close() {
      await db.destroy();
      // kysely closes only what a first query has opened.
      close();
    },
  };
}

/**
 * The ordinary checkpoints fold the log in as far as readers allow and never cut it, so a reader
 * who stays long lets it grow. This one cuts it, but would wait for readers, and block this process
 * for as long; so for its moment nobody is waited for.
 */
async function foldLog(db: StoreDatabase): Promise<boolean> {
  return await db.connection().execute(async (connection) => {
    const { rows } = await sql<{ timeout: number }>`pragma busy_timeout`.execute(connection);
    const busyMs = rows[0]?.timeout ?? writerBusyMs;
    await sql`pragma busy_timeout = 0`.execute(connection);
    try {
      const folded = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(
        connection,
      );
      return folded.rows[0]?.busy === 0;
    } finally {
      await sql`pragma busy_timeout = ${sql.lit(busyMs)}`.execute(connection);
    }
  });
}

async function setBusyMs(db: StoreDatabase, busyMs: number): Promise<void> {
  await sql`pragma busy_timeout = ${sql.lit(busyMs)}`.execute(db);
}

/** The file as kysely sees it, with its statements prepared once; the oldest are let go. */
function keepingStatements(file: DatabaseFile['file']): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>();
  return {
    close: () => file.close(),
    prepare(text) {
      const known = kept.get(text);
      if (known !== undefined) return known;
      const [oldest] = kept.keys();
      if (kept.size >= statementsMax && oldest !== undefined) kept.delete(oldest);
      const statement: SqliteStatement = file.prepare<unknown[]>(text);
      kept.set(text, statement);
      return statement;
    },
  };
}

class StoreDialect extends SqliteDialect {
  readonly #file: DatabaseFile['file'];

  constructor(file: DatabaseFile['file']) {
    super({ database: file });
    this.#file = file;
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter();
  }

  override createDriver(): Driver {
    return new StoreDriver(this.#file);
  }
}

class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class StoreDriver extends SqliteDriver {
  readonly #file: DatabaseFile['file'];

  constructor(file: DatabaseFile['file']) {
    super({ database: keepingStatements(file) });
    this.#file = file;
  }

  override async beginTransaction(
    connection: DatabaseConnection,
    settings?: TransactionSettings,
  ): Promise<void> {
    const begin = settings?.accessMode === 'read only' ? 'begin' : 'begin immediate';
    await connection.executeQuery(CompiledQuery.raw(begin));
  }

  /** A full disk makes SQLite roll back by itself; failing at that would hide the reason. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#file.inTransaction) await super.rollbackTransaction(connection);
  }
}
