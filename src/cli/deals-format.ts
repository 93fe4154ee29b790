/**
 * Deals as a table for people, and as JSON, NDJSON or CSV for programs.
 *
 * Programs get every field of every row, whole: absent is null (an empty cell in CSV), times are
 * ISO-8601 UTC, money is integer cents beside its currency. Only the table shortens and rounds.
 */
import { isDomainId, suffixOf } from '../keepa/domain.ts';
import type { Deal } from '../store/ports.ts';
import { amountText, currencyOf } from './currency.ts';
import { columnsText, printable, relativeText } from './words.ts';

/** Fields are only ever added, at the end. */
function dealRecord(deal: Deal) {
  const domainId = isDomainId(deal.domainId) ? deal.domainId : undefined;
  return {
    asin: deal.asin,
    domain: domainId === undefined ? String(deal.domainId) : suffixOf(domainId),
    feed: deal.feed,
    title: deal.title,
    state: deal.state,
    reason: deal.reason ?? null,
    currency: domainId === undefined ? null : currencyOf(domainId),
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
    createdAt: isoOrNull(deal.createdAtMs),
    average90Cents: deal.average90Cents ?? null,
    rank: deal.rank ?? null,
    priceType: deal.priceType,
    domainId: deal.domainId,
  };
}

export function dealsJson(deals: readonly Deal[]): string {
  return `${JSON.stringify({ schema: 1, deals: deals.map(dealRecord) })}\n`;
}

export function dealsNdjson(deals: readonly Deal[]): string {
  return deals.map((deal) => `${JSON.stringify(dealRecord(deal))}\n`).join('');
}

/** RFC 4180: a head line, CRLF, quotes doubled. */
export function dealsCsv(deals: readonly Deal[]): string {
  const records = deals.map(dealRecord);
  const lines = [Object.keys(dealRecord(columnModel)), ...records.map(Object.values)];
  return lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
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

function csvCell(value: unknown): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The lines of the table, at most `columns` wide: the title gives way, nothing else does. */
export function dealsTable(
  deals: readonly Deal[],
  { columns, nowMs }: { readonly columns: number; readonly nowMs: number },
): string[] {
  const heads = ['asin', 'state', 'price', '90 days', 'down', 'rank', 'seen', 'feed'];
  const rows = deals.map((deal) => tableCells(deal, nowMs));
  const isFigure = [false, false, true, true, true, true, false, false];
  const lines = columnsText([heads, ...rows], isFigure);
  const widest = Math.max(...lines.map(({ length }) => length));
  const room = Math.max(titleRoomLeast, columns - widest - 2);
  const titles = ['title', ...deals.map(({ title }) => shortened(printable(title), room))];
  return lines.map((line, at) => `${line.padEnd(widest)}  ${titles[at] ?? ''}`.trimEnd());
}

/** Less of a title than this tells nothing, so a narrow terminal wraps instead. */
const titleRoomLeast = 20;

function tableCells(deal: Deal, nowMs: number): string[] {
  const { currency } = dealRecord(deal);
  const money = (cents: number | undefined): string =>
    cents === undefined ? '-' : amountText(cents, currency ?? '');
  const price = money(deal.priceNowCents);
  const usual = deal.avg1yCents ?? deal.average90Cents;
  return [
    deal.asin,
    deal.reason === undefined ? deal.state : `${deal.state}: ${deal.reason}`,
    price === '-' || currency === null ? price : `${price} ${currency}`,
    money(deal.average90Cents),
    percentBelow(deal.priceNowCents, usual),
    deal.rank === undefined ? '-' : String(deal.rank),
    relativeText(deal.lastSeenAtMs, nowMs),
    deal.feed,
  ];
}

function percentBelow(price: number | undefined, usual: number | undefined): string {
  if (price === undefined || usual === undefined || usual <= 0) return '-';
  return `${Math.round(Math.max(0, (100 * (usual - price)) / usual))} %`;
}

function shortened(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
