/**
 * The Amazon marketplaces by Keepa's numbers.
 *
 * People write `de`, Keepa wants 3, and one published draft had it as 2: so the table exists once,
 * here. Number 7 was amazon.cn and is gone.
 */
import type { DomainId } from './call.ts';

const domainIds: readonly DomainId[] = [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12];

const suffixes: Readonly<Record<DomainId, string>> = {
  1: 'com',
  2: 'co.uk',
  3: 'de',
  4: 'fr',
  5: 'co.jp',
  6: 'ca',
  8: 'it',
  9: 'es',
  10: 'in',
  11: 'com.mx',
  12: 'com.br',
};

/** Brazil has products only: neither deals nor sellers can be asked for there. */
const productsOnly: ReadonlySet<DomainId> = new Set<DomainId>([12]);

/** All domains as people read them, for messages: `1 (com), 2 (co.uk), ...`. */
export const domainsText = listed(domainIds);
/** Those that can be asked for deals and for sellers. */
export const dealDomainsText = listed(domainIds.filter(hasDeals));

export function isDomainId(value: unknown): value is DomainId {
  return domainIds.some((id) => id === value);
}

/** What follows `amazon.` in the marketplace's host name. */
export function suffixOf(domainId: DomainId): string {
  return suffixes[domainId];
}

/** Whether `/deal` knows the domain. */
export function hasDeals(domainId: DomainId): boolean {
  return isDomainId(domainId) && !productsOnly.has(domainId);
}

/** Whether `/seller` knows the domain. */
export function hasSellers(domainId: DomainId): boolean {
  return hasDeals(domainId);
}

/** Keepa's number for `com`, `co.uk`, `amazon.de`, or for the number itself, also as a text. */
export function findDomain(domain: string | number): DomainId | undefined {
  const text = String(domain)
    .trim()
    .toLowerCase()
    .replace(/^(?:www\.)?amazon\./, '');
  return domainIds.find((id) => text === suffixOf(id) || text === String(id));
}

function listed(ids: readonly DomainId[]): string {
  return ids.map((id) => `${id} (${suffixOf(id)})`).join(', ');
}
