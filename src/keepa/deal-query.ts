/**
 * A deal query as Keepa's own web page exports it, validated before a token is spent on it.
 *
 * Keepa ignores names it does not know and names a bad field at best; both are found here instead,
 * all at once, each as one line. The selection is brought into one canonical form (sorted keys,
 * numbers as numbers, nothing that is empty), so that its hash names what is asked for and not how
 * it was typed: a cursor belongs to one hash.
 */
import { createHash } from 'node:crypto';
import { nearestName } from '../runtime/nearest-name.ts';
import type { DomainId } from './call.ts';
import { fieldReaders, filterReaders, rangeReaders } from './deal-query-fields.ts';
import { dealDomainsText, findDomain, hasDeals, isDomainId } from './domain.ts';
import { dealPriceTypes, priceIndex } from './price-type.ts';

/** A validated query. `selection` is what goes over the wire, without `page` and `sortType`. */
export interface DealQuery {
  readonly domainId: DomainId;
  readonly priceType: number;
  readonly sortType: number;
  /** Canonical (keys sorted, numbers as numbers), without `page` and `sortType`. */
  readonly selection: Readonly<Record<string, unknown>>;
  /** Hash of the canonical selection: names the revision of the query that a cursor belongs to. */
  readonly hash: string;
}

/** A query that can be sent, and what in it probably does not do what its writer thinks. */
export interface CheckedDealQuery extends DealQuery {
  /** One line each. */
  readonly warnings: readonly string[];
}

/** Everything that is wrong with a query, one line per problem. */
export class DealQueryError extends Error {
  override readonly name = 'DealQueryError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** `sortType` by age: the order of head polls. It cannot be inverted. */
export const newestFirst = 1;
/** `sortType` by percent: the order of a query that does not say. */
const percentDropFirst = 4;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The query in `selection`, for the domain and price type of the feed. Either may be left out of
 * one of the two places; where both have it they must agree. `page` is dropped.
 *
 * @throws DealQueryError listing every problem: the field, what is wrong, what is allowed.
 */
export function parseDealQuery(
  selection: unknown,
  given: { readonly domainId?: DomainId | undefined; readonly priceType?: number | undefined } = {},
): CheckedDealQuery {
  const { fields, problems } = readFields(selection);
  const domainId = agreeOnDomain(fields.domainId, given.domainId, problems);
  const priceType = agreeOnPriceType(fields.priceTypes, given.priceType, problems);
  checkPercentRange(fields.deltaPercentRange, priceType, problems);
  if (problems.length > 0 || domainId === undefined || priceType === undefined) {
    throw new DealQueryError(problems);
  }
  const canonical = canonicalSelection({ ...fields, domainId, priceTypes: [priceType] });
  const sortType = typeof fields.sortType === 'number' ? fields.sortType : percentDropFirst;
  return {
    domainId,
    priceType,
    sortType,
    selection: canonical,
    hash: hashOf(canonical),
    warnings: [
      ...switchedOff(fields, 'isRangeEnabled', rangeReaders.keys()),
      ...switchedOff(fields, 'isFilterEnabled', filterReaders.keys()),
    ],
  };
}

/**
 * Keepa's number of a domain that is written as `com`, `co.uk`, `amazon.de` or as its number.
 *
 * @throws DealQueryError with one line that lists what is allowed.
 */
export function parseDomain(domain: string | number): DomainId {
  const domainId = findDomain(domain);
  if (domainId !== undefined) return domainId;
  throw new DealQueryError([
    `domain: ${JSON.stringify(domain)} is not known; allowed: ${dealDomainsText}`,
  ]);
}

/** The same rows in another order, and so under the same hash. */
export function withSort(query: DealQuery, sortType: number): DealQuery {
  return { ...query, sortType };
}

/** Cents, both ends included. */
export interface PriceRange {
  readonly lowCents: number;
  readonly highCents: number;
}

/** Keepa's own word for "no upper end". */
const priceCentsMax = 2_147_483_647;

/** The prices that the query lists: its own range where it has one that counts, else all. */
export function priceRangeOf({ selection }: DealQuery): PriceRange {
  const { isRangeEnabled, currentRange } = selection;
  const [low, high] = Array.isArray(currentRange) ? currentRange : [];
  const isBounded = isRangeEnabled === true && typeof low === 'number' && typeof high === 'number';
  return isBounded ? { lowCents: low, highCents: high } : { lowCents: 0, highCents: priceCentsMax };
}

/**
 * The part of the query's rows whose price is in the range; another query, under another hash.
 * Ranges that the query carries without its master switch stay without effect.
 */
export function withPriceRange(query: DealQuery, range: PriceRange): DealQuery {
  const fields = { ...query.selection };
  if (fields.isRangeEnabled !== true) {
    for (const name of rangeReaders.keys()) delete fields[name];
  }
  const currentRange = [range.lowCents, range.highCents];
  const selection = canonicalSelection({ ...fields, currentRange, isRangeEnabled: true });
  return { ...query, selection, hash: hashOf(selection) };
}

function hashOf(canonical: Fields): string {
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex').slice(0, 16);
}

/** Every field through its reader; an empty one (null, "", []) asks for nothing and is dropped. */
function readFields(selection: unknown): { fields: Fields; problems: string[] } {
  if (typeof selection !== 'object' || selection === null || Array.isArray(selection)) {
    throw new DealQueryError(['the query is not a JSON object']);
  }
  const fields: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [field, value] of Object.entries(selection)) {
    const reader = fieldReaders.get(field);
    if (reader === undefined) {
      problems.push(unknownField(field));
    } else if (!isEmpty(value)) {
      const reading = reader(value);
      if (reading.ok) fields[field] = reading.value;
      else problems.push(`${field}: ${reading.problem}`);
    }
  }
  return { fields, problems };
}

