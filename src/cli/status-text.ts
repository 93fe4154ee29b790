/**
 * The status report for people: on top what it does, why, and when something happens next.
 *
 * A wait without a reason and a clock time is taken for a fault, so those come first, whatever
 * else there is room for. A figure that is not known is a dash, never a zero.
 */
import type { StatusReport } from '../status/report-fields.ts';
import { clockText, columnsText, painted, relativeText, spanText } from './words.ts';

const unknown = '-';
const stateColours = {
  starting: 'yellow',
  running: 'green',
  waiting: 'green',
  paused: 'yellow',
  standby: 'yellow',
  degraded: 'red',
  stalled: 'red',
  stopped: 'red',
} as const satisfies Record<StatusReport['state'], string>;

/** The word that the report begins with. */
export function stateText(
  { state }: Pick<StatusReport, 'state'>,
  { isColoured }: { readonly isColoured: boolean },
): string {
  return painted(state, stateColours[state], isColoured);
}

/** The lines of the report, without line breaks at their ends. */
export function statusLines(report: StatusReport, options: { isColoured: boolean }): string[] {
  const nowMs = Date.parse(report.at);
  const head = `${stateText(report, options)}: ${report.reason}`;
  if (report.startedAt === null) return [head];
  return [
    head,
    ...columnsText(
      [
        ['next action', instant(report.nextActionAt, nowMs)],
        ['last success', instant(report.lastSuccessAt, nowMs)],
        ['tokens', tokensText(report, nowMs)],
        ['process', processText(report, nowMs)],
        ...pauseRow(report, nowMs),
        ['data', report.dataDir],
      ],
      [],
    ),
    '',
    ...classLines(report, nowMs),
    ...feedLines(report, nowMs),
    ...gapLines(report, nowMs),
    dealsText(report),
    ...heldLines(report),
    ...judgingLines(report),
    freshnessText(report),
    ...report.leases.map(
      ({ name, pid, remainingMs, doing }) =>
        `lease ${name}: process ${pid}, ${spanText(remainingMs)} left, ${doing}`,
    ),
  ];
}

function pauseRow({ pause }: StatusReport, nowMs: number): [string, string][] {
  if (!pause) return [];
  const until = pause.until === null ? 'keepa-deals resume' : instant(pause.until, nowMs);
  const why = pause.reason === null ? '' : `: ${pause.reason}`;
  return [['paused', `since ${instant(pause.since, nowMs)} until ${until}${why}`]];
}

function instant(iso: string | null, nowMs: number): string {
  if (iso === null) return unknown;
  const atMs = Date.parse(iso);
  return `${clockText(atMs, nowMs)} (${relativeText(atMs, nowMs)})`;
}

function tokensText({ tokens }: StatusReport, nowMs: number): string {
  const { balance, balanceAt, capacity, refillRate, needed, nextRefillAt } = tokens;
  const isOld = balanceAt !== null && nowMs - Date.parse(balanceAt) > 1_000;
  const parts = [`${figure(balance)} now, ${figure(needed)} needed`];
  if (isOld) parts.splice(0, 1, `${figure(balance)} at ${instant(balanceAt, nowMs)}`);
  if (capacity !== null) parts.push(`at most ${capacity}`);
  if (refillRate !== null) parts.push(`${refillRate} more ${instant(nextRefillAt, nowMs)}`);
  parts.push(`${tokens.spentLastHour} spent in the last hour`);
  if ((tokens.unexplained ?? 0) > 0) parts.push(`${tokens.unexplained} of it by somebody else`);
  return parts.join('; ');
}

function processText(report: StatusReport, nowMs: number): string {
  const { version, pid, startedAt, stoppedAt, recentStarts } = report;
  if (version === null) return unknown;
  const parts = [`version ${version}`];
  if (pid !== null) parts.push(`pid ${pid}`);
  parts.push(`started ${instant(startedAt, nowMs)}`);
  if (stoppedAt !== null) parts.push(`stopped ${instant(stoppedAt, nowMs)}`);
  if (recentStarts > 1) parts.push(`${recentStarts} starts in 5 minutes`);
  return parts.join(', ');
}

