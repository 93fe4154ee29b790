/**
 * A process that stores pages of one sweep until it dies, and prints the number of each page after
 * it is stored. It goes on where the last one stopped. Page n lists the rows n-0 to n-9.
 *
 * Arguments: the path of the database; optionally the number of statements after the first page
 * before which it kills itself, so that a test can choose the instant within a page.
 */
import SqliteFile from 'better-sqlite3';
import { openStore } from '../../src/store/open-store.ts';
import { books, dealRow, pageOf, passing, startMs } from './store-fixture.ts';

const [path = '', statementsLeft = 'Infinity'] = process.argv.slice(2);
let left = Number.POSITIVE_INFINITY;

/** Counts every statement of every connection in this process. */
function countStatements(): void {
  const file = new SqliteFile(':memory:');
  const statements: object = Object.getPrototypeOf(file.prepare('select 1'));
  for (const method of ['run', 'all']) {
    const original: unknown = Reflect.get(statements, method);
    if (typeof original !== 'function') throw new Error(`statements have no ${method}()`);
    Reflect.set(statements, method, function counted(this: unknown, ...args: unknown[]) {
      if (left <= 0) process.kill(process.pid, 'SIGKILL');
      left -= 1;
      return Reflect.apply(original, this, args);
    });
  }
  file.close();
}

countStatements();
const store = await openStore({ path, mode: 'write' });
const writer = store.writer((await store.reader.newestFence()) + 1);
await writer.adoptFence();
await writer.syncFeeds([books], startMs);
const sweep =
  (await writer.openSweep(books)) ??
  (await writer.beginSweep(books, { atMs: startMs, plannedMs: 1 }));
for (let page = sweep.nextPage; ; page += 1) {
  const rows = Array.from({ length: 10 }, (_, i) => dealRow(`${page}-${i}`));
  await writer.storePage(pageOf(passing(...rows), { sweep: { number: sweep.number, page } }));
  process.stdout.write(`${page}\n`);
  if (page === sweep.nextPage) left = Number(statementsLeft);
}
