/**
 * Buys products for rows, judges them, and stores evidence and verdicts in one transaction.
 *
 * History and offers are bought alike: a batch of rows, one call, and an answer that says something
 * of each product or nothing. What it does not say is asked again later, and never a verdict.
 *
 * Invariants:
 * - processed = saved + rejected + insufficient + retry, for every answer, and with the rows that
 *   were only checked these are the rows that were asked about, each once;
 * - an answer is judged from itself, from the rows and from kept evidence, at the time it arrived:
 *   storing it twice is as good as once;
 * - a request that died takes its rows along only when Keepa answered others since it was first
 *   sent, be it before it died or after: an outage is no row's fault, and must not push the best
 *   candidates a day away.
 */
import assert from 'node:assert/strict';
import { packEvidence } from '../analysis/evidence.ts';
import type { Bought, Broker, Settlement, SpendClass } from '../broker/request.ts';
import type { ProductCall } from '../keepa/call.ts';
import type { Product, ProductBatch } from '../keepa/product.ts';
import type { Clock } from '../runtime/clock.ts';
import type {
  DealKey,
  JudgedDeal,
  JudgementBatch,
  Recheck,
  Verification,
  WorkRow,
} from '../store/judging-ports.ts';
import type { DealReader, DealWriter } from '../store/ports.ts';
import { type Batch, retryAtMs, retryCapMs } from './batch-spacing.ts';
import { earlierTries, type Known } from './completeness.ts';
import type { DoubtfulBatches } from './doubtful-batches.ts';
import { keptProduct } from './kept-evidence.ts';
import { deadPauseMs, type Round } from './rounds.ts';

export interface PurchaseParts {
  readonly broker: Broker;
  readonly reader: DealReader;
  readonly writer: DealWriter;
  readonly clock: Clock;
}

/** What is decided about one row. */
export interface Decided {
  /** Absent: the answer is evidence, and the row is left to whoever judges it. */
  readonly judged?: JudgedDeal;
  readonly verified?: Verification;
  /** Of a re-check: whether the product would still pass the screen of its feed. */
  readonly passes?: boolean;
  /** And what the product costs now. */
  readonly price?: Recheck['price'];
  /**
   * Why the offers, fresh as they are, leave the row as it was. Another look soon would see the
   * same, so the row waits as long as any.
   */
  readonly unsettled?: string;
}

export interface ProductOrder {
  readonly spendClass: SpendClass;
  readonly purpose: 'history' | 'verify' | 'recheck';
  readonly batch: Batch;
  /** What is asked of each product. */
  readonly wish: Omit<ProductCall, 'endpoint' | 'domainId' | 'asins'>;
  /** Decides about a row, or says why the product as bought does not tell. */
  decide(row: WorkRow, product: Product, known: Known, atMs: number): Decided | string;
  /** Takes the batch in when its request died and may have met an outage; absent: nothing does. */
  readonly doubtful?: DoubtfulBatches;
  readonly signal: AbortSignal;
}

export type Purchased = Round & {
  /** Refused as too large; so many items would fit. */
  readonly fitsItems?: number;
};

/** Buys the batch, or as much of it as its class can pay for, and stores what it says. */
export async function buyProducts(parts: PurchaseParts, order: ProductOrder): Promise<Purchased> {
  const { domainId, asins } = order.batch;
  let stored: AnswerDecided | undefined;
  const settlement = await parts.broker.request({
    spendClass: order.spendClass,
    purpose: order.purpose,
    call: { endpoint: 'product', domainId, asins, ...order.wish },
    signal: order.signal,
    commit: async (bought) => {
      stored = await judgedBatch(parts.reader, order, bought);
      const { batch, checked } = stored;
      await parts.writer.storeJudgements(batch);
      if (checked.length === 0) return;
      await parts.writer.storeRechecks({ atMs: bought.atMs, rows: checked, retries: [] });
    },
  });
  if (settlement.kind !== 'answered') return await unanswered(parts, order, settlement);
  assert(stored !== undefined, 'an answered request has been committed');
  const { checked } = stored;
  const counts = countsOf(stored, settlement.bought.call.asins.length);
  if (order.purpose !== 'recheck') return { counts };
  const passing = checked.filter(({ passes }) => passes).length;
  return { counts: { ...counts, passing, failing: checked.length - passing } };
}

