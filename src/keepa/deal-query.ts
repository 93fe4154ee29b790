/**
 * A deal query as Keepa's own web page exports it, validated before a token is spent on it.
 */
import type { DomainId } from './call.ts';

/** A validated query. `selection` is what goes over the wire, without `page`. */
export interface DealQuery {
  readonly domainId: DomainId;
  readonly priceType: number;
  readonly sortType: number;
  /** Canonical (keys sorted, numbers as numbers), without `page` and `sortType`. */
  readonly selection: Readonly<Record<string, unknown>>;
  /** Hash of the canonical selection: names the revision of the query that a cursor belongs to. */
  readonly hash: string;
}
