/**
 * What counts as naming a product, and what is said of everything else.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError } from '../../src/cli/cli-error.ts';
import { parseProductRef } from '../../src/cli/product-ref.ts';

const asin = 'B00ABCDEFG';

test('an ASIN is one in either case, and names no marketplace', () => {
  assert.deepEqual(parseProductRef('b00abcdefg', undefined), { asin, domainId: undefined });
  assert.deepEqual(parseProductRef(' 0833161865 ', 'co.uk'), { asin: '0833161865', domainId: 2 });
});

test('an address of Amazon names both, however much surrounds the ASIN', () => {
  const addresses: readonly (readonly [string, number])[] = [
    [`https://www.amazon.de/Ein-Titel/dp/${asin}/ref=sr_1_1?keywords=x&th=1`, 3],
    [`https://www.amazon.co.jp/-/en/dp/${asin}`, 5],
    [`http://amazon.com/gp/product/${asin}?psc=1`, 1],
    [`https://www.amazon.com.mx/gp/aw/d/${asin}/`, 11],
    [`https://www.amazon.com.br/dp/${asin}#details`, 12],
    [`https://smile.amazon.co.uk/exec/obidos/ASIN/${asin}/x`, 2],
    [`www.amazon.fr/gp/offer-listing/${asin}`, 4],
    [`amazon.it/dp/${asin.toLowerCase()}`, 8],
    [`https://www.amazon.ca/product-reviews/${asin}`, 6],
  ];
  for (const [address, domainId] of addresses) {
    assert.deepEqual(parseProductRef(address, undefined), { asin, domainId }, address);
  }
});

test('what names no product is refused with what it is', () => {
  const cases: readonly (readonly [string, string | undefined, RegExp])[] = [
    ['', undefined, /is no ASIN/],
    ['B00ABCDEF', undefined, /is no ASIN/],
    ['B00ABCDEFGH', undefined, /is no ASIN/],
    ['B00-ABCDEF', undefined, /is no ASIN/],
    ['9780306406157', undefined, /is an ISBN-13/],
    ['978-0-306-40615-7', undefined, /is an ISBN-13/],
    ['https://amzn.to/3abcdef', undefined, /not Amazon's own address; open it/],
    [`https://amazon.com.evil.example/dp/${asin}`, undefined, /not Amazon's own address/],
    [`https://evil.example/amazon.com/dp/${asin}`, undefined, /evil\.example is not Amazon/],
    [`https://www.amazon.nl/dp/${asin}`, undefined, /does not know the marketplace amazon\.nl/],
    ['https://www.amazon.de/s?k=books', undefined, /is the address of no product/],
    [`https://www.amazon.de/dp/${asin}H`, undefined, /is the address of no product/],
    [`ftp://www.amazon.de/dp/${asin}`, undefined, /is no ASIN/],
    [asin, 'nl', /--domain "nl": no such marketplace/],
    [`https://www.amazon.de/dp/${asin}`, 'com', /of another marketplace/],
  ];
  for (const [text, domain, message] of cases) {
    assert.throws(
      () => parseProductRef(text, domain),
      (error) => error instanceof CliError && error.exitCode === 2 && message.test(error.message),
      text,
    );
  }
});

test('an address and a domain that agree are no contradiction', () => {
  const ref = parseProductRef(`https://www.amazon.de/dp/${asin}`, 'amazon.de');
  assert.deepEqual(ref, { asin, domainId: 3 });
});

test('of a pasted page only the beginning is repeated', () => {
  assert.throws(
    () => parseProductRef('x'.repeat(5_000), undefined),
    (error) => error instanceof Error && error.message.length < 200,
  );
});
