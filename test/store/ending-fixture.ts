/**
 * Sweeps, re-checks and runs of the janitor as they follow each other, for the tests of endings.
 */
import assert from 'node:assert/strict';
import type { EndingRules } from '../../src/store/judging-ports.ts';
import { endingRules, hourMs, sweepOf } from './judging-fixture.ts';
import { startMs, type TestStore } from './store-fixture.ts';

export const minuteMs = 60_000;

/** Sweeps that list these rows, one an hour. */
export async function sweeps(
  store: TestStore,
  lists: readonly (readonly string[])[],
  options: Omit<NonNullable<Parameters<typeof sweepOf>[2]>, 'atMs'> & { fromMs?: number } = {},
): Promise<void> {
  const { fromMs = startMs, ...others } = options;
  for (const [at, list] of lists.entries()) {
    await sweepOf(store, list, { atMs: fromMs + at * hourMs, ...others });
  }
}

/** Re-checks of everything that is due; those named pass. Returns what was due. */
export async function recheck(
  { reader, writer }: TestStore,
  { passing: names = [], atMs = startMs + 12 * hourMs }: { passing?: string[]; atMs?: number } = {},
): Promise<readonly string[]> {
  const due = await reader.recheckDue({ nowMs: atMs, limit: 99 });
  const rows = due.map(({ asin, domainId, priceType }) => ({
    ...{ asin, domainId, priceType },
    passes: names.includes(asin),
  }));
  await writer.storeRechecks({ atMs, rows, retries: [] });
  return due.map(({ asin }) => asin);
}

/** Lets healthy time pass and ends what is due; returns the endings by asin. */
export async function end(
  { writer, reader }: TestStore,
  change: Partial<EndingRules> = {},
): Promise<Readonly<Record<string, string>>> {
  const { endings, counts } = await writer.endRows(endingRules(change));
  const ended = counts.ended.absent + counts.ended['not-seen'];
  assert.equal(ended, endings.length);
  assert.equal(counts.held, await reader.heldRows());
  return Object.fromEntries(endings.map(({ asin, reason }) => [asin, reason]));
}

export async function healthy({ writer, reader }: TestStore, ms: number): Promise<void> {
  const { asOfMs = startMs } = await reader.healthyTime();
  await writer.addHealthyTime({ ms, asOfMs: asOfMs + ms });
}

export const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, at) => `A${from + at}`);
