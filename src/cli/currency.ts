/**
 * The money of each marketplace, for people and programs that read prices.
 */
import type { DomainId } from '../keepa/call.ts';

/** ISO 4217, by Keepa's number of the marketplace. */
const currencies: Readonly<Record<DomainId, string>> = {
  1: 'USD',
  2: 'GBP',
  3: 'EUR',
  4: 'EUR',
  5: 'JPY',
  6: 'CAD',
  8: 'EUR',
  9: 'EUR',
  10: 'INR',
  11: 'MXN',
  12: 'BRL',
};
/** What has no smaller coin: an amount is the whole unit. */
const withoutCents = new Set(['JPY']);

export function currencyOf(domainId: DomainId): string {
  return currencies[domainId];
}

/** `12.34`, or `1234` where there are no cents; without the currency's sign. */
export function amountText(cents: number, currency: string): string {
  return withoutCents.has(currency) ? String(cents) : (cents / 100).toFixed(2);
}
