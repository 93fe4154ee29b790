/**
 * Turns candidates into verdicts: judges them by their history, and verifies what survives.
 *
 * A history costs 1 token, a look at the live offers about 7, so offers are bought only for what
 * the rules accept, and the most promising rows come first at both. What a listing changes about a
 * row that was judged is judged again from kept evidence, which costs nothing and goes before all.
 * Offers of rows whose offers are known are looked at again last: every change of price asks for
 * that, and it would leave nothing for a row that nobody has judged yet.
 *
 * Two actors work here, each with one request outstanding: `analyst` in the class `upsert` keeps
 * the table right and looks at what is new; `analyst-backlog` in the class `backfill` works off
 * what is left over, in income that nobody else wants.
 *
 * Invariants:
 * - a verdict comes from a complete payload only (promise P9); whatever is incomplete changes
 *   nothing and comes back, ever more rarely, in ever smaller company;
 * - what is paid for is stored, evidence and verdict together, before anything else is bought;
 * - neither actor asks for what the other one is about: fresh candidates belong to the one, old
 *   ones and aged evidence to the other.
 */
import type { AcceptanceRules, CostModel } from '../config-judging.ts';
import type { PassReport } from '../runtime/actor.ts';
import type { Log } from '../runtime/log.ts';
import { evidenceAgeMsMax, verificationAgeMsMax } from '../store/judging-ports.ts';
import { type Batch, FittingSize, nextBatch } from './batch-spacing.ts';
import { decideByHistory, decideByOffers, historyWish, offersWish } from './deciding.ts';
import { DoubtfulBatches } from './doubtful-batches.ts';
import type { Rules } from './judging.ts';
import { rejudgeRound } from './kept-evidence.ts';
import {
  buyProducts,
  type ProductOrder,
  type PurchaseParts,
  sendBackCleared,
} from './product-purchase.ts';
import { hopelessPauseMs, passOver, type Round, type Stage } from './rounds.ts';
import { sellerLookup } from './seller-lookup.ts';

export interface AnalystOptions extends PurchaseParts {
  readonly log: Log;
  readonly costs: CostModel;
  readonly acceptance: AcceptanceRules;
}

/** A candidate is fresh for a day: so long its class has to get to it, then the backlog has it. */
const freshMs = 24 * 3_600_000;
/** Keepa's own limit for one call. */
const historyItemsMax = 100;
/** Offers are read live: ten products take Keepa about 20 s, and longer would block the channel. */
const offersItemsMax = 10;
/** Rows looked at to fill one batch: enough to find a hundred alike among several kinds. */
const dueRowsMax = 400;

/** Makes the pass of `analyst`: one round of re-judging, or one batch, the most pressing first. */
export function analystPass(options: AnalystOptions): (signal: AbortSignal) => Promise<PassReport> {
  const rules = rulesOf(options);
  const stages: readonly Stage[] = [
    { name: 'rejudge', work: () => rejudgeRound({ ...options, rules }) },
    { name: 'verify', work: verification(options, 'first') },
    { name: 'sellers', work: sellerLookup(options) },
    { name: 'fresh', work: histories(options, 'fresh') },
    { name: 'verify-again', work: verification(options, 'again') },
  ];
  return passOver(stages, options);
}

/** Makes the pass of `analyst-backlog`: one batch of old candidates, or of aged evidence. */
export function backlogPass(options: AnalystOptions): (signal: AbortSignal) => Promise<PassReport> {
  return passOver([{ name: 'backlog', work: histories(options, 'backlog') }], options);
}

function rulesOf({ costs, acceptance }: AnalystOptions): Rules {
  return { costs, acceptance };
}

/** Buys histories, and judges each row at the price it is listed at. */
function histories(options: AnalystOptions, kind: 'fresh' | 'backlog'): Stage['work'] {
  const { reader, clock } = options;
  const rules = rulesOf(options);
  const purchase = purchaser(options, historyItemsMax);
  return async (signal) => {
    const nowMs = clock.now();
    const due = await reader.historyDue({
      kind,
      nowMs,
      freshSinceMs: nowMs - freshMs,
      evidenceSinceMs: nowMs - evidenceAgeMsMax,
      limit: dueRowsMax,
    });
    return await purchase(due, {
      spendClass: kind === 'fresh' ? 'upsert' : 'backfill',
      purpose: 'history',
      wish: historyWish,
      decide: decideByHistory(rules),
      signal,
    });
  };
}

/** Buys live offers, and judges each row again at what its cheapest one costs. */
function verification(options: AnalystOptions, kind: 'first' | 'again'): Stage['work'] {
  const { reader, clock } = options;
  const rules = rulesOf(options);
  const purchase = purchaser(options, offersItemsMax);
  return async (signal) => {
    const nowMs = clock.now();
    const verifiedSinceMs = nowMs - verificationAgeMsMax;
    const due = await reader.verifyDue({ kind, nowMs, verifiedSinceMs, limit: dueRowsMax });
    return await purchase(due, {
      spendClass: 'upsert',
      purpose: 'verify',
      wish: offersWish,
      decide: decideByOffers(rules),
      signal,
    });
  };
}

/** Cuts batches of at most `itemsMax`, or of what the broker lets through, and buys them. */
function purchaser(
  options: AnalystOptions,
  itemsMax: number,
): (
  due: Parameters<typeof nextBatch>[0],
  order: Omit<ProductOrder, 'batch'>,
) => Promise<Round | undefined> {
  const size = new FittingSize(itemsMax);
  const doubtful = new DoubtfulBatches();
  return async (due, order) => {
    const sentBack = await sendBackCleared(options, { ...order, doubtful });
    if (sentBack !== undefined) return sentBack;
    const { capacity } = options.broker.snapshot();
    const rows = doubtful.others(due);
    const batch: Batch | undefined = nextBatch(rows, { itemsMax: size.at(capacity) });
    if (batch === undefined) return undefined;
    const { fitsItems, ...round } = await buyProducts(options, { ...order, batch, doubtful });
    if (fitsItems === undefined || size.refused(fitsItems, capacity)) return round;
    return { ...round, trouble: { why: 'never affordable', pauseMs: hopelessPauseMs } };
  };
}
