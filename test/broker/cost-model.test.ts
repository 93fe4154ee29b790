import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CostModel, shapeOf, unitsIn } from '../../src/broker/cost-model.ts';
import type { ProductCall } from '../../src/keepa/call.ts';
import { dealCall, productCall } from './broker-world.ts';

const offers = productCall(1, 20);
const plain = productCall(1);
const seller = { endpoint: 'seller', domainId: 3, sellerIds: ['A1'] } as const;

/** A call of so many items that cost `costTokens`, within its hold unless `holdTokens` says. */
function teach(
  model: CostModel,
  items: number,
  costTokens: number,
  { times = 1, holdTokens = costTokens } = {},
): void {
  for (let n = 0; n < times; n += 1) model.learn(offers, { items, costTokens, holdTokens });
}

describe('cost model', () => {
  it('names a shape by what costs and by nothing else', () => {
    assert.equal(shapeOf(dealCall), 'deal');
    assert.equal(shapeOf(plain), 'product');
    const live: ProductCall = { ...productCall(3, 20), onlyLiveOffers: true };
    assert.equal(shapeOf(live), 'product+offers20');
    assert.equal(shapeOf(seller), 'seller');
    assert.equal(shapeOf({ endpoint: 'token' }), 'token');
  });

  it('starts from the documented worst case', () => {
    const model = new CostModel();
    assert.equal(model.quote(dealCall, 1).holdTokens, 5);
    assert.equal(model.quote(plain, 100).holdTokens, 100);
    assert.equal(model.quote(offers, 1).holdTokens, 12, 'twenty offers are two pages of 6');
    assert.equal(model.quote(offers, 10).holdTokens, 120);
    assert.equal(model.quote(productCall(1, 40), 1).holdTokens, 24);
    assert.equal(model.quote(seller, 100).holdTokens, 100);
    assert.equal(model.quote({ endpoint: 'token' }, 1).holdTokens, 0);
  });

  it('keeps the documented worst case until it has five samples', () => {
    const model = new CostModel();
    teach(model, 10, 70, { times: 4 });
    assert.equal(model.quote(offers, 10).holdTokens, 120);
    teach(model, 10, 70);
    assert.equal(model.quote(offers, 10).holdTokens, 70);
  });
});

describe('cost model: what it learns', () => {
  it('holds the p95 of the last fifty, and asks the balance to bear the dearest of them', () => {
    const model = new CostModel();
    teach(model, 10, 90);
    teach(model, 10, 70, { times: 49 });
    assert.deepEqual(model.quote(offers, 10), { holdTokens: 70, worstTokens: 90 });
    teach(model, 10, 80, { times: 2 });
    assert.deepEqual(model.quote(offers, 10), { holdTokens: 80, worstTokens: 80 });
  });

  it('prices less than five items at the largest unit cost seen in any batch', () => {
    const model = new CostModel();
    teach(model, 10, 60, { times: 50 });
    assert.equal(model.quote(offers, 4).holdTokens, 48, 'a p95 learned on tens says nothing here');
    teach(model, 10, 150);
    assert.equal(model.quote(offers, 2).holdTokens, 30);
  });

  it('learns each band of batch size by itself', () => {
    const model = new CostModel();
    teach(model, 10, 60, { times: 10 });
    assert.equal(model.quote(offers, 10).holdTokens, 60);
    assert.equal(model.quote(offers, 9).holdTokens, 9 * 12);
  });

  it('rounds up to whole tokens, but not for the noise of a division', () => {
    const model = new CostModel();
    teach(model, 7, 36, { times: 5 });
    assert.equal(model.quote(offers, 7).holdTokens, 36);
    assert.equal(model.quote(offers, 8).holdTokens, 42);
  });

  it('never quotes a call for nothing, although whole batches were missing', () => {
    const model = new CostModel();
    teach(model, 10, 0, { times: 50 });
    assert.equal(model.quote(offers, 10).holdTokens, 1);
  });
});

describe('cost model: drift', () => {
  it('halves the batch of a shape whose call exceeded its hold by half, and says so', () => {
    const model = new CostModel();
    assert.equal(model.batchMax(offers), 10);
    const fine = { items: 10, costTokens: 150, holdTokens: 100 };
    assert.equal(model.learn(offers, fine), undefined);
    const drift = model.learn(offers, { ...fine, costTokens: 151 });
    assert.deepEqual(drift, { shape: 'product+offers20', batchMax: 5 });
    assert.equal(model.batchMax(offers), 5);
    assert.equal(model.batchMax(plain), 100, 'another shape is not concerned');
  });

  it('halves down to one item and no further', () => {
    const model = new CostModel();
    for (const expected of [5, 2, 1, 1]) {
      const items = model.batchMax(offers);
      const drift = model.learn(offers, { items, costTokens: 1_000, holdTokens: 1 });
      assert.equal(drift?.batchMax, expected);
    }
  });

  it('doubles the batch again after fifty calls that kept to their hold', () => {
    const model = new CostModel();
    model.learn(offers, { items: 10, costTokens: 300, holdTokens: 100 });
    teach(model, 5, 35, { times: 49 });
    assert.equal(model.batchMax(offers), 5);
    teach(model, 5, 35);
    assert.equal(model.batchMax(offers), 10);
    teach(model, 5, 35, { times: 200 });
    assert.equal(model.batchMax(offers), 10, 'never beyond what Keepa answers in good time');
  });
});

describe('cost model: from one run to the next', () => {
  it('survives a round through JSON', () => {
    const model = new CostModel();
    teach(model, 10, 66, { times: 20 });
    model.learn(offers, { items: 10, costTokens: 300, holdTokens: 100 });
    const copy = new CostModel(JSON.parse(JSON.stringify(model.export())));
    assert.deepEqual(copy.export(), model.export());
    assert.deepEqual(copy.quote(offers, 10), model.quote(offers, 10));
    assert.equal(copy.batchMax(offers), 5);
  });

  it('leaves out what it cannot read of an earlier run', () => {
    for (const learned of [
      null,
      3,
      'x',
      [],
      { deal: null },
      { deal: { batchMax: 'x', bands: 3 } },
    ]) {
      assert.deepEqual(new CostModel(learned).export(), {});
    }
    const odd = { deal: { batchMax: 1, bands: { 1: [5, 'x', -1, null, Number.NaN] } } };
    assert.deepEqual(new CostModel(odd).export(), { deal: { batchMax: 1, bands: { 1: [5] } } });
  });

  it('prices a page and a balance read as one unit each', () => {
    assert.deepEqual(
      [unitsIn(dealCall), unitsIn({ endpoint: 'token' }), unitsIn(productCall(7)), unitsIn(seller)],
      [1, 1, 7, 1],
    );
  });

  it('holds at most the worst and at least a token, whatever it was taught', () => {
    const lesson = fc.record({
      items: fc.integer({ min: 1, max: 100 }),
      costTokens: fc.integer({ min: 0, max: 2_000 }),
      holdTokens: fc.integer({ min: 1, max: 2_000 }),
    });
    fc.assert(
      fc.property(fc.array(lesson, { maxLength: 80 }), (lessons) => {
        const model = new CostModel();
        for (const taught of lessons) model.learn(offers, taught);
        for (let items = 1; items <= 100; items += 1) {
          const { holdTokens, worstTokens } = model.quote(offers, items);
          assert.ok(Number.isInteger(holdTokens) && holdTokens >= 1 && holdTokens <= worstTokens);
        }
        assert.ok(model.batchMax(offers) >= 1 && model.batchMax(offers) <= 10);
      }),
    );
  });
});
