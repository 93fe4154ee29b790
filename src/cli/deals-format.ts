/**
 * Deals as JSON, NDJSON or CSV for programs.
 *
 * Programs get every field of every row, whole: absent is null (an empty cell in CSV), times are
 * ISO-8601 UTC, money is integer cents beside its currency, `percentDown`, `trust` and
 * `sellerTrust` are fractions from 0 to 1.
 */
import { isDomainId, suffixOf } from '../keepa/domain.ts';
import type { Deal } from '../store/ports.ts';
import { csvText } from './csv.ts';
import { currencyOf } from './currency.ts';

/** Fields are only ever added, at the end. */
export function dealRecord(deal: Deal) {
  const domainId = isDomainId(deal.domainId) ? deal.domainId : undefined;
  return {
    asin: deal.asin,
    domain: domainId === undefined ? String(deal.domainId) : suffixOf(domainId),
    feed: deal.feed,
    title: deal.title,
    state: deal.state,
    reason: deal.reason ?? null,
    priceNowCents: deal.priceNowCents ?? null,
    avg1yCents: deal.avg1yCents ?? null,
    percentDown: deal.percentDown ?? null,
    listAtCents: deal.listAtCents ?? null,
    profitCents: deal.profitCents ?? null,
    sales1y: deal.sales1y ?? null,
    trust: deal.trust ?? null,
    lastSeenAt: isoOrNull(deal.lastSeenAtMs),
    priceSince: isoOrNull(deal.priceSinceMs),
    firstSeenAt: isoOrNull(deal.firstSeenAtMs),
    judgedAt: isoOrNull(deal.judgedAtMs),
    ruleVersion: deal.ruleVersion ?? null,
    currency: currencyIn(deal) ?? null,
    createdAt: isoOrNull(deal.createdAtMs),
    average90Cents: deal.average90Cents ?? null,
    rank: deal.rank ?? null,
    priceType: deal.priceType,
    domainId: deal.domainId,
    ...judgedFields(deal),
  };
}

function judgedFields(deal: Deal) {
  return {
    troughCents: deal.troughCents ?? null,
    salesCount: deal.salesCount ?? null,
    offerDrops: deal.offerDrops ?? null,
    sane: deal.sane ?? null,
    marks: deal.marks ?? [],
    verifiedAt: isoOrNull(deal.verifiedAtMs),
    verifiedCents: deal.verifiedCents ?? null,
    sellerId: deal.sellerId ?? null,
    sellerName: deal.sellerName ?? null,
    sellerTrust: deal.sellerTrust ?? null,
    held: deal.isHeld ?? false,
  };
}

/** ISO 4217; undefined for a marketplace that nobody knows. */
export function currencyIn({ domainId }: { readonly domainId: number }): string | undefined {
  return isDomainId(domainId) ? currencyOf(domainId) : undefined;
}

export function dealsJson(deals: readonly Deal[]): string {
  return `${JSON.stringify({ schema: 1, deals: deals.map(dealRecord) })}\n`;
}

export function dealsNdjson(deals: readonly Deal[]): string {
  return deals.map((deal) => `${JSON.stringify(dealRecord(deal))}\n`).join('');
}

/** Several marks are one cell, separated by spaces. */
export function dealsCsv(deals: readonly Deal[]): string {
  const lines = deals.map((deal) => {
    const record = { ...dealRecord(deal), marks: (deal.marks ?? []).join(' ') };
    return Object.values(record);
  });
  return csvText(Object.keys(dealRecord(columnModel)), lines);
}

/** Any deal has every column: an empty list still gets its head line. */
const columnModel: Deal = {
  asin: '',
  domainId: 1,
  priceType: 0,
  feed: '',
  title: '',
  state: 'candidate',
  firstSeenAtMs: 0,
  lastSeenAtMs: 0,
};

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
