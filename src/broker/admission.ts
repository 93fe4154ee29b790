/**
 * Decides who may spend next, and how much: guaranteed shares first, priority for the rest.
 *
 * Each class owns a part of the balance, its credit; what belongs to no class is the commons. A
 * head may go when its hold is covered by its own credit and the commons, so a class can neither be
 * starved by a busier one nor starve it: nobody spends what is saved for somebody else. Among those
 * that may go, the one whose promised turn has passed goes first, then the higher class.
 *
 * There is no threshold to be tuned: every limit is a share of the measured capacity or lump.
 *
 * A small bucket may be full of savings of which none suffices: what all classes save for is more
 * than it holds. Then no lump comes any more, and everybody would wait for ever beside a full
 * bucket. So the next lump that would be lost lets one class borrow what it lacks from the savings
 * of the others: the one that would have been first by its share in a bucket without a cap. The
 * loan is an overrun like any other, so its class pays it back and the shares stay what they are.
 *
 * Invariants:
 * - no admission takes the balance, less everything held, below the deficit floor, not even when
 *   the call costs as much as the dearest one of its kind of late;
 * - a batch is cut to what is there now, and never to nothing;
 * - pure: decisions depend on the arguments only.
 */
import { type CostModel, type Quote, unitsIn } from './cost-model.ts';
import { type Credits, dealLump, hundredthsPerToken, type PerClass, perClass } from './credits.ts';
import { type SpendClass, spendClasses } from './request.ts';
import type { QueuedRequest, RequestQueue } from './request-queue.ts';
import { type Bucket, capacityOf, lumpOf } from './token-bucket.ts';

export interface SpendPolicy {
  /** Whole per cents that add up to 100. */
  readonly shares: PerClass;
  /** The balance that no decision goes below, in tokens; 0 or less. */
  readonly deficitFloor: number;
}

/** All that a decision rests on. `bucket` and `credits` are advanced to `nowMs`. */
export interface Situation<P> {
  readonly queue: RequestQueue<P>;
  readonly credits: Credits;
  readonly bucket: Bucket;
  readonly costs: CostModel;
  readonly policy: SpendPolicy;
  /** Tokens set aside for what is in flight; the bucket's balance still contains them. */
  readonly heldTokens: number;
  readonly nowMs: number;
}

export type Decision<P> =
  | {
      readonly kind: 'admit';
      readonly request: QueuedRequest<P>;
      /** How many of its items. */
      readonly items: number;
      readonly quote: Quote;
      /** Paid in part from what the other classes have saved. */
      readonly isLoan: boolean;
    }
  /** It could never be afforded; `fitsItems` could, 0: not even one. */
  | { readonly kind: 'refuse'; readonly request: QueuedRequest<P>; readonly fitsItems: number }
  | { readonly kind: 'wait' };

/** See the head of the file. */
export function decide<P>(situation: Situation<P>): Decision<P> {
  const { queue, nowMs } = situation;
  for (const request of queue.waiting()) {
    const fitsItems = fittingItems(situation, request);
    if (fitsItems !== undefined && request.state === 'queued') {
      return { kind: 'refuse', request, fitsItems };
    }
  }
  let chosen: Admissible<P> | undefined;
  for (const name of spendClasses) {
    const request = queue.head(name);
    const cut = request && affordableCut(situation, request);
    if (request === undefined || cut === undefined) continue;
    const dueAtMs = queue.overdueAtMs(request);
    // In the order of the classes, so at equal standing the higher class keeps its place.
    const overdueAtMs = dueAtMs <= nowMs ? dueAtMs : Number.POSITIVE_INFINITY;
    const candidate = { ...cut, request, overdueAtMs };
    if (chosen === undefined || overdueAtMs < chosen.overdueAtMs) chosen = candidate;
  }
  const borrower = chosen === undefined ? borrowerIn(situation) : undefined;
  if (borrower !== undefined) {
    const quote = situation.costs.quote(borrower.call, 1);
    return { kind: 'admit', request: borrower, items: 1, quote, isLoan: true };
  }
  if (chosen === undefined) return { kind: 'wait' };
  const { request, items, quote } = chosen;
  return { kind: 'admit', request, items, quote, isLoan: false };
}

