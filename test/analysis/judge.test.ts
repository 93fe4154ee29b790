/**
 * Rule version 1 from the outside: one small product per sentence, judged whole.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Judgement, judge } from '../../src/analysis/judge.ts';
import type { AmazonPrices } from '../../src/keepa/product.ts';
import {
  dayMinutes,
  type Histories,
  minuteMs,
  type Point,
  productOf,
  yearMinutes,
} from './histories.ts';

/** A whole minute of a month of its own: September. */
const now = Date.UTC(2025, 8, 14, 12, 0) / minuteMs;

function judged(histories: Histories | undefined, amazon?: AmazonPrices): Judgement {
  return judge({ product: productOf(histories, amazon), priceType: 2, nowMs: now * minuteMs });
}

/** One confirmed used sale per [minutes before now, price]; each falls in a gap of its own. */
function soldFor(sales: readonly (readonly [minutesAgo: number, cents: number])[]): Histories {
  const inOrder = sales.toSorted((a, b) => b[0] - a[0]);
  const each = (points: (at: number, cents: number) => Point[]): Point[] =>
    inOrder.flatMap(([ago, cents]) => points(now - ago, cents));
  return {
    countUsed: each((at) => [
      [at - 2, 5],
      [at, 4],
    ]),
    priceUsed: each((at, cents) => [[at - 1, cents]]),
    rank: each((at) => [
      [at - 1, 900],
      [at, 100],
    ]),
  };
}

test('a drop exactly 3 years old counts, one a minute older does not', () => {
  assert.equal(judged(soldFor([[3 * yearMinutes, 500]])).offerDrops, 1);
  assert.equal(judged(soldFor([[3 * yearMinutes + 1, 500]])).offerDrops, 0);
});

test('a sale exactly 1 year old counts for the average, one a minute older does not', () => {
  const at = (minutesAgo: number) => {
    const { avg1yCents, sales1y, salesCount } = judged(soldFor([[minutesAgo, 500]]));
    return { avg1yCents, sales1y, salesCount };
  };
  assert.deepEqual(at(yearMinutes), { avg1yCents: 500, sales1y: 1, salesCount: 1 });
  const none = { avg1yCents: undefined, sales1y: 0, salesCount: 0 };
  assert.deepEqual(at(yearMinutes + 1), none);
});

test('the year is measured on the drop, not on the rank that confirmed it', () => {
  const histories = soldFor([[yearMinutes + 1, 500]]);
  const rank: Point[] = [
    [now - yearMinutes - 9, 900],
    [now - yearMinutes + 5, 100],
  ];
  assert.equal(judged({ ...histories, rank }).confirmed, 1);
  assert.equal(judged({ ...histories, rank }).sales1y, 0);
});

test('now counts as its whole minute: its seconds shorten no window', () => {
  const product = productOf(
    soldFor([
      [3 * yearMinutes, 500],
      [yearMinutes, 500],
    ]),
  );
  const late = judge({ product, priceType: 2, nowMs: now * minuteMs + 59_999 });
  assert.deepEqual([late.offerDrops, late.sales1y], [2, 1]);
});

test('a drop, a price or a rank after now has no influence', () => {
  const past = soldFor([[100, 500]]);
  const future: Point = [now + 1, 1];
  const also = (points: readonly Point[] | undefined): Point[] => [future, ...(points ?? [])];
  const expected = judged(past);
  assert.deepEqual(
    judged({
      countUsed: also(past.countUsed),
      priceUsed: also(past.priceUsed),
      rank: also(past.rank),
    }),
    expected,
  );
  const onlyLater: Histories = {
    ...past,
    rank: [
      [now - 101, 900],
      [now + 1, 100],
    ],
  };
  assert.equal(judged(onlyLater).confirmed, 0);
});

test('used counts take used prices and new counts take new prices', () => {
  const rank: Point[] = [
    [now - 200, 900],
    [now - 50, 100],
  ];
  const falls = (at: number): Point[] => [
    [at - 1, 5],
    [at, 4],
  ];
  const { sales } = judged({
    countUsed: falls(now - 100),
    countNew: falls(now - 100),
    priceUsed: [[now - 300, 500]],
    priceNew: [[now - 300, 900]],
    rank,
  });
  assert.deepEqual(
    sales.map(({ condition, priceCents }) => [condition, priceCents]),
    [
      ['used', 500],
      ['new', 900],
    ],
  );
});