interface AnswerDecided {
  readonly batch: JudgementBatch;
  /** Rows that were re-checked. */
  readonly checked: readonly Recheck[];
  /** How many rows the request asked about. */
  readonly rows: number;
}

/** What the answer decides about every row that it was asked about: it may have been cut. */
async function judgedBatch(
  reader: DealReader,
  { batch, purpose, decide }: ProductOrder,
  { call, answer, costTokens, atMs }: Bought<ProductCall>,
): Promise<AnswerDecided> {
  const sent = new Set(call.asins);
  const answerTo = answersBy(answer);
  const judged: JudgedDeal[] = [];
  const verified: Verification[] = [];
  const retries: JudgementBatch['retries'][number][] = [];
  const checked: Recheck[] = [];
  const whole = new Map<string, Product>();
  const rows = batch.rows.filter(({ asin }) => sent.has(asin));
  for (const row of rows) {
    const product = answerTo(row.asin);
    if (typeof product === 'string') {
      retries.push(retryOf(row, atMs, product));
      continue;
    }
    const known = {
      kept: await keptProduct(reader, row),
      earlier: await earlierTries(reader, row, atMs),
    };
    const decided = decide(row, product, known, atMs);
    if (typeof decided === 'string') {
      retries.push(retryOf(row, atMs, decided));
      continue;
    }
    const { unsettled: why, passes, price } = decided;
    if (why !== undefined) {
      retries.push({ ...keyOf(row), retryAtMs: atMs + retryCapMs, why, sawOffers: true });
    }
    // That there is nothing now takes nothing away from what was there.
    if (!(product.history === undefined && known.kept?.history)) whole.set(row.asin, product);
    if (decided.judged !== undefined) judged.push(decided.judged);
    if (decided.verified !== undefined) verified.push(decided.verified);
    if (passes !== undefined) checked.push({ ...keyOf(row), passes, ...(price ? { price } : {}) });
  }
  const evidence = [...whole.values()].map((product) => ({
    domainId: call.domainId,
    asin: product.asin,
    packed: packEvidence(product, atMs),
  }));
  return {
    batch: { atMs, costTokens, purpose, evidence, judged, verified, retries },
    checked,
    rows: rows.length,
  };
}

/** Looks up what an answer holds of a product: itself, or why it is not there. */
function answersBy({ products, faults }: ProductBatch): (asin: string) => Product | string {
  const found = new Map(products.map((product) => [product.asin, product]));
  const unread = new Map(faults.map(({ asin, why }) => [asin, `cannot be read: ${why}`]));
  return (asin) => found.get(asin) ?? unread.get(asin) ?? 'missing from the answer';
}

export function keyOf({ domainId, asin, priceType }: DealKey): DealKey {
  return { domainId, asin, priceType };
}

function isSameDeal(a: DealKey, b: DealKey): boolean {
  return a.asin === b.asin && a.domainId === b.domainId && a.priceType === b.priceType;
}

function retryOf(row: WorkRow, nowMs: number, why: string): JudgementBatch['retries'][number] {
  return { ...keyOf(row), retryAtMs: retryAtMs(row, nowMs), why };
}

function countsOf({ batch, checked, rows }: AnswerDecided, asked: number) {
  const { judged, retries, costTokens } = batch;
  const decided = [...judged, ...retries];
  const onlyChecked = checked.filter((row) => !decided.some((other) => isSameDeal(row, other)));
  const counted = decided.length + onlyChecked.length;
  assert.equal(counted, rows, 'every row that was asked about is counted once');
  const count = (verdict: JudgedDeal['verdict']): number =>
    judged.filter((deal) => deal.verdict === verdict).length;
  const processed = decided.length;
  const [saved, rejected, insufficient] = [
    count('accepted'),
    count('rejected'),
    count('insufficient'),
  ];
  const retry = retries.length;
  return { asked, processed, saved, rejected, insufficient, retry, tokens: costTokens };
}