/** Lumps that a class may not have had the turns to spend. */
const lumpsSaved = 2;

interface Cut {
  readonly items: number;
  readonly quote: Quote;
}

interface Admissible<P> extends Cut {
  readonly request: QueuedRequest<P>;
  /** Infinite while its promised turn has not passed. */
  readonly overdueAtMs: number;
}

/**
 * How far each class's credit may grow, in hundredths (rule 2). With work: its head's smallest hold
 * and two lumps' share on top, because a credit capped at the bare hold sheds most of every lump on
 * a fast plan, and more tokens a minute then meant fewer sweeps. One lump does where a class spends
 * it before the next; but where a class needs many turns for it and slow calls keep the channel
 * busy, the next lump finds it unspent, and at 250 tokens a minute a class then lost 1.2 % of its
 * day to others. Without work: its standing reserve.
 */
export function creditCaps<P>(situation: Situation<P>): PerClass {
  const lump = lumpOf(situation.bucket);
  return perClass((name) => {
    const reserve = standingReserve(situation, name);
    const work = situation.queue.workOf(name);
    if (work === undefined) return reserve;
    const goal = smallestHold(situation, work);
    const share = situation.policy.shares[name];
    const cap = goal + lumpsSaved * share * lump;
    const ceiling = creditCeiling(situation, name);
    if (goal <= ceiling) return Math.max(reserve, Math.min(cap, ceiling));
    // One item dearer than its share can ever hold: it may save beyond. If several do, the bucket
    // may fill up with savings: then they lend to each other.
    return cap;
  });
}

/**
 * Who may borrow now: nobody, unless the next lump would be lost at the cap and would let no head
 * go. `owed` counts as saved, and what a class owes as not saved: so it goes by shares, however
 * often somebody borrows.
 */
export function borrowerIn<P>(situation: Situation<P>): QueuedRequest<P> | undefined {
  const { queue, credits, bucket, policy } = situation;
  const room = capacityOf(bucket) - bucket.balance;
  if (room >= lumpOf(bucket)) return undefined;
  const heads = spendClasses.flatMap((name) => queue.head(name) ?? []);
  const dealt = dealLump(credits, {
    shares: policy.shares,
    caps: creditCaps(situation),
    amount: hundredthsPerToken * Math.max(0, room),
  });
  const next = { ...situation, credits: dealt };
  if (heads.some((head) => isAdmissible(next, head))) return undefined;
  let first: { readonly head: QueuedRequest<P>; readonly ticks: number } | undefined;
  for (const head of heads) {
    const { spendClass } = head;
    const saved = credits.credit[spendClass] + credits.owed[spendClass] / 100;
    const ticks = (smallestHold(situation, head) - saved) / policy.shares[spendClass];
    const bearable = bearableByBalance(situation, situation.costs.quote(head.call, 1));
    if (bearable && (first === undefined || ticks < first.ticks)) first = { head, ticks };
  }
  return first?.head;
}

/**
 * How much more all classes may want to save than the bucket can hold, in hundredths; 0: it holds
 * everything, so nobody ever has to borrow.
 */
export function crowding<P>(situation: Situation<P>): number {
  const { bucket, queue, policy } = situation;
  const wanted = spendClasses.reduce((sum, name) => {
    const work = queue.workOf(name);
    const reserve = standingReserve(situation, name);
    return sum + Math.max(reserve, work === undefined ? 0 : smallestHold(situation, work));
  }, 0);
  const kept = capacityOf(bucket) - lumpOf(bucket) - policy.deficitFloor;
  return Math.max(0, wanted - hundredthsPerToken * kept);
}

/** The hold of the request's first item, in hundredths: what it needs in order to be admitted. */
export function smallestHold<P>({ costs }: Situation<P>, { call }: QueuedRequest<P>): number {
  return hundredthsPerToken * costs.quote(call, 1).holdTokens;
}

/** What decisions may still spend, in hundredths: the balance less floor and holds. */
function spendable<P>({ bucket, policy, heldTokens }: Situation<P>): number {
  return hundredthsPerToken * (bucket.balance - heldTokens - policy.deficitFloor);
}

