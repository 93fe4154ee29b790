/**
 * The lists of work as tests ask for them, and what rounds of work store.
 */
import { evidenceAgeMsMax, type JudgedDeal, type WorkRow } from '../../src/store/judging-ports.ts';
import { batchOf, retryOf } from './judging-fixture.ts';
import { startMs, type TestStore } from './store-fixture.ts';

export const asins = (rows: readonly WorkRow[]): readonly string[] => rows.map(({ asin }) => asin);

/** Evidence of before this is old; the batches of these tests bring newer unless they say so. */
export const evidenceSinceMs = startMs;
export const oldMs = startMs - 1;
/** When evidence of `oldMs` is too old to be the last word on a new price. */
export const agedMs = startMs + evidenceAgeMsMax;

export function historyDue(
  { reader }: TestStore,
  kind: 'fresh' | 'backlog',
  change: { nowMs?: number; freshSinceMs?: number; limit?: number; domainId?: number } = {},
): Promise<readonly WorkRow[]> {
  const usual = { nowMs: startMs, freshSinceMs: startMs, evidenceSinceMs, limit: 99 };
  return reader.historyDue({ ...usual, kind, ...change });
}

export function rejudgeDue({ reader }: TestStore): Promise<readonly WorkRow[]> {
  return reader.rejudgeDue({ evidenceSinceMs, limit: 99 });
}

export function verifyDue(
  { reader }: TestStore,
  { verifiedSinceMs = 0 } = {},
): Promise<readonly WorkRow[]> {
  return reader.verifyDue({ nowMs: startMs, verifiedSinceMs, limit: 99 });
}

/** A verdict from evidence of that age. */
export async function judged(store: TestStore, deals: readonly JudgedDeal[], atMs: number) {
  await store.writer.storeJudgements(batchOf(deals, { atMs }));
}

/** A round over kept evidence came to these verdicts. */
export async function rejudged(store: TestStore, deals: readonly JudgedDeal[], atMs: number) {
  const nothing = { costTokens: 0, evidence: [] };
  await store.writer.storeJudgements(batchOf(deals, { purpose: 'rejudge', atMs, ...nothing }));
}

/** A round over kept evidence that could not read what is kept of this product. */
export async function unreadable(store: TestStore, asin: string, atMs: number): Promise<void> {
  const retries = [retryOf(asin, { retryAtMs: atMs })];
  await store.writer.storeJudgements(batchOf([], { purpose: 'rejudge', atMs, retries }));
}

export const at1000 = { because: 'repriced', priceCents: 1_000 } as const;
