/**
 * Which product a person means: an ASIN, or the address of its page on Amazon.
 *
 * People paste what is in front of them, and an address says more than an ASIN: it names the
 * marketplace. What cannot be one is refused with what it looks like, because "not found" would
 * send them looking for a fault in the database.
 */

import type { DomainId } from '../keepa/call.ts';
import { isAsin } from '../keepa/call-limits.ts';
import { domainsText, findDomain } from '../keepa/domain.ts';
import { CliError, exitCodes } from './cli-error.ts';

export interface ProductRef {
  /** In capitals. */
  readonly asin: string;
  /** Undefined: nobody said. */
  readonly domainId: DomainId | undefined;
}

/**
 * Reads the argument and `--domain`, which may both name the marketplace if they agree.
 *
 * @throws CliError (2) when either is none, or they contradict each other.
 */
export function parseProductRef(text: string, domain: string | undefined): ProductRef {
  const stated = domain === undefined ? undefined : parseDomain(domain);
  const ref = refIn(text.trim());
  if (stated === undefined || ref.domainId === undefined) {
    return { ...ref, domainId: ref.domainId ?? stated };
  }
  if (stated !== ref.domainId) {
    throw usage(`--domain ${quoted(domain ?? '')}`, 'the address is of another marketplace');
  }
  return ref;
}

function parseDomain(text: string): DomainId {
  const domainId = findDomain(text);
  if (domainId !== undefined) return domainId;
  throw usage(`--domain ${quoted(text)}`, 'no such marketplace', `use one of ${domainsText}`);
}

function refIn(text: string): ProductRef {
  const asin = text.toUpperCase();
  if (isAsin(asin)) return { asin, domainId: undefined };
  const url = addressIn(text);
  if (url !== undefined) return refInAddress(url, text);
  if (/^97[89][- 0-9]{10,14}$/.test(text)) {
    throw usage(
      quoted(text),
      'is an ISBN-13, no ASIN',
      "use the book's ISBN-10, which is its ASIN",
    );
  }
  throw usage(quoted(text), 'is no ASIN (ten letters and digits) and no address of Amazon');
}

/** A URL, also without `https://` before it, which browsers hide; undefined when it is none. */
function addressIn(text: string): URL | undefined {
  if (!/[./]/.test(text) || /\s/.test(text)) return undefined;
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`);
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  return isWeb ? (url ?? undefined) : undefined;
}

const hostPattern = /^(?:(?:www|smile|m)\.)?amazon\.(?<suffix>[a-z]{2,3}(?:\.[a-z]{2})?)$/;
/** Before the ASIN of a product page, whatever the title or a ref makes of the rest. */
const pagePaths = [
  'dp',
  'dp/product',
  'gp/product',
  'gp/aw/d',
  'gp/offer-listing',
  'o/ASIN',
  'exec/obidos/ASIN',
  'product-reviews',
];
const pathPattern = new RegExp(`/(?:${pagePaths.join('|')})/(?<asin>[A-Za-z0-9]{10})(?:/|$)`);

function refInAddress(url: URL, text: string): ProductRef {
  const suffix = hostPattern.exec(url.hostname)?.groups?.suffix;
  if (suffix === undefined) {
    const isShort = /^(?:amzn\.[a-z]+|a\.co)$/.test(url.hostname);
    const todo = isShort ? 'open it and use the address that it leads to' : 'give an ASIN instead';
    throw usage(quoted(text), `${url.hostname} is not Amazon's own address`, todo);
  }
  const domainId = findDomain(suffix);
  if (domainId === undefined) {
    const why = `Keepa does not know the marketplace amazon.${suffix}`;
    throw usage(quoted(text), why, `it knows ${domainsText}`);
  }
  const asin = pathPattern.exec(url.pathname)?.groups?.asin?.toUpperCase();
  if (asin === undefined) {
    const todo = 'the ASIN follows /dp/ or /gp/product/ in it';
    throw usage(quoted(text), 'is the address of no product', todo);
  }
  return { asin, domainId };
}

/** So much of an argument shows which one is meant; nobody needs all of a pasted page. */
const quotedMax = 80;

function quoted(text: string): string {
  return JSON.stringify(text.length <= quotedMax ? text : `${text.slice(0, quotedMax)}...`);
}

function usage(what: string, why: string, todo = 'see keepa-deals why --help'): CliError {
  return new CliError(exitCodes.usage, { what, why, todo });
}