/** Whether one item of the request could go now (rule 3). */
export function isAdmissible<P>(situation: Situation<P>, request: QueuedRequest<P>): boolean {
  return isAffordable(situation, request, situation.costs.quote(request.call, 1));
}

/** Share x capacity, in hundredths (a per cent of a token is one). */
function creditCeiling<P>({ policy, bucket }: Situation<P>, name: SpendClass): number {
  return policy.shares[name] * capacityOf(bucket);
}

/**
 * What a class keeps while it asks for nothing: a head poll, a verification that a person wants.
 */
function standingReserve<P>(situation: Situation<P>, name: SpendClass): number {
  const { costs } = situation;
  const ceiling = creditCeiling(situation, name);
  switch (name) {
    case 'head':
      return Math.min(
        ceiling,
        hundredthsPerToken * costs.quote({ endpoint: 'deal' }, 1).holdTokens,
      );
    case 'interactive': {
      const verification = costs.quote({ endpoint: 'product', offers: 20 }, 1);
      return Math.min(ceiling, hundredthsPerToken * verification.holdTokens);
    }
    default:
      return 0;
  }
}

/** The largest cut of the head that its class can pay for now; undefined: not even one item. */
function affordableCut<P>(situation: Situation<P>, request: QueuedRequest<P>): Cut | undefined {
  for (let items = itemsMax(situation, request); items >= 1; items -= 1) {
    const quote = situation.costs.quote(request.call, items);
    if (isAffordable(situation, request, quote)) return { items, quote };
  }
  return undefined;
}

/** The most of its items that would be sent at once. */
function itemsMax<P>({ costs }: Situation<P>, { call }: QueuedRequest<P>): number {
  return Math.min(unitsIn(call), costs.batchMax(call));
}

function isAffordable<P>(
  situation: Situation<P>,
  { spendClass }: QueuedRequest<P>,
  quote: Quote,
): boolean {
  const { credits } = situation;
  const own = credits.credit[spendClass] + credits.commons;
  if (quote.holdTokens > 0 && hundredthsPerToken * quote.holdTokens > own) return false;
  return bearableByBalance(situation, quote);
}

/** Whether the balance can bear it, whoever pays. */
function bearableByBalance<P>(
  situation: Situation<P>,
  { holdTokens, worstTokens }: Quote,
): boolean {
  // Keepa answers nothing that costs at a balance of 0 or below, whatever floor we allow ourselves.
  if (holdTokens > 0 && situation.bucket.balance - situation.heldTokens < 1) return false;
  return hundredthsPerToken * worstTokens <= spendable(situation);
}

/**
 * Rule 5: the size that would fit when this request is too large, undefined when it is not. A hold
 * above share x capacity would be waited for in vain. A single item is let through, since it cannot
 * be made smaller, unless even an otherwise empty house could not save up for it.
 */
function fittingItems<P>(
  situation: Situation<P>,
  { call, spendClass }: QueuedRequest<P>,
): number | undefined {
  const { costs } = situation;
  const most = Math.min(unitsIn(call), costs.batchMax(call));
  const fits = (items: number, limit: number): boolean =>
    hundredthsPerToken * costs.quote(call, items).holdTokens <= limit;
  const ceiling = creditCeiling(situation, spendClass);
  if (fits(most, ceiling)) return undefined;
  const canSave = fits(1, savingsMax(situation, spendClass));
  if (most === 1) return canSave ? undefined : 0;
  for (let items = most - 1; items >= 1; items -= 1) {
    if (fits(items, ceiling)) return items;
  }
  return canSave ? 1 : 0;
}

/** The most one class can ever have: a full bucket without the other classes' reserves. */
function savingsMax<P>(situation: Situation<P>, saver: SpendClass): number {
  const { bucket, policy } = situation;
  const others = spendClasses.filter((name) => name !== saver);
  const reserved = others.reduce((sum, name) => sum + standingReserve(situation, name), 0);
  return hundredthsPerToken * (capacityOf(bucket) - policy.deficitFloor) - reserved;
}
