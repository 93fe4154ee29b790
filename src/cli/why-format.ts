/**
 * What is known about a product as text for people and as JSON for programs.
 *
 * The text answers in the order in which people ask: what is it, is it a deal and why, which sales
 * does that rest on, what happened when and what did it cost, when is it looked at again.
 */
import { sellerTrust } from '../analysis/seller-trust.ts';
import { isDomainId, suffixOf } from '../keepa/domain.ts';
import { printable } from '../runtime/printable.ts';
import type { PastEvent } from '../store/judging-ports.ts';
import { figureLines, judgementFields, moneyIn, saleFields, saleLines } from './analyze-format.ts';
import { currencyIn, dealRecord } from './deals-format.ts';
import type { ProductFacts, RowFacts } from './why-facts.ts';
import { productPlot } from './why-plot.ts';
import { clockText, columnsText, relativeText } from './words.ts';

/** The latest are the ones that people check; JSON has all. */
const salesShownMax = 20;
const pastShownMax = 20;

/** Fields are only ever added. Absent is null; `judgement` is of the kept evidence as of `now`. */
export function whyJson(facts: ProductFacts): string {
  const { asin, domainId, evidence, past, nowMs } = facts;
  const record = {
    schema: 1,
    asin,
    domain: marketOf(domainId),
    domainId,
    title: titleOf(facts),
    url: addressOf(facts) ?? null,
    currency: currencyIn(facts) ?? null,
    now: iso(nowMs),
    deals: facts.rows.map(({ deal, nextLook, judgement }) => ({
      ...dealRecord(deal),
      nextLook: nextLook === undefined ? null : { at: iso(nextLook.atMs), why: nextLook.why },
      judgement: judgement === undefined ? null : judgementFields(judgement),
    })),
    evidence:
      evidence === undefined
        ? null
        : { boughtAt: iso(evidence.boughtAtMs), fault: evidence.fault ?? null },
    sales: salesOf(facts).map(saleFields),
    past: past.map(({ atMs, kind, text, costTokens = null, priceCents = null }) => {
      return { at: iso(atMs), kind, text, costTokens, priceCents };
    }),
    costTokens: costOf(past),
    sellers: facts.sellers.map((seller) => ({
      sellerId: seller.sellerId,
      name: seller.name ?? null,
      ratingPercent: seller.ratingPercent ?? null,
      ratingCount: seller.ratingCount ?? null,
      isFba: seller.isFba ?? null,
      trust: sellerTrust(seller) ?? null,
      seenAt: iso(seller.seenAtMs),
    })),
  };
  return `${JSON.stringify(record)}\n`;
}

/** `columns` is for the plot; everything else is as wide as it is. */
export function whyLines(facts: ProductFacts, { columns }: { readonly columns: number }): string[] {
  const address = addressOf(facts);
  return [
    printable(`${facts.asin}  ${titleOf(facts)}`),
    ...(address === undefined ? [] : [address]),
    ...facts.rows.flatMap((row) => ['', ...rowLines(row, facts)]),
    '',
    ...evidenceLines(facts, columns),
    '',
    ...pastLines(facts),
  ];
}

function rowLines({ deal, nextLook, judgement }: RowFacts, facts: ProductFacts): string[] {
  const { nowMs, evidence } = facts;
  const state = deal.reason === undefined ? deal.state : `${deal.state}: ${deal.reason}`;
  const held = deal.isHeld === true ? ' (held: it would end, and waits for a yes)' : '';
  const product = evidence?.product;
  const next = nextLook === undefined ? 'when it is listed anew' : instant(nextLook.atMs, nowMs);
  return [
    `${state}${held}`,
    ...columnsText(
      [
        ['listed by', `${deal.feed} (price type ${deal.priceType})`],
        ['first seen', instant(deal.firstSeenAtMs, nowMs)],
        ['last seen', instant(deal.lastSeenAtMs, nowMs)],
        ['judged', judgedText(deal, nowMs)],
        ['live offer', offerText(deal, facts)],
        ['looked at again', nextLook === undefined ? next : `${next}: ${nextLook.why}`],
      ],
      [],
    ),
    ...(judgement === undefined || product === undefined
      ? listedLines(deal)
      : ['', anewText(judgement, deal), ...figureLines({ product, judgement })]),
  ];
}

function judgedText({ judgedAtMs, ruleVersion }: RowFacts['deal'], nowMs: number): string {
  if (judgedAtMs === undefined) return 'not yet';
  return `${instant(judgedAtMs, nowMs)}, rule version ${ruleVersion ?? '-'}`;
}

