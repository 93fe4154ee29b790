/**
 * Deals as a table that fits the terminal.
 *
 * A line that wraps makes every line unreadable, so columns give way, the least telling first, and
 * then the title. A column in which nothing is known is left out: before anything is judged there
 * is no profit to show. Amounts are in the money of the row's own marketplace.
 */

import { printable } from '../runtime/printable.ts';
import type { Deal } from '../store/ports.ts';
import { amountText } from './currency.ts';
import { currencyIn } from './deals-format.ts';
import { shortened, widthOf } from './text-width.ts';
import { columnsText, relativeText } from './words.ts';

interface Column {
  readonly head: string;
  readonly isFigure: boolean;
  /** The higher, the longer it stays; undefined: it never gives way. */
  readonly weight?: number;
  cell(deal: Deal, nowMs: number): string;
}

const unknown = '-';
/** Less of a title than this tells nothing, so columns go before it gets narrower. */
const titleCellsLeast = 20;
const gap = 2;

const columns: readonly Column[] = [
  { head: 'asin', isFigure: false, cell: ({ asin }) => asin },
  { head: 'state', isFigure: false, weight: 9, cell: stateText },
  { head: 'price', isFigure: true, cell: priceText },
  money('offer', 4, ({ verifiedCents }) => verifiedCents),
  money('1 year', 5, ({ avg1yCents }) => avg1yCents),
  money('90 days', 1, ({ average90Cents }) => average90Cents),
  money('list at', 6, ({ listAtCents }) => listAtCents),
  money('profit', 10, ({ profitCents }) => profitCents),
  { head: 'down', isFigure: true, weight: 8, cell: downText },
  figure('sales', 5, ({ sales1y }) => sales1y?.toString()),
  figure('trust', 3, ({ trust }) => trust?.toFixed(2)),
  figure('rank', 2, ({ rank }) => rank?.toString()),
  {
    head: 'seen',
    isFigure: false,
    weight: 7,
    cell: ({ lastSeenAtMs }, nowMs) => relativeText(lastSeenAtMs, nowMs),
  },
  { head: 'feed', isFigure: false, weight: 2, cell: ({ feed }) => feed },
];

/** The lines of the table, none wider than `columns` cells as long as those are 40 or more. */
export function dealsTable(
  deals: readonly Deal[],
  options: { readonly columns: number; readonly nowMs: number },
): string[] {
  let shown = columns
    .map((column) => ({ column, cells: deals.map((deal) => column.cell(deal, options.nowMs)) }))
    .filter(({ column, cells }) => isTelling(column, cells));
  for (;;) {
    const lines = columnsText(
      [shown.map(({ column }) => column.head), ...deals.map((_, at) => cellsAt(shown, at))],
      shown.map(({ column }) => column.isFigure),
    );
    const widest = Math.max(...lines.map(({ length }) => length));
    const room = options.columns - widest - gap;
    const next = lightest(shown);
    if (room >= titleCellsLeast || next === undefined) return withTitles(deals, lines, room);
    shown = shown.filter(({ column }) => column !== next);
  }
}

interface Shown {
  readonly column: Column;
  readonly cells: readonly string[];
}

function cellsAt(shown: readonly Shown[], at: number): string[] {
  return shown.map(({ cells }) => cells[at] ?? unknown);
}

/** A list of nothing but accepted deals needs no column that says so. */
function isTelling({ head }: Column, cells: readonly string[]): boolean {
  const silent = head === 'state' ? 'accepted' : unknown;
  return head === 'price' || cells.some((cell) => cell !== silent);
}

function lightest(shown: readonly Shown[]): Column | undefined {
  let found: Column | undefined;
  for (const { column } of shown) {
    if (column.weight === undefined) continue;
    if (column.weight < (found?.weight ?? Number.POSITIVE_INFINITY)) found = column;
  }
  return found;
}

function withTitles(deals: readonly Deal[], lines: readonly string[], room: number): string[] {
  const widest = Math.max(...lines.map(({ length }) => length));
  if (room < widthOf('title')) return [...lines];
  const titles = ['title', ...deals.map(({ title }) => shortened(printable(title), room))];
  return lines.map((line, at) => {
    return `${line.padEnd(widest)}${' '.repeat(gap)}${titles[at] ?? ''}`.trimEnd();
  });
}

function money(head: string, weight: number, centsOf: (deal: Deal) => number | undefined): Column {
  return figure(head, weight, (deal) => {
    const cents = centsOf(deal);
    return cents === undefined ? undefined : amountText(cents, currencyIn(deal) ?? '');
  });
}

function figure(head: string, weight: number, textOf: (deal: Deal) => string | undefined): Column {
  return { head, weight, isFigure: true, cell: (deal) => textOf(deal) ?? unknown };
}

function stateText({ state, reason, isHeld }: Deal): string {
  const why = reason === undefined ? state : `${state}: ${reason}`;
  return isHeld === true ? `${why} (held)` : why;
}

function priceText(deal: Deal): string {
  const { priceNowCents } = deal;
  if (priceNowCents === undefined) return unknown;
  const currency = currencyIn(deal);
  const amount = amountText(priceNowCents, currency ?? '');
  return currency === undefined ? amount : `${amount} ${currency}`;
}

/** Below the 1-year average where the row is judged, else below the listing's 90-day average. */
function downText({ percentDown, priceNowCents: price, average90Cents: usual }: Deal): string {
  if (percentDown !== undefined) return `${Math.round(100 * percentDown)} %`;
  if (price === undefined || usual === undefined || usual <= 0) return unknown;
  return `${Math.round(Math.max(0, (100 * (usual - price)) / usual))} %`;
}
