/**
 * Stores what one answer, or one round over kept evidence, decided about rows.
 *
 * A verdict is about a listing: the row's price and creation date as they were when the work was
 * taken up. They are kept beside it, and a row that was re-priced meanwhile differs from them and
 * so finds its way back to the lists of work. The live offer that a verification saw is kept the
 * same way, and so is that it saw none: both count only as long as the row has the price at which
 * an offer was looked for.
 *
 * Invariants:
 * - a row that has ended is not brought back by a verdict, only by being listed;
 * - a retry changes no state and is never counted as a rejection (promise P9);
 * - what was bought in vain keeps its spacing until something of the kind was bought: neither a
 *   verdict from kept evidence nor one of a re-check ends it;
 * - evidence that cannot be read is forgotten: it is no fruitless try of the row, whose spacing
 *   stays as it was, and nobody finds it unreadable a second time;
 * - storing a batch again changes nothing and counts nothing;
 * - of a row that was purged meanwhile nothing is kept.
 */
import assert from 'node:assert/strict';
import { wholeMs } from './column-values.ts';
import { screenPrefix } from './columns.ts';
import { dropEvidence, keepEvidence } from './evidence.ts';
import { countOutcomes, type Outcome } from './judging-counts.ts';
import {
  type DealKey,
  evidenceAgeMsMax,
  type JudgedDeal,
  type JudgementBatch,
  type Verification,
} from './judging-ports.ts';
import { note } from './past.ts';
import type { DealState } from './ports.ts';
import type { LackColumns, Trx, VerifiedColumns } from './tables.ts';

interface StoredDeal {
  readonly id: number;
  readonly state: DealState;
  readonly reason: string | null;
  readonly price_cents: number | null;
  readonly created_at_ms: number | null;
  readonly evidence_at_ms: number | null;
  readonly is_repriced: number;
  readonly retried_for: JudgementBatch['purpose'] | null;
}

/** What the row looked like to whoever took up the work. */
interface Listing {
  readonly priceCents: number | null;
  readonly createdAtMs: number | null;
}

/** @throws AssertionError for a verdict without its reason, or one that reads like a screen's. */
export async function storeJudgements(trx: Trx, batch: JudgementBatch): Promise<void> {
  await keepEvidence(trx, batch.evidence, batch.atMs);
  await notePurchases(trx, batch);
  const outcomes: Outcome[] = [];
  for (const judged of batch.judged) {
    if (await storeVerdict(trx, batch, judged)) outcomes.push(judged);
  }
  for (const verification of batch.verified) await storeVerification(trx, batch, verification);
  outcomes.push(...(await storeRetries(trx, batch)));
  if (batch.purpose === 'rejudge') await dropEvidence(trx, batch.retries, batch.atMs);
  await countOutcomes(trx, outcomes);
}

const bought: Readonly<Record<JudgementBatch['purpose'], string>> = {
  history: 'history and statistics',
  verify: 'live offers and history',
  recheck: 'history, to see whether it still passes',
  rejudge: 'nothing',
};

/**
 * Notes the cost with every product that was answered. What an answer lacks is not billed, so a
 * retry has its part only where nothing else came.
 */
async function notePurchases(trx: Trx, batch: JudgementBatch): Promise<void> {
  if (batch.costTokens === 0) return;
  const answered = [...batch.evidence, ...batch.judged, ...batch.verified];
  const products = new Map(
    (answered.length > 0 ? answered : batch.retries).map(({ domainId, asin }) => [
      `${domainId}/${asin}`,
      { domainId, asin },
    ]),
  );
  for (const { domainId, asin } of products.values()) {
    if (!(await hasDeal(trx, { domainId, asin }))) continue;
    await note(trx, {
      domainId,
      asin,
      atMs: batch.atMs,
      purpose: batch.purpose,
      kind: 'bought',
      text: bought[batch.purpose],
      costTokens: batch.costTokens / products.size,
    });
  }
}

