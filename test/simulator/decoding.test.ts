/**
 * The simulated answers through the project's own decoder: nothing fails, and nothing is lost.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeepaCall } from '../../src/keepa/call.ts';
import type { DealQuery } from '../../src/keepa/deal-query.ts';
import { decodeResponse } from '../../src/keepa/wire-answer.ts';
import { requestFor } from '../../src/keepa/wire-request.ts';
import { everyRow, richKeepa, startMs } from './asking.ts';

const query: DealQuery = {
  domainId: 1,
  priceType: 2,
  sortType: 4,
  selection: everyRow,
  hash: 'any',
};

function decoded<C extends KeepaCall>(keepa: ReturnType<typeof richKeepa>, call: C) {
  const { response } = keepa.handle({ ...requestFor(call), key: 'k' }, startMs);
  const outcome = decodeResponse(call, response);
  if (outcome.kind !== 'answered') assert.fail(`${call.endpoint}: ${outcome.kind}`);
  return outcome;
}

test('every row of every page decodes, with price, date and averages', () => {
  const keepa = richKeepa({ rows: 900 });
  const live = new Map(keepa.liveRows(startMs, everyRow).map((row) => [row.asin, row]));
  const seen = new Set<string>();
  for (let page = 0; page < 7; page += 1) {
    const { answer } = decoded(keepa, { endpoint: 'deal', query, page });
    assert.deepEqual(answer.faults, []);
    for (const row of answer.rows) {
      seen.add(row.asin);
      assert.equal(row.priceCents, live.get(row.asin)?.priceCents);
      assert.equal(row.priceSinceMs, live.get(row.asin)?.priceSinceMs);
      assert.equal(row.createdAtMs, row.priceSinceMs);
      assert.ok((row.averageCents.quarter ?? 0) > (row.priceCents ?? 0));
    }
  }
  assert.deepEqual([...seen].sort(), [...live.keys()].sort());
});

test('every product decodes with and without offers; odd ones fail alone or not at all', () => {
  const keepa = richKeepa({ rows: 900 });
  const asins = keepa.liveRows(startMs).map((row) => row.asin);
  let histories = 0;
  let products = 0;
  for (let i = 0; i + 100 <= asins.length; i += 100) {
    const batch = { endpoint: 'product', domainId: 1, asins: asins.slice(i, i + 100) } as const;
    const plain = decoded(keepa, { ...batch, history: true, statsDays: 365 }).answer;
    assert.deepEqual([plain.faults, plain.missing], [[], []]);
    products += plain.products.length;
    histories += plain.products.filter(
      (p) => (p.history?.priceUsed?.minutes.length ?? 0) > 0,
    ).length;
    const rich = decoded(keepa, { ...batch, history: false, offers: 20 }).answer;
    assert.deepEqual([rich.faults, rich.missing], [[], []]);
    const fresh = rich.products.filter((product) => product.offersFresh === true);
    assert.ok(fresh.length > 85);
    assert.ok(fresh.every((product) => product.offers?.some((offer) => offer.isLive)));
  }
  assert.ok(histories > 0.98 * products && histories < products);
});

test('sellers decode, the unknown one is missing', () => {
  const keepa = richKeepa();
  const asin = keepa.liveRows(startMs)[0]?.asin ?? '';
  const offers = decoded(keepa, {
    endpoint: 'product',
    domainId: 1,
    asins: [asin],
    history: false,
    offers: 20,
  }).answer.products[0]?.offers;
  const ids = [...new Set(offers?.map((offer) => offer.sellerId))].slice(0, 10);
  const call = { endpoint: 'seller', domainId: 1, sellerIds: [...ids, 'A00000000000X'] } as const;
  const { answer } = decoded(keepa, call);
  assert.deepEqual(answer.missing, ['A00000000000X']);
  assert.equal(answer.sellers.length, ids.length);
  for (const seller of answer.sellers) {
    const percent = seller.ratingPercent ?? 100;
    assert.ok(percent >= 70 && percent <= 100);
  }
});
