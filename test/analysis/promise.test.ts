/** The promise of a row: by hand as a table, and the directions in which it may move. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { promiseOf } from '../../src/analysis/promise.ts';
import type { CostModel } from '../../src/config-judging.ts';
import type { DealRow } from '../../src/keepa/deal-row.ts';

interface Figures {
  readonly price?: number | undefined;
  readonly quarter?: number | undefined;
  readonly month?: number | undefined;
  readonly amazon?: number | undefined;
  readonly drops90?: number | undefined;
}

function row(figures: Figures, changed: Partial<DealRow> = {}): DealRow {
  const { price, quarter, month, amazon, drops90 } = figures;
  return {
    asin: 'B000000001',
    title: 'A book',
    priceType: 2,
    averageCents: { ...(quarter && { quarter }), ...(month && { month }) },
    averageRank: {},
    rankDrops: drops90 === undefined ? {} : { days90: drops90 },
    ...(price === undefined ? {} : { priceCents: price }),
    ...(amazon === undefined ? {} : { amazonCents: amazon }),
    ...changed,
  };
}

const free: CostModel = { referralPercent: 0, fbaFeeCents: 0 };

describe('what a row promises', () => {
  /** Earning 2,000 at even odds: survival 1/2 x 2000/3000 = 1/3, so 666.7 / (1 + 7/3) = 200. */
  const plain: Figures = { price: 1_000, quarter: 3_000, drops90: 3 };
  const table: readonly (readonly [string, Figures, CostModel, number])[] = [
    ['an average row', plain, free, 200],
    ['fees that are not configured are assumed', plain, {}, 107.09],
    ['tax is paid on the price', plain, { ...free, taxPercent: 100 }, 90.91],
    ['fixed costs come off', plain, { ...free, inboundShippingCents: 600, prepCents: 400 }, 90.91],
    ['nobody buys', { ...plain, drops90: 0 }, free, 0],
    ['the price is what it fetches', { ...plain, quarter: 1_000 }, free, 0],
    ['it costs more than it fetches', { ...plain, price: 4_000 }, free, 0],
    ['no price', { ...plain, price: undefined }, free, 0],
    ['no average', { ...plain, quarter: undefined }, free, 0],
    [
      'an average lifted by a spike counts as 1.5 x the recent one',
      { ...plain, quarter: 90_000, month: 2_000 },
      free,
      200,
    ],
    ['a recent average above the long one lifts nothing', { ...plain, month: 9_000 }, free, 200],
    [
      "Amazon's price caps at nine tenths",
      { ...plain, quarter: 9_000, amazon: 3_333 },
      free,
      199.97,
    ],
    ['unknown rank drops count as one', { ...plain, drops90: undefined }, free, 153.85],
  ];
  for (const [name, figures, costs, expected] of table) {
    test(`${name}: ${expected}`, () => {
      assert.equal(Math.round(100 * promiseOf(row(figures), costs)) / 100, expected);
    });
  }

  test("in a listing of Amazon's own price that price is no cap", () => {
    const amazon = row({ ...plain, amazon: 1_000 }, { priceType: 0 });
    assert.equal(Math.round(promiseOf(amazon, free)), 200);
  });

  test('drops over other spans stand in for those over 90 days', () => {
    const of = (rankDrops: DealRow['rankDrops']) =>
      promiseOf(row({ ...plain, drops90: undefined }, { rankDrops }), free).toFixed(6);
    assert.equal(of({ days180: 6 }), of({ days90: 3 }));
    assert.equal(of({ days30: 1 }), of({ days90: 3 }));
    assert.equal(of({ days365: 365 }), of({ days90: 90 }));
    assert.equal(of({ days90: 3, days30: 50 }), of({ days90: 3 }));
  });
});

describe('the directions', () => {
  const cents = fc.integer({ min: 1, max: 100_000 });
  const maybeCents = fc.option(cents, { nil: undefined });
  const figures = fc.record({
    price: cents,
    quarter: cents,
    month: maybeCents,
    amazon: maybeCents,
    drops90: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
  });
  const percent = fc.integer({ min: 0, max: 100 });
  const costs = fc.record({
    inboundShippingCents: fc.nat(2_000),
    taxPercent: percent,
    prepCents: fc.nat(2_000),
    referralPercent: percent,
    fbaFeeCents: fc.nat(2_000),
  });
  const more = fc.integer({ min: 1, max: 50_000 });

  /** Up to the noise of doubles. */
  function assertNotBelow(higher: number, lower: number): void {
    assert.ok(higher >= lower - 1e-9 * Math.max(1, lower), `${higher} below ${lower}`);
  }

  test('it is a number, never negative', () => {
    fc.assert(
      fc.property(figures, costs, (drawn, model) => {
        const promise = promiseOf(row(drawn), model);
        assert.ok(Number.isFinite(promise) && promise >= 0, `${promise}`);
      }),
    );
  });

  const falling: readonly (keyof CostModel)[] = [
    'inboundShippingCents',
    'taxPercent',
    'prepCents',
    'referralPercent',
    'fbaFeeCents',
  ];
  for (const cost of falling) {
    test(`it never rises with ${cost}`, () => {
      fc.assert(
        fc.property(figures, costs, more, (drawn, model, step) => {
          const before: CostModel = model;
          const dearer = { ...model, [cost]: (before[cost] ?? 0) + step };
          assertNotBelow(promiseOf(row(drawn), model), promiseOf(row(drawn), dearer));
        }),
      );
    });
  }

  test('it never rises with the price', () => {
    fc.assert(
      fc.property(figures, costs, more, (drawn, model, step) => {
        const dearer = { ...drawn, price: drawn.price + step };
        assertNotBelow(promiseOf(row(drawn), model), promiseOf(row(dearer), model));
      }),
    );
  });

  for (const figure of ['quarter', 'month', 'amazon', 'drops90'] as const) {
    test(`it never falls with ${figure}`, () => {
      fc.assert(
        fc.property(figures, costs, more, (drawn, model, step) => {
          const before = drawn[figure];
          fc.pre(before !== undefined);
          const better = { ...drawn, [figure]: before + step };
          assertNotBelow(promiseOf(row(better), model), promiseOf(row(drawn), model));
        }),
      );
    });
  }
});
