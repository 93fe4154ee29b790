/**
 * No seed goes missing: one that hangs and one whose process ends are failures of their own.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runSeeds } from './sim-jobs.ts';

/** 2 hangs, 3 ends in the middle of it, the others have nothing to report. */
const worker = `
process.on('message', ({ seed }) => {
  if (seed === 2) return;
  if (seed === 3) process.exit(0);
  process.send({ seed, failures: [] });
});
`;

test('a seed that hangs and one that ends early are told, and the others are run', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'keepa-deals-jobs-'));
  const script = join(directory, 'worker.mjs');
  writeFileSync(script, worker);
  const told = new Map<number, readonly string[]>();
  await runSeeds({
    ...{ script, args: [], seeds: [1, 2, 3, 4, 5], jobs: 2, seedMsMax: 1_500 },
    onOutcome: ({ seed, failures }) =>
      told.set(
        seed,
        failures.map(({ sentence }) => sentence),
      ),
  });
  rmSync(directory, { recursive: true });
  const none: string[] = [];
  const sorted = [...told].toSorted(([a], [b]) => a - b);
  assert.deepEqual(sorted, [
    [1, none],
    [2, ['no result after 1500 ms']],
    [3, ['ended with 0']],
    [4, none],
    [5, none],
  ]);
});
