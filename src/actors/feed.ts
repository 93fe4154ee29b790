/**
 * A feed: a named deal query and the rules that its rows must pass to be worth judging.
 */
import type { ScreenRules } from '../config.ts';
import type { DealQuery } from '../keepa/deal-query.ts';
import type { FeedIdentity } from '../store/ports.ts';

export interface Feed {
  readonly name: string;
  readonly query: DealQuery;
  readonly screen: ScreenRules;
}

/**
 * The feed as the store knows it: its name and the revision of the query that lists it, which is
 * the feed's own unless a part of it is swept.
 */
export function identityOf(feed: Feed, query: DealQuery = feed.query): FeedIdentity {
  const { domainId, priceType, hash } = query;
  return { name: feed.name, domainId, priceType, queryHash: hash };
}