test('an unpriced sale counts for velocity and not for money', () => {
  const unpriced = judged({ ...soldFor([[100, 500]]), priceUsed: [] });
  assert.deepEqual([unpriced.confirmed, unpriced.sales1y, unpriced.sane], [1, 1, 0]);
  assert.deepEqual([unpriced.avg1yCents, unpriced.reason], [undefined, 'no-sales']);
});

test('an outlier is no sane sale, moves no figure, and still counts for sales1y', () => {
  const cents = [500, 500, 500, 500, 90_000];
  const judgement = judged(soldFor(cents.map((price, i) => [1_000 * (i + 1), price] as const)));
  assert.deepEqual([judgement.confirmed, judgement.sane, judgement.sales1y], [5, 4, 5]);
  assert.deepEqual([judgement.avg1yCents, judgement.listAtCents], [500, 500]);
});

test('quartiles are those of used and new sales together', () => {
  const used = soldFor([
    [1_000, 500],
    [2_000, 500],
    [3_000, 500],
  ]);
  const at = now - 4_000;
  const together = judged({
    ...used,
    countNew: [
      [at - 1, 5],
      [at, 4],
    ],
    priceNew: [[at - 1, 90_000]],
    rank: [[at - 1, 900], [at, 100], ...(used.rank ?? [])],
  });
  assert.deepEqual([together.confirmed, together.sane], [4, 3]);
});

test('the average is the mean of the sane sales of the last year, rounded half up', () => {
  assert.equal(
    judged(
      soldFor([
        [10, 500],
        [2_000, 501],
      ]),
    ).avg1yCents,
    501,
  );
  assert.equal(
    judged(
      soldFor([
        [10, 500],
        [2_000, 500],
        [4_000, 501],
      ]),
    ).avg1yCents,
    500,
  );
});

test('months pool the years and are those of UTC', () => {
  const minutesAgo = (iso: string): number => now - Date.parse(iso) / minuteMs;
  const ends = (newYear: string): Judgement =>
    judged(
      soldFor([
        [minutesAgo('2024-12-01T00:00:00Z'), 700],
        [minutesAgo('2024-01-31T23:59:00Z'), 800],
        [minutesAgo(newYear), 900],
      ]),
    );
  // January of two years together: the median of 800 and 900. A minute earlier it is December.
  const january = ends('2025-01-01T00:00:00Z');
  assert.deepEqual([january.listAtCents, january.troughCents], [850, 700]);
  const december = ends('2024-12-31T23:59:00Z');
  assert.deepEqual([december.listAtCents, december.troughCents], [800, 800]);
});

test('old sales but none in the last year: no-sales, and the other figures are still given', () => {
  const old = judged(
    soldFor([
      [yearMinutes + 1, 500],
      [yearMinutes + 3_000, 700],
    ]),
  );
  assert.deepEqual([old.verdict, old.reason], ['insufficient', 'no-sales']);
  assert.deepEqual([old.avg1yCents, old.percentDown, old.sales1y], [undefined, undefined, 0]);
  assert.deepEqual([old.listAtCents, old.troughCents, old.trust], [600, 600, 1]);
});

test('list-at above 150,000 cents after the cap is implausible, exactly that is not', () => {
  const at = (cents: number, amazon?: AmazonPrices) => judged(soldFor([[100, cents]]), amazon);
  assert.equal(at(150_000).reason, undefined);
  assert.deepEqual(
    [at(150_001).verdict, at(150_001).reason],
    ['insufficient', 'implausible-price'],
  );
  assert.equal(at(400_000, { currentCents: 166_666 }).reason, undefined);
  assert.equal(at(400_000, { currentCents: 166_668 }).reason, 'implausible-price');
});

test('the five reasons come in their order of precedence', () => {
  const old = soldFor([[yearMinutes + 1, 200_000]]);
  assert.equal(judged(undefined).reason, 'no-history');
  assert.equal(judged({}).reason, 'no-offer-counts');
  assert.equal(judged({ ...old, countUsed: [], rank: [] }).reason, 'no-offer-counts');
  assert.equal(judged({ ...old, rank: [] }).reason, 'no-rank-history');
  assert.equal(judged(old).reason, 'implausible-price');
  assert.equal(judged(soldFor([[yearMinutes + 1, 500]])).reason, 'no-sales');
});

test('one offer count of the two is enough, and a rank of 0 or none is no rank', () => {
  const sold = soldFor([[100, 500]]);
  assert.equal(judged({ ...sold, countNew: [] }).reason, undefined);
  assert.equal(judged({ ...sold, countUsed: [], countNew: [[1, 5]] }).reason, 'no-sales');
  assert.equal(
    judged({
      ...sold,
      rank: [
        [1, 0],
        [2, undefined],
      ],
    }).reason,
    'no-rank-history',
  );
});

