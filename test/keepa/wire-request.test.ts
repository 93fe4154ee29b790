/** Calls as Keepa spells them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDealQuery, withSort } from '../../src/keepa/deal-query.ts';
import { requestFor } from '../../src/keepa/wire-request.ts';
import { productCall, sellerCall, tokenCall } from './wire-fixtures.ts';

test('the balance is read without parameters', () => {
  assert.deepEqual(requestFor(tokenCall), { method: 'GET', path: '/token', query: {} });
});

test('a deal page is posted as the selection with its page and sort', () => {
  const query = parseDealQuery({
    domainId: 3,
    priceTypes: [0],
    page: 5,
    sortType: 4,
    dateRange: 1,
  });
  const request = requestFor({ endpoint: 'deal', query: withSort(query, 1), page: 2 });
  assert.deepEqual([request.method, request.path, request.query], ['POST', '/deal', {}]);
  assert.deepEqual(JSON.parse(request.body ?? ''), {
    dateRange: 1,
    domainId: 3,
    page: 2,
    priceTypes: [0],
    sortType: 1,
  });
});

test('products are asked for by ASIN, with only the parameters that were meant', () => {
  assert.deepEqual(requestFor(productCall), {
    method: 'GET',
    path: '/product',
    query: { domain: '1', asin: 'B000000001' },
  });
  const verification = {
    ...productCall,
    asins: ['B000000001', 'B000000002', 'B000000001'],
    statsDays: 365,
    history: false,
    offers: 20,
    onlyLiveOffers: true,
  };
  assert.deepEqual(requestFor(verification).query, {
    domain: '1',
    asin: 'B000000001,B000000002',
    stats: '365',
    history: '0',
    offers: '20',
    'only-live-offers': '1',
  });
});

test('sellers are asked for by id', () => {
  const { path, query } = requestFor({ ...sellerCall, sellerIds: ['A1SELLERONE', 'A2SELLERTWO'] });
  assert.equal(path, '/seller');
  assert.deepEqual(query, { domain: '1', seller: 'A1SELLERONE,A2SELLERTWO' });
});