function classLines({ classes, waitBounds }: StatusReport, nowMs: number): string[] {
  const entries = Object.entries(classes);
  if (entries.every(([, { queued }]) => queued === null)) return [];
  const heads = ['class', 'share', 'queued', 'credit', 'next costs', 'waits', 'at most'];
  heads.push('longest', 'was');
  const rows = entries.map(([name, entry]) => [
    name,
    entry.share === null ? unknown : `${entry.share} %`,
    figure(entry.queued),
    figure(entry.credit),
    figure(entry.headHoldTokens),
    span(entry.oldestWaitMs),
    span(entry.waitBoundMs),
    span(entry.longestWaitMs),
    entry.longestWaitAt === null ? unknown : relativeText(Date.parse(entry.longestWaitAt), nowMs),
  ]);
  const table = columnsText([heads, ...rows], [false, ...heads.slice(1).map(() => true)]);
  return [...table, `bounds: ${waitBounds.basis}`, ''];
}

function feedLines({ feeds }: StatusReport, nowMs: number): string[] {
  if (feeds.length === 0) return [];
  const rows = feeds.map((feed) => [
    feed.name,
    String(feed.rows),
    feed.lastSweepAt === null ? unknown : relativeText(Date.parse(feed.lastSweepAt), nowMs),
    feed.lastHeadAt === null ? unknown : relativeText(Date.parse(feed.lastHeadAt), nowMs),
    feed.sweep === null ? unknown : `#${feed.sweep.number}, page ${feed.sweep.nextPage} next`,
    feed.partial ? 'partial' : '',
  ]);
  const heads = ['feed', 'rows', 'last sweep', 'last poll', 'sweep under way', ''];
  const suspended = feeds.flatMap(({ name, suspended: why }) =>
    why === null ? [] : [`${name}: nothing ends now, ${why}`],
  );
  return [...columnsText([heads, ...rows], [false, true]), ...suspended, ''];
}

function gapLines({ gaps }: StatusReport, nowMs: number): string[] {
  return gaps.map(
    ({ feed, from }) =>
      `${feed}: not looked at since ${instant(from, nowMs)}; deals may be missing`,
  );
}

function heldLines({ deals: { held } }: StatusReport): string[] {
  if (held === 0) return [];
  const what = `held: ${held} rows are due to end, too many at once`;
  return [`${what}; each is looked at again first, or say yes with deals confirm-held`];
}

/** Nothing is hidden from the sum: what was neither accepted nor refused was tried again. */
function judgingLines({ judging }: StatusReport): string[] {
  const { processed, accepted, rejected, insufficient, retries } = judging;
  if (processed === 0) return [];
  const parts = [
    `${accepted} accepted`,
    ...reasonTexts('rejected', rejected),
    ...reasonTexts('insufficient', insufficient),
    `${retries} to be tried again`,
  ];
  return [`judged: ${processed} = ${parts.join(' + ')}`];
}

function reasonTexts(verdict: string, counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).map(([reason, count]) => `${count} ${verdict} (${reason})`);
}

function dealsText({ deals }: StatusReport): string {
  const { total, held: _, ...states } = deals;
  const parts = Object.entries(states).map(([state, count]) => `${count} ${state}`);
  return `deals: ${total} = ${parts.join(' + ')}`;
}

function freshnessText({ freshness: { p50Ms, p95Ms, maxMs } }: StatusReport): string {
  const parts = `half within ${span(p50Ms)}, 95 % within ${span(p95Ms)}, all within ${span(maxMs)}`;
  return `last seen: ${p50Ms === null ? 'no rows yet' : parts}`;
}

function figure(value: number | null): string {
  return value === null ? unknown : String(value);
}

function span(ms: number | null): string {
  return ms === null ? unknown : spanText(ms);
}
