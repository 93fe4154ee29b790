/**
 * Looks up the sellers behind verified offers, each once in three weeks.
 *
 * Looking one up with every verification would cost 5 % of the yield, and a rating of ten thousand
 * votes does not change in a day. So sellers are asked for in batches, and what is known is kept.
 *
 * Keepa leaves a seller that it does not know out of the answer without a word, and a partial
 * answer looks the same. So one that is missing is asked for once more, alone; only when it is
 * missing again it counts as unknown. Missing ones cost nothing. An answer that cannot be stored
 * says as little of all that it was asked about, so the one that spoils it is found alone.
 */
import type { Broker, Settlement } from '../broker/request.ts';
import type { SellerCall } from '../keepa/call.ts';
import { isSellerId } from '../keepa/call-limits.ts';
import { isDomainId } from '../keepa/domain.ts';
import type { SellerBatch } from '../keepa/seller.ts';
import type { Clock } from '../runtime/clock.ts';
import type { DealReader, DealWriter } from '../store/ports.ts';
import { FittingSize } from './batch-spacing.ts';
import { deadPauseMs, hopelessPauseMs, type Round } from './rounds.ts';

export interface SellerLookupParts {
  readonly broker: Broker;
  readonly reader: DealReader;
  readonly writer: DealWriter;
  readonly clock: Clock;
}

const sellerAgeMsMax = 21 * 86_400_000;
const itemsMax = 100;
/** Enough to find a full batch of one marketplace among several. */
const dueMax = 400;

type DueSeller = Awaited<ReturnType<DealReader['sellersDue']>>[number];

/** Makes the work: one call for sellers that are due. */
export function sellerLookup(
  parts: SellerLookupParts,
): (signal: AbortSignal) => Promise<Round | undefined> {
  const { broker, reader, clock } = parts;
  const missedOnce = new Set<string>();
  const size = new FittingSize(itemsMax);
  return async (signal) => {
    const sinceMs = clock.now() - sellerAgeMsMax;
    const due = await reader.sellersDue({ sinceMs, limit: dueMax });
    const { capacity } = broker.snapshot();
    const ids = nextSellers(due, missedOnce, size.at(capacity));
    const domainId = due.find(isAskable)?.domainId;
    if (ids.length === 0 || !isDomainId(domainId)) return undefined;
    const settlement = await broker.request({
      spendClass: 'upsert',
      purpose: 'seller',
      call: { endpoint: 'seller', domainId, sellerIds: ids },
      signal,
      commit: ({ call, answer, atMs }) =>
        store(parts, { domainId, atMs, answer, asked: call.sellerIds, missedOnce }),
    });
    switch (settlement.kind) {
      case 'answered': {
        const { call, answer, costTokens } = settlement.bought;
        return {
          counts: {
            asked: call.sellerIds.length,
            found: answer.sellers.length,
            tokens: costTokens,
          },
        };
      }
      case 'unstorable':
        return await leaveUnread(parts, { domainId, missedOnce }, settlement);
      case 'too-large':
        if (size.refused(settlement.fitsItems, capacity)) return { counts: {} };
        return { counts: {}, trouble: { why: 'never affordable', pauseMs: hopelessPauseMs } };
      case 'cancelled':
        return { counts: {}, trouble: { why: 'taken back', pauseMs: deadPauseMs } };
      case 'dead':
        return { counts: {}, trouble: { why: settlement.why, pauseMs: deadPauseMs } };
      case 'permanent':
        return { counts: {}, trouble: { why: settlement.why, pauseMs: hopelessPauseMs } };
    }
  };
}

/** Those of the first one's marketplace that were never missed; without any, one that was. */
function nextSellers(
  due: readonly DueSeller[],
  missedOnce: ReadonlySet<string>,
  most: number,
): readonly string[] {
  const askable = due.filter(isAskable);
  const alike = askable.filter(({ domainId }) => domainId === askable[0]?.domainId);
  const isMissed = (seller: DueSeller): boolean => missedOnce.has(nameOf(seller));
  const untried = alike.filter((seller) => !isMissed(seller));
  const chosen = untried.length > 0 ? untried.slice(0, most) : alike.slice(0, 1);
  return chosen.map(({ sellerId }) => sellerId);
}

/** One that the call could not carry would spoil it for all others. */
function isAskable({ domainId, sellerId }: DueSeller): boolean {
  return isDomainId(domainId) && isSellerId(sellerId);
}

function nameOf({ domainId, sellerId }: DueSeller): string {
  return `${domainId}/${sellerId}`;
}

/** Of an answer that cannot be stored nothing is known, nor who of them is to blame. */
async function leaveUnread(
  parts: SellerLookupParts,
  of: { readonly domainId: number; readonly missedOnce: Set<string> },
  { bought, why }: Extract<Settlement<SellerCall>, { readonly kind: 'unstorable' }>,
): Promise<Round> {
  const { call, atMs, costTokens } = bought;
  const answer = { sellers: [], missing: call.sellerIds, faults: [] };
  await store(parts, { ...of, atMs, answer, asked: call.sellerIds });
  const trouble = { why: `cannot be stored: ${why}`, pauseMs: deadPauseMs };
  return { counts: { asked: call.sellerIds.length, found: 0, tokens: costTokens }, trouble };
}

async function store(
  { writer }: SellerLookupParts,
  found: {
    readonly domainId: number;
    readonly atMs: number;
    readonly answer: SellerBatch;
    readonly asked: readonly string[];
    readonly missedOnce: Set<string>;
  },
): Promise<void> {
  const { domainId, atMs, answer, asked, missedOnce } = found;
  // One that cannot be read says as little as one that is not there.
  const absent = [...answer.missing, ...answer.faults.map(({ sellerId }) => sellerId)];
  const wasMissed = (sellerId: string): boolean => missedOnce.has(nameOf({ domainId, sellerId }));
  const missing = asked.length === 1 ? absent.filter(wasMissed) : [];
  await writer.storeSellers({ domainId, atMs, sellers: answer.sellers, missing });
  for (const sellerId of asked) {
    const name = nameOf({ domainId, sellerId });
    if (absent.includes(sellerId) && !missing.includes(sellerId)) missedOnce.add(name);
    else missedOnce.delete(name);
  }
}
