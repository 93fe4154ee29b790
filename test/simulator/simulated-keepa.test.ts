/**
 * Costs, refusals and complaints, as recorded.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CostModel } from '../../src/broker/cost-model.ts';
import type { SimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';
import {
  ask,
  askPage,
  bookQuery,
  dayMs,
  everyRow,
  hourMs,
  minuteMs,
  richKeepa,
  startMs,
} from './asking.ts';

function someAsins(keepa: SimulatedKeepa, count: number): string[] {
  return keepa
    .liveRows(startMs)
    .slice(0, count)
    .map((row) => row.asin);
}

function products(keepa: SimulatedKeepa, query: Record<string, string>, nowMs = startMs) {
  return ask(keepa, { path: '/product', query: { domain: '1', ...query } }, nowMs);
}

function errorOf(answer: ReturnType<typeof ask>): unknown {
  return answer.json.error;
}

describe('costs', () => {
  test('a page of deals costs 5, an empty one too', () => {
    const keepa = richKeepa();
    assert.equal(askPage(keepa, everyRow, 0).json.tokensConsumed, 5);
    const empty = askPage(keepa, everyRow, 30);
    assert.equal(empty.deals.dr.length, 0);
    assert.equal(empty.json.tokensConsumed, 5);
  });

  test('a product costs 1, with history and statistics too, and an unknown ASIN nothing', () => {
    const keepa = richKeepa();
    const asins = [...someAsins(keepa, 3), '0000000000', '-'];
    const answer = products(keepa, { asin: asins.join(','), stats: '365', history: '1' });
    assert.equal(answer.json.tokensConsumed, 3);
    const nothing = products(keepa, { asin: '-' });
    assert.equal(nothing.status, 200);
    assert.equal(nothing.json.tokensConsumed, 0);
    assert.deepEqual(nothing.json.products, []);
  });

  test('offers cost 6 per page found; the mean over many products is the recorded one', () => {
    const keepa = richKeepa({ rows: 1_500 });
    const seen = new Map<number, number>();
    let total = 0;
    const asins = someAsins(keepa, 1_000);
    for (const asin of asins) {
      const cost = Number(products(keepa, { asin, offers: '20' }).json.tokensConsumed);
      seen.set(cost, (seen.get(cost) ?? 0) + 1);
      total += cost;
    }
    const known = new Set([1, 5, 6, 12]);
    assert.deepEqual(
      [...seen.keys()].filter((cost) => !known.has(cost)),
      [],
    );
    assert.ok(total / asins.length > 6.4 && total / asins.length < 7.9, `${total / asins.length}`);
    assert.ok((seen.get(6) ?? 0) > 600, 'most have one page');
    assert.ok((seen.get(12) ?? 0) > 50, 'some have two, and none has more than were asked for');
    assert.ok((seen.get(1) ?? 0) > 5, 'a refresh fails now and then');
  });

  test('no product costs more than the documented worst case of its call', () => {
    const keepa = richKeepa({ rows: 1_500 });
    for (const offers of [20, 40] as const) {
      const { worstTokens } = new CostModel().quote({ endpoint: 'product', offers }, 1);
      const costs = someAsins(keepa, 1_000).map((asin) =>
        Number(products(keepa, { asin, offers: String(offers) }).json.tokensConsumed),
      );
      assert.ok(Math.max(...costs) <= worstTokens, `${Math.max(...costs)} for ${offers}`);
      assert.ok(Math.max(...costs) > (worstTokens * 2) / 3 - 1, 'the worst case does occur');
    }
  });

  test('a failed refresh says so, costs 1, and lists no live offer', () => {
    const keepa = richKeepa();
    let failures = 0;
    for (const asin of someAsins(keepa, 600)) {
      const answer = products(keepa, { asin, offers: '20' });
      const [product] = recordsOf(answer, 'products');
      if (product?.offersSuccessful !== false || product.productType !== 0) continue;
      failures += 1;
      assert.equal(answer.json.tokensConsumed, 1);
      assert.equal(product.liveOffersOrder, null);
    }
    assert.ok(failures > 0);
  });

  test('a seller costs 1 if found, and the balance read nothing', () => {
    const keepa = richKeepa();
    const [asin = ''] = someAsins(keepa, 1);
    const [product] = recordsOf(products(keepa, { asin, offers: '20' }), 'products');
    const ids = recordsIn(product?.offers).map((offer) => String(offer.sellerId));
    const found = [...new Set(ids)].slice(0, 2);
    const answer = ask(keepa, {
      path: '/seller',
      query: { domain: '1', seller: [...found, 'A000000000000'].join(',') },
    });
    assert.equal(answer.json.tokensConsumed, found.length);
    const sellers = answer.json.sellers;
    assert.deepEqual(typeof sellers === 'object' && Object.keys(sellers ?? {}), found);
    assert.equal(ask(keepa, { path: '/token' }).json.tokensConsumed, 0);
  });

  test('an injected factor changes the cost of its shape only', () => {
    const keepa = richKeepa();
    keepa.setCostFactors({ deal: 2.5 });
    assert.equal(askPage(keepa, everyRow, 0).json.tokensConsumed, 13);
    const [asin = ''] = someAsins(keepa, 1);
    assert.equal(products(keepa, { asin }).json.tokensConsumed, 1);
  });
});

function recordsOf(answer: ReturnType<typeof ask>, field: string): Record<string, unknown>[] {
  return recordsIn(answer.json[field]);
}

function recordsIn(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list : [];
}

describe('admission', () => {
  test('one token admits a batch of a hundred, and the debt then refuses everything', () => {
    const keepa = richKeepa({ ratePerMinute: 5, initialTokens: 1 });
    const asin = someAsins(keepa, 100).join(',');
    const first = products(keepa, { asin });
    assert.equal(first.status, 200);
    assert.equal(first.json.tokensLeft, -99);
    const refused = products(keepa, { asin }, startMs + 2_000);
    assert.equal(refused.status, 429);
    assert.equal(refused.json.tokensConsumed, 0);
    assert.equal(keepa.requests.refused, 1);
    assert.equal(keepa.requests.lowestBalance, -99);
  });

  test('a refusal is a bare envelope in alphabetical order, with the reduction as a double', () => {
    const keepa = richKeepa({ ratePerMinute: 5, initialTokens: 0 });
    const { body } = ask(keepa, { path: '/deal', body: '{}' });
    const fields = body.replaceAll(/"(refillIn|timestamp)":\d+/g, '"$1":?');
    const before = '{"processingTimeInMs":0,"refillIn":?,"refillRate":5,"timestamp":?';
    assert.equal(fields, `${before},"tokenFlowReduction":0.0,"tokensConsumed":0,"tokensLeft":0}`);
  });

  test('the balance can be read in debt', () => {
    const keepa = richKeepa({ ratePerMinute: 5, initialTokens: -50 });
    const answer = ask(keepa, { path: '/token' });
    assert.equal(answer.status, 200);
    assert.equal(answer.json.tokensLeft, -50);
  });

  test('the next refill is timestamp + processing + refillIn, whatever answer says it', () => {
    const keepa = richKeepa({ ratePerMinute: 5 });
    const [asin = ''] = someAsins(keepa, 1);
    const instants = [0, 100, 7_000].map((afterMs) => {
      const { json } = products(keepa, { asin, offers: '20' }, startMs + afterMs);
      const sum = ['timestamp', 'processingTimeInMs', 'refillIn'].map((field) =>
        Number(json[field]),
      );
      return sum.reduce((a, b) => a + b, 0);
    });
    const tick = 60_200;
    for (const instant of instants) assert.equal((instant - (instants[0] ?? 0)) % tick, 0);
  });

  test('another spender drains, another plan refills', () => {
    const keepa = richKeepa({ ratePerMinute: 5 });
    keepa.drain(310, startMs);
    assert.equal(keepa.balance(startMs), -10);
    keepa.setRate(60, startMs);
    assert.equal(keepa.balance(startMs + minuteMs * 1.01), 50);
    assert.equal(keepa.balance(startMs + dayMs), 3_600);
  });
});

describe('complaints', () => {
  const complaint = (details: string | null, message: string) => ({
    details,
    message,
    type: 'invalidParameter',
  });
  const badFormat = 'The queryJSON is of invalid format.';
  const badJson = 'The queryJSON is missing or invalid.';

  const badFields: [string, Record<string, unknown>][] = [
    ['dateRange', { ...everyRow, dateRange: '7' }],
    ['priceTypes', { ...everyRow, priceTypes: [1, 2] }],
    ['priceTypes', { ...everyRow, priceTypes: [] }],
    ['priceTypes', { ...everyRow, priceTypes: [4] }],
    ['priceTypes', { domainId: 1 }],
    ['domainId', { priceTypes: [2] }],
    ['domainId', { ...everyRow, domainId: 12 }],
    ['sortType', { ...everyRow, sortType: 7 }],
    ['currentRange', { ...everyRow, currentRange: [1] }],
    ['page', { ...everyRow, page: -1 }],
    ['includeCategories', { ...everyRow, includeCategories: ['books'] }],
  ];
  for (const [field, query] of badFields) {
    test(`${JSON.stringify(query)} is refused for its ${field}`, () => {
      const answer = ask(richKeepa({ rows: 5 }), { path: '/deal', body: JSON.stringify(query) });
      assert.equal(answer.status, 400);
      assert.deepEqual(errorOf(answer), complaint(field, badFormat));
      assert.equal(answer.json.tokensConsumed, 0);
    });
  }

  test('numbers as text are accepted for the marketplace and the interval', () => {
    const query = { ...everyRow, domainId: '1', dateRange: '3' };
    assert.equal(askPage(richKeepa({ rows: 5 }), query, 0).status, 200);
  });

  const badTexts: [string, { body?: string; query?: Record<string, string> }][] = [
    ['no query', {}],
    ['no JSON', { body: 'domainId=1' }],
    ['a list', { body: '[]' }],
    ['a query encoded twice', { query: { selection: encodeURIComponent('{"domainId":1}') } }],
  ];
  for (const [what, request] of badTexts) {
    test(`${what} is missing or invalid`, () => {
      const answer = ask(richKeepa({ rows: 5 }), { path: '/deal', ...request });
      assert.equal(answer.status, 400);
      assert.deepEqual(errorOf(answer), complaint('', badJson));
    });
  }

  test('fewer than 20 offers is a 200 that carries an error and no product', () => {
    const keepa = richKeepa();
    const [asin = ''] = someAsins(keepa, 1);
    const answer = products(keepa, { asin, offers: '10' });
    assert.equal(answer.status, 200);
    const message = 'Either no or a minimum of 20 offers must be requested.';
    assert.deepEqual(errorOf(answer), complaint(null, message));
    assert.equal('products' in answer.json, false);
    assert.equal(answer.json.tokensConsumed, 0);
  });

  test('more than a hundred ASINs, and a missing marketplace, are refused', () => {
    const keepa = richKeepa();
    const many = products(keepa, { asin: someAsins(keepa, 101).join(',') });
    assert.equal(many.status, 400);
    const lost = ask(keepa, { path: '/product', query: { asin: '0000000000' } });
    assert.equal(lost.status, 400);
  });

  test('a wrong key gets zeros for every token field, and does not touch the bucket', () => {
    const keepa = richKeepa({ key: 'right', ratePerMinute: 5 });
    const answer = ask(keepa, { path: '/token', key: 'wrong' });
    assert.equal(answer.status, 400);
    assert.deepEqual(
      errorOf(answer),
      complaint('', 'You used an invalid parameter for this API call.'),
    );
    for (const field of ['tokensLeft', 'refillRate', 'refillIn', 'tokensConsumed']) {
      assert.equal(answer.json[field], 0);
    }
    assert.equal(ask(keepa, { path: '/token', key: 'right' }).json.tokensLeft, 300);
    assert.equal(keepa.requests.invalidKey, 1);
  });

  test('an unknown path is 404 in plain text', () => {
    const answer = ask(richKeepa({ rows: 5 }), { path: '/deals' });
    assert.deepEqual(
      [answer.status, answer.contentType, answer.body],
      [404, 'text/plain', '404 Not Found'],
    );
  });
});

test('processing takes as long as recorded: pages under 1.5 s, live offers seconds', () => {
  const keepa = richKeepa();
  const asins = someAsins(keepa, 10);
  const times = (request: Parameters<typeof ask>[1]): number[] =>
    Array.from({ length: 200 }, (_, i) => ask(keepa, request, startMs + i * 997).processingMs).sort(
      (a, b) => a - b,
    );
  const median = (list: number[]): number => list[100] ?? 0;
  const pages = times({ path: '/deal', body: JSON.stringify(bookQuery) });
  assert.ok(median(pages) > 250 && median(pages) < 650);
  assert.ok((pages.at(-1) ?? 0) <= 1_416);
  const one = times({
    path: '/product',
    query: { domain: '1', asin: asins[0] ?? '', offers: '20' },
  });
  assert.ok(median(one) > 5_000 && median(one) < 7_500);
  const ten = times({
    path: '/product',
    query: { domain: '1', asin: asins.join(','), offers: '20' },
  });
  assert.ok(median(ten) > 12_000 && median(ten) < 23_000);
  assert.ok((ten.at(-1) ?? 0) < hourMs / 60);
});
