/**
 * The disk under the deals database, and what can go wrong with it, by SQLite's own doing.
 *
 * *Full*: the daemon's connection may not add a page to its file, so SQLite fails with SQLITE_FULL
 * in the middle of whatever needs one. That limit belongs to a connection, and the store rightly
 * hands its connection to nobody; so better-sqlite3 itself is watched for who opens which file.
 * *Busy*: another connection holds a write transaction, and SQLite fails with SQLITE_BUSY.
 */
import { copyFileSync, existsSync } from 'node:fs';
import SqliteFile from 'better-sqlite3';

const pagesMax = 1_073_741_823;
const opened = new Map<string, SqliteFile.Database>();
let isWatching = false;

/** Notes from now on the last connection that was set up for each file. */
function watchConnections(): void {
  if (isWatching) return;
  isWatching = true;
  const { pragma } = SqliteFile.prototype;
  SqliteFile.prototype.pragma = function watched(this: SqliteFile.Database, text, options) {
    if (!this.readonly && text.startsWith('synchronous')) opened.set(this.name, this);
    return pragma.call(this, text, options);
  };
}

export class Disk {
  #lock: SqliteFile.Database | undefined;

  constructor() {
    watchConnections();
  }

  /** No page can be added to the file by the connection that has it open. */
  fill(path: string): void {
    const file = opened.get(path);
    if (file?.open !== true) return;
    file.pragma(`max_page_count = ${Number(file.pragma('page_count', { simple: true }))}`);
  }

  free(path: string): void {
    const file = opened.get(path);
    if (file?.open === true) file.pragma(`max_page_count = ${pagesMax}`);
  }

  /** Nobody else can write to the file until `unlock`. Call it while no transaction is open. */
  lock(path: string): void {
    if (this.#lock !== undefined || !existsSync(path)) return;
    const file = new SqliteFile(path, { timeout: 0 });
    file.exec('begin immediate');
    this.#lock = file;
  }

  unlock(): void {
    this.#lock?.close();
    this.#lock = undefined;
  }

  /** What is on the disk of a database at this instant, half-written transactions included. */
  copy(from: string, to: string): void {
    for (const suffix of ['', '-wal']) {
      if (existsSync(`${from}${suffix}`)) copyFileSync(`${from}${suffix}`, `${to}${suffix}`);
    }
  }

  forget(path: string): void {
    opened.delete(path);
  }
}
