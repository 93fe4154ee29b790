/**
 * `tokens`: who spent what, from the ledger; the daemon need not run.
 *
 * A budget that nobody can look into gets tuned by guessing. So every request that reached the
 * wire is accounted for by class, purpose and shape, the price that each shape has in truth is set
 * beside the documented one, and what the ledger cannot explain is told by the running daemon.
 */
import { systemClock } from '../runtime/clock.ts';
import { exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { socketPath } from './data-dir.ts';
import { type PlaceFlags, readConfig, withStore } from './reading.ts';
import { askDaemon, whyUntold } from './status-client.ts';
import type { LiveTokens, TokenFacts } from './token-facts.ts';
import { tokensJson, tokensLines } from './tokens-format.ts';

export interface TokensFlags extends PlaceFlags {
  readonly hours: number;
  /** How many of the latest requests to list. */
  readonly last: number;
  readonly json?: boolean;
}

/** As many as the cost model of the broker remembers. */
const answersMax = 50;
const hourMs = 3_600_000;

/** Prints it; a ledger without a line is an answer, not an error. */
export async function tokens(flags: TokensFlags, context: CliContext): Promise<number> {
  const { dataDir, shares } = readConfig(flags, context);
  const clock = systemClock();
  const live = await readLive(dataDir);
  const nowMs = clock.now();
  const sinceMs = nowMs - flags.hours * hourMs;
  const facts = await withStore(dataDir, async ({ reader }): Promise<TokenFacts> => {
    return {
      nowMs,
      sinceMs,
      groups: await reader.ledgerGroups(sinceMs),
      unitCosts: await reader.unitCosts(answersMax),
      last: flags.last === 0 ? [] : await reader.recentRequests(flags.last),
      shares,
      live,
    };
  });
  const text = flags.json === true ? tokensJson(facts) : `${tokensLines(facts).join('\n')}\n`;
  context.terminal.out(text);
  return exitCodes.fine;
}

async function readLive(dataDir: string): Promise<LiveTokens> {
  const answer = await askDaemon(socketPath(dataDir), systemClock());
  if (answer.kind !== 'answered') {
    const why = whyUntold[answer.kind];
    return { refillRate: undefined, unexplainedTokens: undefined, whyUntold: why };
  }
  const { refillRate, unexplained } = answer.report.tokens;
  return {
    refillRate: refillRate ?? undefined,
    unexplainedTokens: unexplained ?? undefined,
    whyUntold: undefined,
  };
}