function offerText(deal: RowFacts['deal'], facts: ProductFacts): string {
  if (deal.verifiedAtMs === undefined) return 'not looked at yet';
  const parts = [
    `${moneyIn(facts)(deal.verifiedCents)} ${relativeText(deal.verifiedAtMs, facts.nowMs)}`,
  ];
  const seller = facts.sellers.find(({ sellerId }) => sellerId === deal.sellerId);
  if (deal.sellerId !== undefined) {
    parts.push(`from ${printable(seller?.name ?? deal.sellerName ?? deal.sellerId)}`);
  }
  const trust = (seller && sellerTrust(seller)) ?? deal.sellerTrust;
  const ratings = seller?.ratingCount === undefined ? '' : ` of ${seller.ratingCount} ratings`;
  if (trust !== undefined) parts.push(`(trust ${trust.toFixed(2)}${ratings})`);
  return parts.join(' ');
}

/** A row of which no history can be read still has the figures of the listing. */
function listedLines(deal: RowFacts['deal']): string[] {
  const money = moneyIn(deal);
  return columnsText(
    [
      ['price', money(deal.priceNowCents)],
      ['90-day average', money(deal.average90Cents)],
      ['rank', deal.rank === undefined ? '-' : String(deal.rank)],
    ],
    [false, true],
  );
}

/** What the rules say of the kept evidence today, and whether that is what the row says. */
function anewText(judgement: NonNullable<RowFacts['judgement']>, deal: RowFacts['deal']): string {
  const { verdict, reason, marks } = judgement;
  const found = reason === undefined ? verdict : `${verdict}: ${reason}`;
  const notes = marks.map((mark) => `${mark}: ${markWords[mark]}`);
  const isSame = verdict === deal.state && reason === deal.reason;
  const differs = isSame || deal.judgedAtMs === undefined ? '' : ' (not what the row says)';
  return [`by today's rules and prices: ${found}${differs}`, ...notes].join('; ');
}

const markWords = {
  'mixed-price-basis': 'prices before 2026-02-16 are without shipping, later ones with it',
} as const;

function evidenceLines(facts: ProductFacts, columns: number): string[] {
  const { evidence, nowMs } = facts;
  if (evidence === undefined) return ['no history was bought yet, so no sales are known'];
  const bought = `history bought ${instant(evidence.boughtAtMs, nowMs)}`;
  if (evidence.product === undefined) return [`${bought}; it cannot be read: ${evidence.fault}`];
  const sales = salesOf(facts);
  const shown = sales.slice(-salesShownMax);
  const earlier = sales.length - shown.length;
  return [
    bought,
    '',
    ...productPlot(facts, columns),
    ...saleLines(shown, facts),
    ...(earlier > 0 ? [`and ${earlier} earlier ones (--json has all)`] : []),
  ];
}

function pastLines(facts: ProductFacts): string[] {
  const { past, nowMs } = facts;
  const money = moneyIn(facts);
  if (past.length === 0) return ['nothing was decided or bought yet'];
  const shown = past.slice(-pastShownMax);
  const rows = shown.map(({ atMs, kind, text, costTokens, priceCents }) => [
    clockText(atMs, nowMs),
    kind,
    costTokens === undefined ? '' : tokensText(costTokens),
    priceCents === undefined ? '' : money(priceCents),
    printable(text),
  ]);
  const earlier = past.length - shown.length;
  return [
    `what happened, for ${tokensText(costOf(past))} in all`,
    ...(earlier > 0 ? [`(${earlier} earlier entries: --json has all)`] : []),
    ...columnsText(rows, [false, false, true, true, false]),
  ];
}

/** The same for every price type: sales are those of the product. */
function salesOf({ rows }: ProductFacts): NonNullable<RowFacts['judgement']>['sales'] {
  return rows.find(({ judgement }) => judgement !== undefined)?.judgement?.sales ?? [];
}

function titleOf({ rows }: ProductFacts): string {
  return rows[0]?.deal.title ?? '';
}

function marketOf(domainId: number): string {
  return isDomainId(domainId) ? suffixOf(domainId) : String(domainId);
}

function addressOf({ asin, domainId }: ProductFacts): string | undefined {
  return isDomainId(domainId) ? `https://www.amazon.${suffixOf(domainId)}/dp/${asin}` : undefined;
}

/** Shares of a batch are fractions. */
function costOf(past: readonly PastEvent[]): number {
  const cost = past.reduce((sum, { costTokens = 0 }) => sum + costTokens, 0);
  return Math.round(100 * cost) / 100;
}

function tokensText(tokens: number): string {
  const rounded = Math.round(100 * tokens) / 100;
  return `${rounded} ${rounded === 1 ? 'token' : 'tokens'}`;
}

function instant(atMs: number, nowMs: number): string {
  return `${clockText(atMs, nowMs)} (${relativeText(atMs, nowMs)})`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
