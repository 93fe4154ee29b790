import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import { adviseOn } from '../../src/keepa/query-advice.ts';

const plain = { domainId: 1, priceTypes: [2], dateRange: 1, sortType: 1 };

test('a query that means what it says gets no comment and is left as it is', () => {
  assert.deepEqual(adviseOn(plain), { selection: plain, warnings: [] });
  assert.deepEqual(adviseOn({ ...plain, page: 0 }), { selection: plain, warnings: [] });
});

/** What is exported, and the one line that it gets. */
const comments: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [{ sortType: 4 }, /^sortType 4: the size of the drop in per cent.* no time/],
  [{ sortType: '-4' }, /^sortType "-4": a text/],
  [{ dateRange: 4 }, /^dateRange 4: not documented.* written as 3 \(90 days\)/],
  [{ dateRange: '3' }, /^dateRange "3": a text where Keepa documents a number; written as 3$/],
  [{ page: 7 }, /^page 7: left out/],
  [{ deltaPercentRange: [50, 100] }, /below the average of the last week \(dateRange\), not below/],
  [{ currentRange: [5, 300] }, /^currentRange \[5, 300\]: cents .*so at most 3\.00$/],
  [{ priceTypes: [3], currentRange: [1, 5_000] }, /\[1, 5000\]: sales ranks and no prices/],
  [{ priceTypes: [3], deltaRange: [1, 5_000] }, /^deltaRange .*: sales ranks and no prices/],
  [{ salesRankRange: [1, -1] }, /^salesRankRange: leaves out every product without/],
  [{ minRating: 4 }, /^minRating 4: tenths of a star, so 0\.4/],
  [{ warehouseConditions: [2, 3] }, /^warehouseConditions: .*priceTypes 9/],
  [{ singleVariation: true }, /^singleVariation: keeps a random one/],
];
for (const [change, line] of comments) {
  test(`${JSON.stringify(change)} is commented on`, () => {
    const { warnings } = adviseOn({ ...plain, ...change });
    assert.match(warnings[0] ?? '', line);
    for (const warning of warnings) assert.doesNotMatch(warning, /\n/);
  });
}

test('ordinary prices, ratings and warehouse queries get none', () => {
  const fine = [
    { currentRange: [2_000, 30_100] },
    { minRating: 45 },
    { minRating: -1 },
    { priceTypes: [9], warehouseConditions: [2, 3] },
    { warehouseConditions: [] },
    { titleSearch: '1984' },
  ];
  for (const change of fine) assert.deepEqual(adviseOn({ ...plain, ...change }).warnings, []);
});

test('the undocumented date range is one that a start takes afterwards', () => {
  for (const dateRange of [4, '4']) {
    const exported = { ...plain, dateRange };
    assert.throws(() => parseDealQuery(exported), /dateRange/);
    assert.equal(parseDealQuery(adviseOn(exported).selection).selection.dateRange, 3);
  }
});
