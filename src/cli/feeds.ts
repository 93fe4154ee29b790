/**
 * The configured feeds, with their queries checked against what Keepa documents: an impossible
 * query ends the start, instead of a token per page that nobody gets an answer for.
 */
import type { Feed } from '../actors/feed.ts';
import type { Config, FeedConfig } from '../config.ts';
import { ConfigError, type ConfigProblem } from '../config-problem.ts';
import {
  type CheckedDealQuery,
  DealQueryError,
  parseDealQuery,
  parseDomain,
} from '../keepa/deal-query.ts';

export interface ResolvedFeeds {
  readonly feeds: readonly Feed[];
  /** What a query says and probably does not mean; one line each. */
  readonly warnings: readonly string[];
}

/**
 * @throws ConfigError with every problem of every feed; also when there is no feed at all.
 */
export function resolveFeeds(config: Config, file: string | undefined): ResolvedFeeds {
  if (config.feeds.length === 0) {
    const where = `${file ?? 'keepa-deals.toml'}: feeds`;
    const todo = 'add a [[feeds]] table with a name, a domain and a selection';
    throw new ConfigError([{ where, what: 'there is none, so there is nothing to watch', todo }]);
  }
  const problems: ConfigProblem[] = [];
  const feeds: Feed[] = [];
  const warnings: string[] = [];
  for (const feed of config.feeds) {
    const where = feed.selectionFrom;
    try {
      const query = queryOf(feed);
      feeds.push({ name: feed.name, query, screen: feed.screen });
      warnings.push(...query.warnings.map((warning) => `${where}: ${warning}`));
    } catch (error) {
      if (!(error instanceof DealQueryError)) throw error;
      problems.push(...error.problems.map((what) => ({ where, what })));
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { feeds, warnings };
}

function queryOf({ domain, priceType, selection }: FeedConfig): CheckedDealQuery {
  const domainId = domain === undefined ? undefined : parseDomain(domain);
  return parseDealQuery(selection, { domainId, priceType });
}
