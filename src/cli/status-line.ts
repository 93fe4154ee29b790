/**
 * The daemon's state in one line, for `systemctl status`: what it does, how many tokens it has, how
 * fresh the table is, and when something happens next.
 */
import type { StatusReport } from '../status/report-fields.ts';

/** A line that a terminal shows whole; the reason alone may be a paragraph. */
const reasonCharactersMax = 160;

export function statusLine(report: StatusReport): string {
  const { state, reason, tokens, freshness, nextActionAt } = report;
  const short =
    reason.length > reasonCharactersMax ? `${reason.slice(0, reasonCharactersMax)}…` : reason;
  const parts = [
    `${state}: ${short}`,
    tokens.balance === null ? 'tokens unknown' : `${tokens.balance} of ${tokens.capacity} tokens`,
    freshness.p95Ms === null
      ? 'no rows yet'
      : `95 % of rows seen within ${inWords(freshness.p95Ms)}`,
    ...(nextActionAt === null ? [] : [`next at ${nextActionAt.slice(11, 19)} UTC`]),
  ];
  return parts.join('; ');
}

function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`;
}
