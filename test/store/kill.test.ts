/**
 * Promise P1: kill −9 at any instant loses no stored deal, and the cursor agrees with the rows.
 *
 * A process stores pages as fast as it can until it is killed with SIGKILL: from outside after a
 * number of pages that the seed decides, or by itself before a chosen statement of a page. What
 * it reported must be there, what is there must be whole, and the next one goes on from there.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { seededRandom } from '../../src/runtime/random.ts';
import { openStore } from '../../src/store/open-store.ts';
import { books, temporaryDirectory } from './store-fixture.ts';

const seed = 20_250_615;
/** A page takes eleven statements, begin and commit included. */
const statements = [0, 2, 4, 6, 8, 10];

test(`kill −9 from outside loses no page that was stored (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const deaths = Array.from({ length: 4 }, () => ({ afterPages: random.integer(1, 25) }));
  await checkLives(deaths);
});

test('kill −9 before any statement of a page leaves the whole page or none of it', async () => {
  await checkLives(statements.map((beforeStatement) => ({ beforeStatement })));
});

/** How a life ends: so many pages were reported, or the next page is at such a statement. */
type Death = { readonly afterPages: number } | { readonly beforeStatement: number };

async function checkLives(deaths: readonly Death[]): Promise<void> {
  const directory = temporaryDirectory();
  const path = join(directory, 'deals.sqlite');
  let storedPages = 0;
  for (const death of deaths) {
    const reported = await live(path, death);
    assert.equal(reported[0], storedPages, 'it resumed at the page after the last stored one');
    storedPages = await checkWhole(path, reported);
  }
  rmSync(directory, { recursive: true });
}

/** Runs a writer until it dies; returns the pages that it reported. */
async function live(path: string, death: Death): Promise<readonly number[]> {
  const script = join(import.meta.dirname, 'page-writer.ts');
  const args = 'beforeStatement' in death ? [path, String(death.beforeStatement)] : [path];
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('close', (_code, signal) => resolve(signal));
  });
  const reported: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    reported.push(Number(line));
    if ('afterPages' in death && reported.length === death.afterPages) child.kill('SIGKILL');
  }
  assert.equal(await ended, 'SIGKILL');
  return reported;
}

/** Every page before the cursor is there whole, and none after it; returns the cursor. */
async function checkWhole(path: string, reported: readonly number[]): Promise<number> {
  const store = await openStore({ path, mode: 'read' });
  const sweep = await store.reader.lastSweep(books);
  const deals = await store.reader.deals({ states: 'all' });
  await store.close();
  assert(sweep !== undefined);
  const last = reported.at(-1) ?? -1;
  assert(sweep.nextPage >= last + 1, `page ${last} was stored, the cursor is at ${sweep.nextPage}`);
  const expected = Array.from({ length: sweep.nextPage * 10 }, (_, i) => {
    return `${Math.floor(i / 10)}-${i % 10}`;
  });
  assert.deepEqual(deals.map(({ asin }) => asin).toSorted(), expected.toSorted());
  assert.equal(sweep.rows, expected.length);
  return sweep.nextPage;
}
