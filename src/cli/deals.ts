/**
 * `deals`: lists deals from the database, whether a daemon runs or not.
 */

import { systemClock } from '../runtime/clock.ts';
import { nearestName } from '../runtime/nearest-name.ts';
import { type Deal, type DealReader, type DealState, dealStates } from '../store/ports.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { dealsCsv, dealsJson, dealsNdjson, dealsTable } from './deals-format.ts';
import { type PlaceFlags, readConfig, withStore } from './reading.ts';

export interface DealsFlags extends PlaceFlags {
  readonly state: string;
  readonly feed?: string;
  readonly limit?: number;
  readonly format?: 'table' | 'json' | 'ndjson' | 'csv';
  readonly json?: boolean;
}

/** Prints the deals asked for; an empty list is an answer, not an error. */
export async function deals(flags: DealsFlags, context: CliContext): Promise<number> {
  const { dataDir } = readConfig(flags, context);
  const states = parseStates(flags.state);
  const format = flags.format ?? (flags.json === true ? 'json' : 'table');
  await withStore(dataDir, async ({ reader }) => {
    if (flags.feed !== undefined) await checkFeed(flags.feed, reader);
    const found = await reader.deals({
      states,
      ...(flags.feed === undefined ? {} : { feed: flags.feed }),
      ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    });
    context.terminal.out(textOf(found, format, context.terminal.columns()));
    if (found.length === 0 && format === 'table') await explainNone(flags, reader, context);
  });
  return exitCodes.fine;
}

function textOf(
  found: readonly Deal[],
  format: NonNullable<DealsFlags['format']>,
  columns: number,
): string {
  switch (format) {
    case 'json':
      return dealsJson(found);
    case 'ndjson':
      return dealsNdjson(found);
    case 'csv':
      return dealsCsv(found);
    case 'table': {
      if (found.length === 0) return '';
      return `${dealsTable(found, { columns, nowMs: systemClock().now() }).join('\n')}\n`;
    }
  }
}

/** An empty table is a question; the counts are the answer. */
async function explainNone(
  flags: DealsFlags,
  reader: DealReader,
  { terminal }: CliContext,
): Promise<void> {
  const { total, ...counts } = await reader.countByState();
  const others = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  const rest = total === 0 ? 'the database is empty so far' : `there are ${others.join(', ')}`;
  const hint = total === 0 ? '' : '; see them with --state all';
  terminal.say(`no deals in state ${flags.state}: ${rest}${hint}`);
}

function parseStates(text: string): readonly DealState[] | 'all' {
  if (text === 'all') return 'all';
  const isState = (name: string): name is DealState => dealStates.some((state) => state === name);
  const names = text.split(',').map((name) => name.trim());
  const states = names.filter(isState);
  const wrong = names.find((name) => !isState(name));
  if (wrong === undefined) return states;
  const meant = nearestName(wrong, dealStates);
  throw new CliError(exitCodes.usage, {
    what: `--state ${JSON.stringify(wrong)}`,
    why: `is none of all, ${dealStates.join(', ')}`,
    todo: meant === undefined ? 'choose one or several' : `did you mean ${meant}?`,
  });
}

async function checkFeed(name: string, reader: DealReader): Promise<void> {
  const feeds = await reader.feeds();
  if (feeds.some((feed) => feed.name === name)) return;
  const known = feeds.map((feed) => feed.name);
  throw new CliError(exitCodes.usage, {
    what: `--feed ${JSON.stringify(name)}`,
    why: 'no such feed in the database',
    todo: known.length === 0 ? 'there is none yet' : `known: ${known.join(', ')}`,
  });
}