async function unanswered(
  parts: PurchaseParts,
  order: ProductOrder,
  settlement: Exclude<Settlement<ProductCall>, { readonly kind: 'answered' }>,
): Promise<Purchased> {
  switch (settlement.kind) {
    case 'cancelled':
      return { counts: {}, trouble: { why: 'taken back', pauseMs: deadPauseMs } };
    case 'too-large':
      return { counts: {}, fitsItems: settlement.fitsItems };
    case 'unstorable':
      return await unstorable(parts, order, settlement);
    case 'permanent': {
      const why = `Keepa refuses it: ${settlement.why}`;
      const trouble = { why, pauseMs: deadPauseMs };
      // It is the plan that is not paid, and no fault of the rows.
      if (settlement.reason === 'payment-required') return { counts: {}, trouble };
      await storeRetries(parts, order, settlement.why);
      return { counts: { retry: order.batch.rows.length }, trouble };
    }
    case 'dead': {
      const why = `given up after ${settlement.attempts} attempts: ${settlement.why}`;
      const { why: said, answersBefore } = settlement;
      const isOutage = parts.broker.snapshot().answers === answersBefore;
      if (isOutage) order.doubtful?.add({ batch: order.batch, why: said, answersBefore });
      else await storeRetries(parts, order, said);
      const retry = isOutage ? 0 : order.batch.rows.length;
      return { counts: { retry }, trouble: { why, pauseMs: deadPauseMs } };
    }
  }
}

/** An answer that cannot be stored is like one that cannot be read: its rows come in halves. */
async function unstorable(
  parts: PurchaseParts,
  { batch, purpose }: ProductOrder,
  { bought, why }: Extract<Settlement<ProductCall>, { readonly kind: 'unstorable' }>,
): Promise<Purchased> {
  const { call, costTokens } = bought;
  const sent = new Set(call.asins);
  const rows = batch.rows.filter(({ asin }) => sent.has(asin));
  const said = `cannot be stored: ${why}`;
  await storeRetries(parts, { batch: { ...batch, rows }, purpose, costTokens }, said);
  const retry = rows.length;
  return {
    counts: { asked: call.asins.length, processed: retry, retry, tokens: costTokens },
    trouble: { why: said, pauseMs: deadPauseMs },
  };
}

/**
 * Sends the rows of doubtful batches back that were no outage after all; undefined: there is none.
 */
export async function sendBackCleared(
  parts: PurchaseParts,
  { doubtful, purpose }: { doubtful: DoubtfulBatches; purpose: ProductOrder['purpose'] },
): Promise<Round | undefined> {
  const cleared = doubtful.cleared(parts.broker.snapshot().answers);
  if (cleared.length === 0) return undefined;
  for (const one of cleared) {
    await storeRetries(parts, { batch: one.batch, purpose }, one.why);
    doubtful.drop(one);
  }
  return { counts: { retry: cleared.reduce((sum, { batch }) => sum + batch.rows.length, 0) } };
}

type Sent = Pick<ProductOrder, 'batch' | 'purpose'> & { readonly costTokens?: number };

/** Sends every row of a batch back that has no answer: it may be any of them. */
async function storeRetries(
  { writer, clock }: PurchaseParts,
  { batch, purpose, costTokens = 0 }: Sent,
  why: string,
): Promise<void> {
  const atMs = clock.now();
  const retries = batch.rows.map((row) => retryOf(row, atMs, why));
  const nothing = { costTokens, evidence: [], judged: [], verified: [] };
  await writer.storeJudgements({ atMs, purpose, ...nothing, retries });
}
