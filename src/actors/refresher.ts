/**
 * Looks at rows that the listings lack, one by one, before any of them may end.
 *
 * Absent from a listing is not gone: rows move between pages while a sweep turns them, and Keepa
 * lists only what it looked at within a day. So a row that is missing from every feed which listed
 * it is bought as a product, 1 token each, in the class `refresh`, and held against the same screen
 * as any listed row; one that the screen turned down when it was listed last is not looked at. What
 * the answer says is stored; whether the row ends is the janitor's part.
 *
 * Invariants:
 * - only a complete answer decides; a product that is missing, unreadable or not told whole, and a
 *   request that failed, leave the row as it was, and it comes back later, with growing spacing;
 * - a product of which Keepa records nothing any more (inaccessible, invalid) cannot be shown to
 *   pass: after seven answers that say so it does not, and its evidence stays;
 * - a row that yields nothing never blocks those behind it: what failed together comes back in
 *   halves, in the end singly;
 * - a judged row is judged again at its present price, and every row takes that price: until it
 *   ends it must not promise one that is gone.
 */
import { recordsNothing, rowOfProduct } from '../analysis/recheck.ts';
import { screenRow } from '../analysis/screen.ts';
import type { AcceptanceRules, CostModel } from '../config-judging.ts';
import type { DealRow } from '../keepa/deal-row.ts';
import { needsOffers } from '../keepa/price-type.ts';
import type { Product } from '../keepa/product.ts';
import type { PassReport } from '../runtime/actor.ts';
import type { Log } from '../runtime/log.ts';
import type { WorkRow } from '../store/judging-ports.ts';
import { FittingSize, nextBatch } from './batch-spacing.ts';
import { incompleteness, isBelieved, type Known, recordsNothingAnyMore } from './completeness.ts';
import { DoubtfulBatches } from './doubtful-batches.ts';
import type { Feed } from './feed.ts';
import { judgeListed } from './judging.ts';
import {
  buyProducts,
  type Decided,
  type PurchaseParts,
  sendBackCleared,
} from './product-purchase.ts';
import { hopelessPauseMs, passOver, type Round } from './rounds.ts';

export interface RefresherOptions extends PurchaseParts {
  readonly feeds: readonly Feed[];
  readonly costs: CostModel;
  readonly acceptance: AcceptanceRules;
  readonly log: Log;
}

/** Rows looked at to fill one batch: enough to find a hundred of one kind among several. */
const dueRowsMax = 400;
/** Keepa's own limit for one call. */
const itemsMax = 100;
/** Offers are read live: ten products take Keepa about 20 s, and longer would block the channel. */
const itemsWithOffersMax = 10;
/** As an analyst buys it: the answer is evidence as well. */
const plainWish = { history: true, statsDays: 365 } as const;
const offersWish = { ...plainWish, offers: 20, onlyLiveOffers: true } as const;
/** An accepted row is what people act upon; one that was rejected misleads nobody. */
const urgency = { accepted: 0, candidate: 1, insufficient: 2, rejected: 3 } as const;

/** Makes the pass: one batch of rows that the listings lack. */
export function refresherPass(
  options: RefresherOptions,
): (signal: AbortSignal) => Promise<PassReport> {
  const { clock, reader } = options;
  const sizes = { plain: new FittingSize(itemsMax), offers: new FittingSize(itemsWithOffersMax) };
  const doubtful = new DoubtfulBatches();
  const work = async (signal: AbortSignal): Promise<Round | undefined> => {
    const sentBack = await sendBackCleared(options, { doubtful, purpose: 'recheck' });
    if (sentBack !== undefined) return sentBack;
    const due = await reader.recheckDue({ nowMs: clock.now(), limit: dueRowsMax });
    const [head, ...rest] = doubtful
      .others(due)
      .toSorted((a, b) => urgency[a.state] - urgency[b.state]);
    if (head === undefined) return undefined;
    const withOffers = needsOffers(head.priceType);
    const alike = rest.filter(({ priceType }) => needsOffers(priceType) === withOffers);
    const size = withOffers ? sizes.offers : sizes.plain;
    const { capacity } = options.broker.snapshot();
    const batch = nextBatch([head, ...alike], { itemsMax: size.at(capacity) });
    if (batch === undefined) return undefined;
    const { fitsItems, ...round } = await buyProducts(options, {
      spendClass: 'refresh',
      purpose: 'recheck',
      batch,
      wish: withOffers ? offersWish : plainWish,
      decide: (row, product, known, atMs) => decide(options, { row, product, known, atMs }),
      doubtful,
      signal,
    });
    if (fitsItems === undefined || size.refused(fitsItems, capacity)) return round;
    return { ...round, trouble: { why: 'never affordable', pauseMs: hopelessPauseMs } };
  };
  return passOver([{ name: 'recheck', work }], options);
}

interface Checked {
  readonly row: WorkRow;
  readonly product: Product;
  readonly known: Known;
  readonly atMs: number;
}

/** Whether the row still passes, and what it is worth now; or why the answer does not say. */
function decide(
  { feeds, costs, acceptance }: RefresherOptions,
  { row, product, known, atMs }: Checked,
): Decided | string {
  if (recordsNothing(product)) {
    const { why } = recordsNothingAnyMore;
    return isBelieved(recordsNothingAnyMore, known.earlier) ? { passes: false } : why;
  }
  const why = incompleteness(product, known);
  if (why !== undefined) return why;
  const listed = rowOfProduct(product, row.priceType);
  if (listed === undefined) return 'the statistics are incomplete';
  // A feed that is no longer configured has no rules of its own left but that there is a price.
  const rules = feeds.find(({ name }) => name === row.feed)?.screen ?? {};
  const passes = screenRow(listed, rules) === undefined;
  const price = priceOf(row, listed);
  if (row.judgedAtMs === undefined || row.state === 'candidate') return { passes, price };
  const judging = { product, because: 'rechecked', nowMs: atMs } as const;
  const rulesOfJudging = { costs, acceptance };
  const judged = judgeListed({ ...judging, row: pricedAs(row, listed), rules: rulesOfJudging });
  return { judged, passes, price };
}

function priceOf({ priceCents: wasCents }: WorkRow, { priceCents: nowCents }: DealRow) {
  return {
    ...(wasCents === undefined ? {} : { wasCents }),
    ...(nowCents === undefined ? {} : { nowCents }),
  };
}

/**
 * The row at the price that the product has now: what was last listed is out of date, and so is
 * what was seen of its live offers.
 */
function pricedAs(row: WorkRow, { priceCents }: DealRow): WorkRow {
  if (priceCents === row.priceCents) return row;
  const { priceCents: _listed, verifiedCents: _offer, lacksOffer: _lack, ...rest } = row;
  return priceCents === undefined ? rest : { ...rest, priceCents };
}