test('trust is confirmed of all offer drops, and absent when there are none', () => {
  const sold = soldFor([[100, 500]]);
  const countNew: Point[] = [
    [now - 90, 5],
    [now - 80, 4],
    [now - 70, 3],
    [now - 60, 2],
  ];
  assert.equal(judged({ ...sold, countNew }).trust, 0.25);
  assert.equal(judged({ ...sold, countUsed: [[now - 9, 1]] }).trust, undefined);
  assert.equal(judged({ ...sold, rank: [] }).trust, 0);
});

test('percent down is a fraction of the exact average and never negative', () => {
  const at = (cents: number) =>
    judge({
      product: productOf(
        soldFor([
          [10, 500],
          [2_000, 501],
        ]),
      ),
      priceType: 2,
      nowMs: now * minuteMs,
      priceNowCents: cents,
    }).percentDown;
  assert.equal(at(250), 501 / 1_001);
  assert.equal(at(600), 0);
  assert.equal(Object.is(at(501), 0), true);
});

test('the price now is the last point of the asked price type up to now', () => {
  const histories: Histories = {
    amazon: [[now, 1]],
    priceNew: [[now, 2]],
    priceUsed: [
      [now - 1, 9],
      [now, 3],
      [now + 1, 8],
    ],
    other: new Map([[10, [[now, 4]]]]),
  };
  const priceOf = (priceType: number) =>
    judge({ product: productOf(histories), priceType, nowMs: now * minuteMs }).priceNowCents;
  assert.deepEqual([0, 1, 2, 10, 21].map(priceOf), [1, 2, 3, 4, undefined]);
});

test('a price that ended is absent, never the one before and never 0', () => {
  assert.equal(
    judged({
      priceUsed: [
        [1, 700],
        [2, undefined],
      ],
    }).priceNowCents,
    undefined,
  );
  assert.equal(
    judged({
      priceUsed: [
        [1, 700],
        [2, 0],
      ],
    }).priceNowCents,
    undefined,
  );
});

test('a product without history gives counts of 0 and no figure at all', () => {
  assert.deepEqual(judged(undefined, { currentCents: 900 }), {
    ruleVersion: 1,
    verdict: 'insufficient',
    reason: 'no-history',
    marks: [],
    sales: [],
    offerDrops: 0,
    confirmed: 0,
    sane: 0,
    salesCount: 0,
    sales1y: 0,
    priceNowCents: undefined,
    avg1yCents: undefined,
    listAtCents: undefined,
    troughCents: undefined,
    trust: undefined,
    percentDown: undefined,
    profitCents: undefined,
  });
});

test('a history that spans 2026-02-16 is marked, and not before that day has come', () => {
  const change = Date.UTC(2026, 1, 16) / minuteMs;
  const product = productOf({
    priceUsed: [
      [change - 1, 500],
      [change, 600],
    ],
  });
  const marks = (minute: number) =>
    judge({ product, priceType: 2, nowMs: minute * minuteMs }).marks;
  assert.deepEqual(marks(change), ['mixed-price-basis']);
  assert.deepEqual(marks(change - 1), []);
});

test('acceptance rules judge only what has enough evidence', () => {
  const ask = (histories: Histories) =>
    judge({
      product: productOf(histories),
      priceType: 2,
      nowMs: now * minuteMs,
      acceptance: { minSales1y: 2 },
    });
  assert.deepEqual(
    [ask(soldFor([[10, 500]])).verdict, ask(soldFor([[10, 500]])).reason],
    ['rejected', 'too-few-sales'],
  );
  assert.equal(ask(soldFor([[yearMinutes + 1, 500]])).reason, 'no-sales');
});

test('profit uses list-at before rounding, the price now and the fees of the product', () => {
  const sold = soldFor([
    [dayMinutes, 501],
    [9 * dayMinutes, 500],
  ]);
  const product = {
    ...productOf({ ...sold, priceUsed: [...(sold.priceUsed ?? []), [now, 100]] }),
    fees: { referralPercent: 50, fbaPickAndPackCents: 10 },
  };
  // 500.5 - 100 - 250.25 - 10 = 140.25; from the rounded 501 it would be 140.5, hence 141.
  const input = { product, priceType: 2, nowMs: now * minuteMs };
  assert.equal(judge(input).profitCents, 140);
  assert.equal(judge({ ...input, costs: { prepCents: 40 } }).profitCents, 100);
});
