/**
 * When a row is looked at again, and why: what `why` tells at the end.
 *
 * It asks in the order in which the lists of work ask, so that it says what will happen.
 */
import { listedRows, looksOf, sweepsLacking } from './absence.ts';
import { screenPrefix } from './columns.ts';
import {
  type DealKey,
  evidenceAgeMsMax,
  type JudgingReader,
  verificationAgeMsMax,
} from './judging-ports.ts';
import type { Trx } from './tables.ts';

/** Undefined: only when it is listed anew, or at another price. */
export async function nextLook(
  trx: Trx,
  key: DealKey,
  nowMs: number,
): ReturnType<JudgingReader['nextLook']> {
  const ofRow = trx
    .selectFrom('deals')
    .where('deals.asin', '=', key.asin)
    .where('deals.domain_id', '=', key.domainId)
    .where('deals.price_type', '=', key.priceType);
  const deal = await ofRow.selectAll().executeTakeFirst();
  if (deal === undefined || deal.state === 'ended') return undefined;
  const soon = (why: string) => ({ atMs: Math.max(nowMs, deal.retry_at_ms ?? nowMs), why });
  const [row] = await listedRows(trx, ofRow);
  const isChecked = row === undefined || row.isScreenedOut === 1;
  const isMissing = !isChecked && sweepsLacking(row, await looksOf(trx)) > 0;
  if (deal.rechecked_at_ms === null) {
    if (deal.held_at_ms !== null) return soon('it is held: a re-check decides whether it ends');
    if (isMissing) return soon('the listings lack it: a re-check comes before it may end');
  }
  if (deal.held_at_ms !== null) return undefined;
  if (deal.state === 'candidate') return soon('its history is bought, or judged if it is known');
  if (deal.reason?.startsWith(screenPrefix) === true) return undefined;
  if (deal.is_repriced === 1) return soon('its price changed since it was judged');
  if (deal.wants_history === 1) return soon('its evidence was old when its price changed');
  if (deal.state !== 'accepted') return undefined;
  if (deal.evidence_at_ms === null) return soon('there is no evidence that could be read');
  if (deal.is_verified === 0) return soon('a live offer at its price is looked for');
  const evidenceMs = deal.evidence_at_ms + evidenceAgeMsMax;
  const offerMs = (deal.verified_at_ms ?? nowMs) + verificationAgeMsMax;
  if (offerMs <= evidenceMs) return { atMs: Math.max(nowMs, offerMs), why: 'its offer grows old' };
  return { atMs: Math.max(nowMs, evidenceMs), why: 'its evidence grows old' };
}
