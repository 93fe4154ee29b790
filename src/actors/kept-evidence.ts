/**
 * Judges rows from the evidence that is kept of their products, without a token.
 *
 * A row is re-priced a dozen times before its history is worth buying again, so this is how most
 * verdicts come about. It is also how changed rules reach rows that were judged under the old ones.
 *
 * Invariants:
 * - evidence that is gone or cannot be read is no evidence: its row goes back, to be bought anew;
 * - rounds are bounded, each in one transaction, so a writer in between never waits for long.
 */
import { unpackEvidence } from '../analysis/evidence.ts';
import { EvidenceError } from '../analysis/packed-series.ts';
import type { Product } from '../keepa/product.ts';
import type { Clock } from '../runtime/clock.ts';
import {
  type DealKey,
  evidenceAgeMsMax,
  type JudgedBecause,
  type JudgedDeal,
  type JudgementBatch,
  type WorkRow,
} from '../store/judging-ports.ts';
import type { DealReader, DealWriter } from '../store/ports.ts';
import { judgeListed, type Rules } from './judging.ts';
import type { Round } from './rounds.ts';

export interface RejudgingOptions {
  readonly reader: DealReader;
  readonly writer: DealWriter;
  readonly clock: Clock;
  readonly rules: Rules;
}

/** Rows of one round: unpacking and judging one takes about a millisecond. */
const rowsPerRound = 50;

/** What is kept of the row's product; undefined when there is nothing that can be read. */
export async function keptProduct(
  reader: DealReader,
  row: Pick<WorkRow, 'domainId' | 'asin' | 'evidenceAtMs'>,
): Promise<Product | undefined> {
  if (row.evidenceAtMs === undefined) return undefined;
  const kept = await reader.evidence(row);
  if (kept === undefined) return undefined;
  try {
    return unpackEvidence(kept.packed);
  } catch (error) {
    if (error instanceof EvidenceError) return undefined;
    throw error;
  }
}

/** Re-judges rows whose listing changed, if their evidence is fresh; undefined: there is none. */
export async function rejudgeRound(options: RejudgingOptions): Promise<Round | undefined> {
  const { reader, writer, clock } = options;
  const evidenceSinceMs = clock.now() - evidenceAgeMsMax;
  const rows = await reader.rejudgeDue({ evidenceSinceMs, limit: rowsPerRound });
  if (rows.length === 0) return undefined;
  const batch = await judgeKept(options, rows, ({ state }) =>
    state === 'candidate' ? 'new' : 'repriced',
  );
  await writer.storeJudgements(batch);
  return { counts: tallyOf(batch) };
}

export interface RejudgeTally {
  readonly processed: number;
  readonly saved: number;
  readonly rejected: number;
  readonly insufficient: number;
  /** Rows whose evidence could not be read. */
  readonly retry: number;
}

/**
 * Re-runs the rules over everything that evidence is kept of, those after `after` when it is given.
 * Spends nothing. Ends early when the signal aborts; `after` in the result is then where to go on.
 *
 * `onRound` hears of the sums so far after every round, which is stored by then, and before it
 * `onJudged` of each of its rows, as it was, with the verdict that it has now.
 */
export async function rejudgeAll(
  options: RejudgingOptions & {
    readonly after?: DealKey;
    readonly signal: AbortSignal;
    onRound?(tally: RejudgeTally, after: DealKey): void;
    onJudged?(row: WorkRow, judged: JudgedDeal): void;
  },
): Promise<RejudgeTally & { readonly after?: DealKey }> {
  const { reader, writer, signal, onRound, onJudged } = options;
  let { after } = options;
  let tally: RejudgeTally = { processed: 0, saved: 0, rejected: 0, insufficient: 0, retry: 0 };
  while (!signal.aborted) {
    const page = { limit: rowsPerRound, ...(after === undefined ? {} : { after }) };
    const rows = await reader.withEvidence(page);
    const last = rows.at(-1);
    if (last === undefined) return tally;
    const batch = await judgeKept(options, rows, () => 'rules');
    await writer.storeJudgements(batch);
    for (const judged of batch.judged) {
      const row = rows.find((other) => isSameDeal(other, judged));
      if (row !== undefined) onJudged?.(row, judged);
    }
    tally = added(tally, tallyOf(batch));
    after = { domainId: last.domainId, asin: last.asin, priceType: last.priceType };
    onRound?.(tally, after);
  }
  return after === undefined ? tally : { ...tally, after };
}

async function judgeKept(
  { reader, clock, rules }: RejudgingOptions,
  rows: readonly WorkRow[],
  becauseOf: (row: WorkRow) => JudgedBecause,
): Promise<JudgementBatch> {
  const atMs = clock.now();
  const judged: JudgedDeal[] = [];
  const retries: JudgementBatch['retries'][number][] = [];
  for (const row of rows) {
    const product = await keptProduct(reader, row);
    if (product !== undefined) {
      judged.push(judgeListed({ row, product, because: becauseOf(row), nowMs: atMs, rules }));
      continue;
    }
    const { domainId, asin, priceType } = row;
    const why = 'the kept evidence cannot be read';
    // Nothing is wrong with the row: it may be bought at once.
    retries.push({ domainId, asin, priceType, retryAtMs: atMs, why });
  }
  const nothing = { costTokens: 0, evidence: [], verified: [] };
  return { atMs, purpose: 'rejudge', ...nothing, judged, retries };
}

/** A type and not an interface, so that it can be logged as it is. */
type Counts = { [K in keyof RejudgeTally]: number };

function tallyOf({ judged, retries }: JudgementBatch): Counts {
  const counts = { saved: 0, rejected: 0, insufficient: 0, retry: retries.length };
  for (const { verdict } of judged) counts[verdict === 'accepted' ? 'saved' : verdict] += 1;
  return { processed: judged.length + retries.length, ...counts };
}

function added(a: RejudgeTally, b: RejudgeTally): RejudgeTally {
  return {
    processed: a.processed + b.processed,
    saved: a.saved + b.saved,
    rejected: a.rejected + b.rejected,
    insufficient: a.insufficient + b.insufficient,
    retry: a.retry + b.retry,
  };
}

function isSameDeal(a: DealKey, b: DealKey): boolean {
  return a.asin === b.asin && a.domainId === b.domainId && a.priceType === b.priceType;
}
