/**
 * Tells the log of every row that ended, with its reason and its age.
 *
 * The log has a budget a day, and one run can end thousands of rows, once somebody has said yes to
 * what was held. So the first rows of a run have a line each, which is easy to search, and the
 * others share lines: as many rows in one as the log lets through uncut, twelve times as dense.
 *
 * Invariant: every ending is in exactly one line, and in no line is anything cut off.
 */
import type { Log } from '../runtime/log.ts';
import type { Ending } from '../store/judging-ports.ts';

/** Rows of one run that have a line of their own. */
const ownLinesMax = 50;
/** The log cuts a text behind its thousandth character. */
const listCharactersMax = 1_000;

export function logEndings(log: Log, endings: readonly Ending[]): void {
  for (const ending of endings.slice(0, ownLinesMax)) {
    const { asin, domainId, priceType, feed, reason } = ending;
    const unseenMinutes = unseenMinutesOf(ending);
    log.info('ended', { asin, domainId, priceType, feed, reason, unseenMinutes });
  }
  const alike = Map.groupBy(
    endings.slice(ownLinesMax),
    ({ feed, domainId, priceType, reason }) => `${reason}/${domainId}/${priceType}/${feed}`,
  );
  for (const rows of alike.values()) logTogether(log, rows);
}

/** Rows of one feed that ended for one reason, as `asin:minutes` with a space between. */
function logTogether(log: Log, endings: readonly Ending[]): void {
  const [first] = endings;
  if (first === undefined) return;
  const { domainId, priceType, feed, reason } = first;
  let listed: string[] = [];
  let characters = 0;
  const say = (): void => {
    const asinsWithUnseenMinutes = listed.join(' ');
    const rows = listed.length;
    log.info('ended-more', { domainId, priceType, feed, reason, rows, asinsWithUnseenMinutes });
    listed = [];
    characters = 0;
  };
  for (const ending of endings) {
    const entry = `${ending.asin}:${unseenMinutesOf(ending)}`;
    if (characters + entry.length > listCharactersMax) say();
    listed.push(entry);
    characters += entry.length + 1;
  }
  say();
}

function unseenMinutesOf({ unseenMs }: Ending): number {
  return Math.round(unseenMs / 60_000);
}