async function hasDeal(
  trx: Trx,
  { domainId, asin }: Pick<DealKey, 'domainId' | 'asin'>,
): Promise<boolean> {
  const found = await trx
    .selectFrom('deals')
    .select('id')
    .where('asin', '=', asin)
    .where('domain_id', '=', domainId)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

async function storedDeal(trx: Trx, key: DealKey): Promise<StoredDeal | undefined> {
  return await trx
    .selectFrom('deals')
    .select(['id', 'state', 'reason', 'price_cents', 'created_at_ms'])
    .select(['evidence_at_ms', 'is_repriced', 'retried_for'])
    .where('asin', '=', key.asin)
    .where('domain_id', '=', key.domainId)
    .where('price_type', '=', key.priceType)
    .executeTakeFirst();
}

const becauseText: Readonly<Record<JudgedDeal['because'], string>> = {
  new: 'new',
  repriced: 'the price changed',
  aged: 'the evidence was old',
  rules: 'the rules changed',
  verified: 'live offers looked at',
  rechecked: 'the listings lack it',
};

/** True when this verdict is news: it is noted, and taken over unless the row has ended. */
async function storeVerdict(trx: Trx, batch: JudgementBatch, judged: JudgedDeal): Promise<boolean> {
  const { verdict, reason } = judged;
  assert.equal(verdict === 'accepted', reason === undefined, 'exactly the accepted need no reason');
  assert(reason?.startsWith(screenPrefix) !== true, `"${reason}" would pass for a screen's reason`);
  const deal = await storedDeal(trx, judged);
  if (deal === undefined) return false;
  const isNews = await note(trx, {
    ...keyOf(judged),
    atMs: batch.atMs,
    purpose: batch.purpose,
    kind: 'judged',
    text: `${verdict}${reason === undefined ? '' : `: ${reason}`} (${becauseText[judged.because]})`,
    priceCents: judged.priceCents,
  });
  // What has ended, or was turned down by its feed's screen meanwhile, keeps that.
  const isOpen = deal.state !== 'ended' && deal.reason?.startsWith(screenPrefix) !== true;
  if (isNews && isOpen) await takeOver(trx, deal, { judged, batch });
  return isNews;
}

function keyOf({ domainId, asin, priceType }: DealKey): DealKey {
  return { domainId, asin, priceType };
}

function listingOf(judged: JudgedDeal, deal: StoredDeal): Listing {
  const { priceCents = null, createdAtMs, listedCents = priceCents } = judged;
  return { priceCents: listedCents, createdAtMs: createdAtMs ?? deal.created_at_ms };
}

async function takeOver(
  trx: Trx,
  deal: StoredDeal,
  { judged, batch }: { judged: JudgedDeal; batch: JudgementBatch },
): Promise<void> {
  const { atMs } = batch;
  const listing = listingOf(judged, deal);
  await trx
    .updateTable('deals')
    .set({
      state: judged.verdict,
      reason: judged.reason ?? null,
      candidate_since_ms: null,
      ...(endsTries(deal, batch) ? { attempts: 0, retry_at_ms: null, retried_for: null } : {}),
      judged_at_ms: wholeMs(atMs),
      judged_price_cents: judged.priceCents ?? null,
      judged_listed_cents: listing.priceCents,
      judged_created_at_ms: listing.createdAtMs,
      rule_version: judged.ruleVersion,
      avg1y_cents: judged.avg1yCents ?? null,
      percent_down: judged.percentDown ?? null,
      list_at_cents: judged.listAtCents ?? null,
      trough_cents: judged.troughCents ?? null,
      profit_cents: judged.profitCents ?? null,
      sales1y: judged.sales1y,
      sales_count: judged.salesCount,
      offer_drops: judged.offerDrops,
      sane: judged.sane,
      trust: judged.trust ?? null,
      marks: JSON.stringify(judged.marks),
      ...(isFromAgedEvidence(deal, atMs) ? { wants_history: 1 } : {}),
      // Offers were looked at: the one that was seen last time is seen again, or gone.
      ...(judged.because === 'verified'
        ? { ...noOffer, ...lackOf(judged, listing), offers_looked_at_ms: wholeMs(atMs) }
        : {}),
    })
    .where('id', '=', deal.id)
    .execute();
}

/** Whether the verdict is what the row's fruitless tries, if it has any, were after. */
function endsTries({ state, retried_for: triedFor }: StoredDeal, batch: JudgementBatch): boolean {
  if (state === 'candidate') return true;
  const { purpose } = batch;
  return purpose === 'recheck' ? triedFor === purpose : purpose !== 'rejudge';
}

function lackOf({ lacksOffer }: JudgedDeal, listing: Listing): LackColumns {
  if (lacksOffer === undefined) return noLack;
  return {
    lacked_offer: lacksOffer,
    lacked_listed_cents: listing.priceCents,
    lacked_created_at_ms: listing.createdAtMs,
  };
}

/** A new price is judged at once, from evidence of any age; new evidence may then be bought. */
function isFromAgedEvidence(
  { evidence_at_ms: evidenceAtMs, is_repriced: isRepriced }: StoredDeal,
  atMs: number,
): boolean {
  return isRepriced === 1 && evidenceAtMs !== null && atMs - evidenceAtMs > evidenceAgeMsMax;
}

const noOffer: VerifiedColumns = {
  verified_at_ms: null,
  verified_listed_cents: null,
  verified_created_at_ms: null,
  landed_cents: null,
  shipping_cents: null,
  offer_condition: null,
  is_fba: null,
  seller_id: null,
};

export const noLack: LackColumns = {
  lacked_offer: null,
  lacked_listed_cents: null,
  lacked_created_at_ms: null,
};

async function storeVerification(
  trx: Trx,
  batch: JudgementBatch,
  seen: Verification,
): Promise<void> {
  const deal = await storedDeal(trx, seen);
  if (deal === undefined) return;
  const judged = batch.judged.find((other) => isSameDeal(other, seen));
  const isNews = await note(trx, {
    ...keyOf(seen),
    atMs: batch.atMs,
    purpose: batch.purpose,
    kind: 'verified',
    text: offerText(seen),
    priceCents: seen.landedCents,
  });
  if (!isNews || deal.state === 'ended') return;
  const listing =
    judged === undefined
      ? { priceCents: deal.price_cents, createdAtMs: deal.created_at_ms }
      : listingOf(judged, deal);
  await trx
    .updateTable('deals')
    .set({
      verified_at_ms: wholeMs(batch.atMs),
      offers_looked_at_ms: wholeMs(batch.atMs),
      verified_listed_cents: listing.priceCents,
      verified_created_at_ms: listing.createdAtMs,
      landed_cents: seen.landedCents,
      shipping_cents: seen.shippingCents,
      offer_condition: seen.condition,
      is_fba: Number(seen.isFba),
      seller_id: seen.sellerId ?? null,
      ...noLack,
    })
    .where('id', '=', deal.id)
    .execute();
}

function isSameDeal(a: DealKey, b: DealKey): boolean {
  return a.asin === b.asin && a.domainId === b.domainId && a.priceType === b.priceType;
}

function offerText({ sellerId, condition, isFba }: Verification): string {
  const seller = sellerId === undefined ? 'an unnamed seller' : `seller ${sellerId}`;
  return `live offer of ${seller}, condition ${condition}, ${isFba ? 'FBA' : 'not FBA'}`;
}

/**
 * Notes tries without a result; returns an outcome for each that is news. Not being able to judge
 * from kept evidence is a try of nothing: it neither spaces the next purchase nor brings it on.
 */
export async function storeRetries(
  trx: Trx,
  { atMs, purpose, retries }: Pick<JudgementBatch, 'atMs' | 'purpose' | 'retries'>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const retry of retries) {
    const deal = await storedDeal(trx, retry);
    if (deal === undefined) continue;
    const text = `${purpose}: ${retry.why}`;
    if (!(await note(trx, { ...keyOf(retry), atMs, purpose, kind: 'retry', text }))) continue;
    outcomes.push({ verdict: 'retry' });
    if (deal.state === 'ended' || purpose === 'rejudge') continue;
    await trx
      .updateTable('deals')
      .set(({ eb, ref }) => ({
        attempts: eb(ref('attempts'), '+', 1),
        retry_at_ms: wholeMs(retry.retryAtMs),
        retried_for: purpose,
        ...(retry.sawOffers === true ? { offers_looked_at_ms: wholeMs(atMs) } : {}),
      }))
      .where('id', '=', deal.id)
      .execute();
  }
  return outcomes;
}
