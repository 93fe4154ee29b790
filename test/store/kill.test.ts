/**
 * Promise P1: kill −9 at any instant loses no stored deal, and the cursor agrees with the rows.
 *
 * A process stores pages as fast as it can and is killed with SIGKILL after a number of pages that
 * the seed decides, so the signal lands anywhere in a transaction. What it reported must be there,
 * what is there must be whole, and the next one goes on from that very page.
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

test(`kill −9 in the middle of storing loses no page that was stored (seed ${seed})`, async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'deals.sqlite');
  const random = seededRandom(seed);
  let storedPages = 0;
  for (let round = 1; round <= 6; round += 1) {
    const reported = await killAfter(path, random.integer(1, 25));
    assert.equal(reported[0], storedPages, 'it resumed at the page after the last stored one');
    storedPages = await checkWhole(path, reported);
  }
  rmSync(directory, { recursive: true });
});

/** Runs a writer until it has reported so many pages; returns all that it reported. */
async function killAfter(path: string, pages: number): Promise<readonly number[]> {
  const script = join(import.meta.dirname, 'page-writer.ts');
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('close', (_code, signal) => resolve(signal));
  });
  const reported: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    reported.push(Number(line));
    if (reported.length === pages) child.kill('SIGKILL');
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
