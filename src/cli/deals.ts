/**
 * `deals`: lists deals from the database, whether a daemon runs or not.
 */
import { systemClock } from '../runtime/clock.ts';
import { nearestName } from '../runtime/nearest-name.ts';
import {
  type Deal,
  type DealFilter,
  type DealReader,
  type DealState,
  dealStates,
} from '../store/ports.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { dealsCsv, dealsJson, dealsNdjson } from './deals-format.ts';
import { dealsTable } from './deals-table.ts';
import { type PlaceFlags, readConfig, withStore } from './reading.ts';

export interface DealsFlags extends PlaceFlags {
  readonly state: string;
  readonly feed?: string;
  readonly limit?: number;
  /** Whole cents of the row's own money. */
  readonly minProfit?: number;
  /** A fraction. */
  readonly minPercentDown?: number;
  /** Ms since the row was last seen. */
  readonly maxAge?: number;
  readonly sort?: NonNullable<DealFilter['sort']>;
  /** Rows that are held, too. */
  readonly held?: boolean;
  /** Only rows with a live offer that somebody looked at. */
  readonly verified?: boolean;
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
    const nowMs = systemClock().now();
    const found = await reader.deals(filterOf(flags, { states, nowMs }));
    context.terminal.out(textOf(found, format, { nowMs, columns: context.terminal.columns() }));
    if (found.length > 0 || format !== 'table') return;
    context.terminal.say(await noneText(flags.state, states, reader));
  });
  return exitCodes.fine;
}

function filterOf(
  flags: DealsFlags,
  { states, nowMs }: { readonly states: DealFilter['states']; readonly nowMs: number },
): DealFilter {
  const { feed, limit, minProfit, minPercentDown, maxAge, sort, held, verified } = flags;
  return {
    states,
    ...(feed === undefined ? {} : { feed }),
    ...(limit === undefined ? {} : { limit }),
    ...(minProfit === undefined ? {} : { minProfitCents: minProfit }),
    ...(minPercentDown === undefined ? {} : { minPercentDown }),
    ...(maxAge === undefined ? {} : { seenSinceMs: nowMs - maxAge }),
    ...(sort === undefined ? {} : { sort }),
    ...(held === true ? { withHeld: true } : {}),
    ...(verified === true ? { onlyVerified: true } : {}),
  };
}

function textOf(
  found: readonly Deal[],
  format: NonNullable<DealsFlags['format']>,
  view: { readonly columns: number; readonly nowMs: number },
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
      return `${dealsTable(found, view).join('\n')}\n`;
    }
  }
}

/** An empty table is a question; the counts are the answer. */
async function noneText(
  asked: string,
  states: DealFilter['states'],
  reader: DealReader,
): Promise<string> {
  const { total, ...counts } = await reader.countByState();
  if (total === 0) return 'no deals: the database is empty so far';
  const matching = states === 'all' ? total : sum(states.map((state) => counts[state]));
  if (matching > 0) {
    const held = await reader.heldRows();
    const hint = held > 0 ? ` (${held} rows are held; --held shows them as well)` : '';
    return `no deals: of the ${matching} in state ${asked} none passes the filters${hint}`;
  }
  const others = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  return `no deals in state ${asked}: there are ${others.join(', ')}; see them with --state all`;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
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
