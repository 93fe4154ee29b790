/** What may be sent at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCall } from '../../src/keepa/call-limits.ts';
import { dealCall, productCall, sellerCall, tokenCall } from './wire-fixtures.ts';

const manyAsins = (count: number) =>
  Array.from({ length: count }, (_, index) => `B${String(index).padStart(9, '0')}`);

test('a call as it should be is let through', () => {
  for (const call of [tokenCall, dealCall, productCall, sellerCall]) {
    assert.equal(checkCall(call), undefined);
  }
  assert.equal(checkCall({ ...dealCall, page: 66 }), undefined);
  assert.equal(checkCall({ ...productCall, asins: manyAsins(100), statsDays: 365 }), undefined);
  assert.equal(checkCall({ ...productCall, offers: 20, onlyLiveOffers: true }), undefined);
  assert.equal(checkCall({ ...productCall, offers: 100, domainId: 12 }), undefined);
});

test('pages beyond the last that Keepa fills are not asked for', () => {
  for (const page of [-1, 67, 1.5, Number.NaN]) {
    assert.match(checkCall({ ...dealCall, page }) ?? '', /allowed: 0 to 66/);
  }
});

test('a deal call keeps to domains with deals and to sorts that exist', () => {
  const { query } = dealCall;
  assert.match(checkCall({ ...dealCall, query: { ...query, domainId: 12 } }) ?? '', /no deals/);
  for (const sortType of [0, -1, 5]) {
    assert.match(checkCall({ ...dealCall, query: { ...query, sortType } }) ?? '', /sort type/);
  }
});

test('10 offers are refused: Keepa would answer 200 with nothing', () => {
  for (const offers of [10, 0, 19, 101, 20.5]) {
    assert.match(checkCall({ ...productCall, offers }) ?? '', /allowed: 20 to 100, or none/);
  }
  assert.match(checkCall({ ...productCall, onlyLiveOffers: true }) ?? '', /no offers/);
});

test('1 to 100 ASINs, each of ten capitals and digits', () => {
  for (const asins of [[], manyAsins(101)]) {
    assert.match(checkCall({ ...productCall, asins }) ?? '', /allowed: 1 to 100/);
  }
  // Recorded: a spreadsheet's ="0006120725", and a dash, both answered with no product.
  for (const asin of ['="0006120725"', '-', '', 'b000000001', 'B00000000', 'B000000001,']) {
    const why = checkCall({ ...productCall, asins: ['B000000001', asin] });
    assert.match(why ?? '', /is no ASIN$/);
  }
});

test('statistics need at least a day, sellers an id and a domain that has them', () => {
  for (const statsDays of [0, -5, 1.5]) {
    assert.match(checkCall({ ...productCall, statsDays }) ?? '', /^statistics over/);
  }
  assert.match(checkCall({ ...sellerCall, sellerIds: [] }) ?? '', /allowed: 1 to 100/);
  assert.match(checkCall({ ...sellerCall, sellerIds: ['a&b'] }) ?? '', /is no seller id/);
  assert.match(checkCall({ ...sellerCall, domainId: 12 }) ?? '', /no sellers/);
});

test('an id that is refused is not quoted at length', () => {
  const why = checkCall({ ...productCall, asins: ['x'.repeat(10_000)] });
  assert.ok((why ?? '').length < 100);
});