function isEmpty(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  );
}

function unknownField(field: string): string {
  const nearest = nearestName(field, fieldReaders.keys());
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  return `${field}: Keepa has no such field and would ignore it${hint}`;
}

function agreeOnDomain(
  chosen: unknown,
  given: DomainId | undefined,
  problems: string[],
): DomainId | undefined {
  const domainId = given ?? chosen;
  if (domainId === undefined) {
    // A field that is there and wrong has its line already.
    if (!problems.some((problem) => problem.startsWith('domainId:'))) {
      problems.push(`domainId: missing; allowed: ${dealDomainsText}`);
    }
    return undefined;
  }
  if (chosen !== undefined && chosen !== domainId) {
    problems.push(`domainId: the query says ${chosen}, its feed says ${domainId}`);
    return undefined;
  }
  if (isDomainId(domainId) && hasDeals(domainId)) return domainId;
  problems.push(`domainId: ${domainId} has no deals; allowed: ${dealDomainsText}`);
  return undefined;
}

function agreeOnPriceType(
  chosen: unknown,
  given: number | undefined,
  problems: string[],
): number | undefined {
  const fromQuery: unknown = Array.isArray(chosen) ? chosen[0] : undefined;
  const priceType = given ?? fromQuery;
  const allowed = `allowed: one of ${[...dealPriceTypes].join(', ')}`;
  if (typeof priceType !== 'number') {
    if (!problems.some((problem) => problem.startsWith('priceTypes:'))) {
      problems.push(`priceTypes: missing; ${allowed}`);
    }
    return undefined;
  }
  if (fromQuery !== undefined && fromQuery !== priceType) {
    problems.push(`priceTypes: the query says ${fromQuery}, its feed says ${priceType}`);
    return undefined;
  }
  if (dealPriceTypes.has(priceType)) return priceType;
  problems.push(`priceTypes: ${priceType} is not allowed; ${allowed}`);
  return undefined;
}

/** Keepa has no deals below these drops. */
function checkPercentRange(range: unknown, priceType: number | undefined, problems: string[]) {
  if (!Array.isArray(range) || priceType === undefined) return;
  const least = priceType === priceIndex.rank ? 80 : 10;
  if (typeof range[0] === 'number' && range[0] < least) {
    problems.push(
      `deltaPercentRange: min ${range[0]} is not allowed; ` +
        `allowed: from ${least} for price type ${priceType}`,
    );
  }
}

/** Keys sorted, and without what changes from call to call. */
function canonicalSelection(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([field]) => field !== 'page' && field !== 'sortType')
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** A warning when fields are filled in whose master switch is off. */
function switchedOff(fields: Fields, master: string, members: Iterable<string>): string[] {
  if (fields[master] === true) return [];
  const idle = [...members].filter(
    (field) => fields[field] !== undefined && fields[field] !== false && fields[field] !== -1,
  );
  return idle.length === 0
    ? []
    : [`${master} is off, so Keepa ignores ${idle.join(', ')}; set ${master} to true`];
}
