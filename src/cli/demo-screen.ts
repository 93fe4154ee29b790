/**
 * What the demo shows: the daemon's own status report, and the newest deals it has found.
 */
import type { StatusReport } from '../status/report-fields.ts';
import type { Deal } from '../store/ports.ts';
import { dealsTable } from './deals-table.ts';
import type { ScreenSize } from './terminal.ts';
import { painted, spanText } from './words.ts';

export interface DemoView {
  readonly report: StatusReport;
  /** Newest first. */
  readonly newest: readonly Deal[];
  readonly elapsedMs: number;
}

/** Newest deals that fit under the figures and over the foot. */
const linesBesideDeals = 12;

/** The whole screen, line by line; no line is wider or higher than the terminal. */
export function screenLines(
  { report, newest, elapsedMs }: DemoView,
  { size, isColoured }: { readonly size: ScreenSize; readonly isColoured: boolean },
): string[] {
  const nowMs = Date.parse(report.at);
  const room = Math.max(1, size.rows - linesBesideDeals);
  const table = dealsTable(newest.slice(0, room), { columns: size.columns, nowMs });
  const lines = [
    `keepa-deals demo: a simulated Keepa, the real daemon; ${spanText(elapsedMs)}`,
    '',
    `state     ${report.state}: ${report.reason}`,
    `tokens    ${tokensText(report)}`,
    `sweep     ${sweepText(report)}`,
    `deals     ${dealCounts(report)}`,
    `seen      ${seenText(report)}`,
    '',
    ...(newest.length === 0 ? ['no deals yet'] : table),
    '',
    `elsewhere: keepa-deals status --data-dir ${report.dataDir}`,
    'Ctrl-C ends it.',
  ];
  return lines.map((line, at) => {
    const fits = line.slice(0, size.columns);
    return at === 0 ? painted(fits, 'bold', isColoured) : fits;
  });
}

/** The same in one line, where nobody looks at a screen. */
export function progressLine({ report, newest, elapsedMs }: DemoView): string {
  const [deal] = newest;
  const latest = deal === undefined ? 'no deals yet' : `newest ${deal.asin} ${deal.title}`;
  return [
    `${Math.round(elapsedMs / 1000)} s`,
    `${report.state}`,
    `tokens ${tokensText(report)}`,
    `sweep ${sweepText(report)}`,
    `deals ${dealCounts(report)}`,
    latest,
  ].join(' | ');
}

function tokensText({ tokens }: StatusReport): string {
  const { balance, capacity, refillRate, spentLastHour } = tokens;
  if (balance === null) return 'asking';
  return `${balance} of ${capacity}, ${refillRate} a minute, ${spentLastHour} spent`;
}

function seenText({ freshness: { p50Ms, p95Ms, maxMs } }: StatusReport): string {
  if (p50Ms === null || p95Ms === null || maxMs === null) return '-';
  const [half, most, all] = [p50Ms, p95Ms, maxMs].map(spanText);
  return `half within ${half}, 95 % within ${most}, all within ${all}`;
}

function sweepText({ feeds }: StatusReport): string {
  const [feed] = feeds;
  if (feed === undefined) return '-';
  const done = feed.lastSweepRows === null ? '' : `, the last one saw ${feed.lastSweepRows} rows`;
  if (feed.sweep === null) return `between two sweeps${done}`;
  return `#${feed.sweep.number}: page ${feed.sweep.nextPage} next, ${feed.sweep.rows} rows${done}`;
}

function dealCounts({ deals: { total, held: _, ...states } }: StatusReport): string {
  const parts = Object.entries(states)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  return parts.length === 0 ? '0' : `${total} = ${parts.join(' + ')}`;
}
