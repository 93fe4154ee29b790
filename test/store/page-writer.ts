/**
 * A process that stores pages of one sweep in the database given as its argument until it is
 * killed, and prints the number of each page after it is stored. It goes on where the last one
 * stopped. Page n lists the rows n-0 to n-9.
 */
import { openStore } from '../../src/store/open-store.ts';
import { books, dealRow, pageOf, passing, startMs } from './store-fixture.ts';

const [path = ''] = process.argv.slice(2);
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
}
