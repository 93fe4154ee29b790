/** Deal queries: everything wrong with one is said at once, before it costs a token. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DealQueryError,
  newestFirst,
  parseDealQuery,
  parseDomain,
  withSort,
} from '../../src/keepa/deal-query.ts';

const least = { domainId: 1, priceTypes: [2] };

function problemsOf(selection: unknown, given = {}): readonly string[] {
  try {
    parseDealQuery(selection, given);
  } catch (error) {
    assert.ok(error instanceof DealQueryError);
    assert.equal(error.message, error.problems.join('\n'));
    assert.ok(error.problems.every((problem) => !problem.includes('\n')));
    return error.problems;
  }
  return [];
}

/** A query with this one field is refused, by a line that begins with its name. */
function assertRefused(field: string, value: unknown, says = /allowed: /): void {
  const problems = problemsOf({ ...least, [field]: value });
  assert.equal(problems.length, 1, `${field} ${JSON.stringify(value)}: ${problems.join(' | ')}`);
  assert.ok(problems[0]?.startsWith(`${field}: `), problems[0]);
  assert.match(problems[0] ?? '', says);
}

function assertAccepted(field: string, ...values: unknown[]): void {
  for (const value of values) assert.deepEqual(problemsOf({ ...least, [field]: value }), []);
}

test('the export of the web page parses: strings become numbers, what is empty goes', () => {
  const query = parseDealQuery({
    sortType: '4',
    page: 3,
    domainId: '1',
    priceTypes: ['2'],
    dateRange: '3',
    isRangeEnabled: true,
    isFilterEnabled: true,
    includeCategories: [283_155],
    excludeCategories: [],
    titleSearch: '',
    deltaRange: null,
    salesRankRange: [50, -1],
    isLowest: false,
  });
  assert.deepEqual(query, {
    domainId: 1,
    priceType: 2,
    sortType: 4,
    selection: {
      dateRange: 3,
      domainId: 1,
      includeCategories: [283_155],
      isFilterEnabled: true,
      isLowest: false,
      isRangeEnabled: true,
      priceTypes: [2],
      salesRankRange: [50, -1],
    },
    hash: query.hash,
    warnings: [],
  });
  assert.deepEqual(Object.keys(query.selection), Object.keys(query.selection).sort());
});

test('the hash names what is asked for: not how it was typed, which page or in what order', () => {
  const { hash } = parseDealQuery({ ...least, dateRange: 3 });
  assert.match(hash, /^[0-9a-f]{16}$/);
  const same = [
    parseDealQuery({ dateRange: '3', priceTypes: [2], page: 9, sortType: -2, domainId: 1 }),
    parseDealQuery({ dateRange: 3 }, { domainId: 1, priceType: 2 }),
    withSort(parseDealQuery({ ...least, dateRange: 3 }), newestFirst),
  ];
  for (const query of same) assert.equal(query.hash, hash);
  const others = [
    parseDealQuery({ ...least, dateRange: 2 }),
    parseDealQuery({ ...least, dateRange: 3, domainId: 2 }),
    parseDealQuery({ ...least, dateRange: 3, priceTypes: [1] }),
  ];
  for (const query of others) assert.notEqual(query.hash, hash);
});

test('another sort changes the sort and nothing else', () => {
  const query = parseDealQuery(least);
  assert.equal(query.sortType, 4);
  assert.deepEqual(withSort(query, newestFirst), { ...query, sortType: 1 });
});

test('domain and price type come from the feed, the query, or both if they agree', () => {
  const fromFeed = parseDealQuery({}, { domainId: 3, priceType: 0 });
  assert.deepEqual([fromFeed.domainId, fromFeed.priceType], [3, 0]);
  assert.deepEqual(fromFeed.selection, { domainId: 3, priceTypes: [0] });
  parseDealQuery(least, { domainId: 1, priceType: 2 });
  assert.deepEqual(problemsOf(least, { domainId: 3, priceType: 0 }), [
    'domainId: the query says 1, its feed says 3',
    'priceTypes: the query says 2, its feed says 0',
  ]);
  const missing = problemsOf({});
  assert.match(missing[0] ?? '', /^domainId: missing; allowed: 1 \(com\), 2 \(co\.uk\)/);
  assert.match(missing[1] ?? '', /^priceTypes: missing; allowed: one of 0, 1, 2/);
  assert.match(problemsOf({ ...least, domainId: 12 })[0] ?? '', /^domainId: 12 has no deals/);
  assert.match(problemsOf({}, { domainId: 1, priceType: 4 })[0] ?? '', /^priceTypes: 4 is not/);
});

test('every problem is said, each in one line', () => {
  const problems = problemsOf({ dateRange: 7, offers: 10, sortType: 0, currentRange: [5, 1] });
  assert.deepEqual(
    problems.map((problem) => problem.split(':')[0]),
    ['dateRange', 'offers', 'sortType', 'currentRange', 'domainId', 'priceTypes'],
  );
});

test('a date range of 7 is refused with what is allowed', () => {
  assertRefused('dateRange', 7, /7 is not allowed; allowed: 0 day, 1 week, 2 month, 3 quarter/);
  for (const value of ['7', 4, -1, 1.5, 'week', true]) assertRefused('dateRange', value);
  assertAccepted('dateRange', 0, 3, '0', null);
});

test('a field Keepa would ignore is refused, with the one that was meant', () => {
  assertRefused('daterange', 3, /did you mean dateRange\?/);
  assertRefused('priceType', [2], /did you mean priceTypes\?/);
  assertRefused('isDiscount', true, /^isDiscount: Keepa has no such field/);
  assertRefused('constructor', 1, /no such field/);
});

test('exactly one price type of those that have deals', () => {
  for (const value of [[], null]) {
    assert.match(problemsOf({ domainId: 1, priceTypes: value })[0] ?? '', /^priceTypes: missing/);
  }
  for (const value of [[1, 2], [4], [27], 2, ['used'], [null]]) assertRefused('priceTypes', value);
  for (const type of [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 18, 19, 20, 21, 22, 32, 33]) {
    assertAccepted('priceTypes', [type]);
  }
});

test('newest first cannot be inverted, and there is no sort type 0', () => {
  for (const value of [0, -1, 5, -5, 'percent']) assertRefused('sortType', value);
  assertAccepted('sortType', 1, 2, 3, 4, -2, -3, -4, '-4');
});

test('ranges are two whole numbers in order', () => {
  for (const field of ['currentRange', 'deltaRange', 'deltaLastRange', 'salesRankRange']) {
    for (const value of [[2, 1], [1], [1, 2, 3], 5, {}, [1, 'x'], [0, 2 ** 31], [0.5, 2]]) {
      assertRefused(field, value);
    }
    assertAccepted(field, [0, 0], [1, 2_147_483_647], ['1', '2'], null);
  }
  assertRefused('currentRange', [-1, 5]);
  assertRefused('currentRange', [5, -1]);
  assertAccepted('deltaLastRange', [-500, 500]);
  assertAccepted('salesRankRange', [50_000, -1]);
});

test('a percent range starts at 10, or at 80 for the sales rank', () => {
  assertRefused('deltaPercentRange', [9, 80], /min 9 is not allowed; allowed: from 10/);
  assertAccepted('deltaPercentRange', [10, 100], [50, 2_147_483_647]);
  const rank = { domainId: 1, priceTypes: [3] };
  assert.match(problemsOf({ ...rank, deltaPercentRange: [79, 100] })[0] ?? '', /from 80/);
  assert.deepEqual(problemsOf({ ...rank, deltaPercentRange: [80, 100] }), []);
});

test('the other fields keep to their documented ranges', () => {
  assertRefused('minRating', 51);
  assertRefused('minRating', 4.5);
  assertAccepted('minRating', -1, 0, 50);
  assertRefused('warehouseConditions', [24]);
  assertAccepted('warehouseConditions', [1, 5]);
  assertRefused('includeCategories', Array(501).fill(7));
  assertRefused('excludeCategories', [9_223_372_036_854_776_000]);
  assertAccepted('includeCategories', Array(500).fill(7), ['283155']);
  assertRefused('titleSearch', 'word '.repeat(51));
  assertAccepted('titleSearch', 'word '.repeat(50));
  assertRefused('hasReviews', 'true');
  assertRefused('author', 'Boydell');
  assertRefused('author', ['']);
  assertAccepted('author', ['Boydell']);
  assertRefused('page', -1);
  assertRefused('isRangeEnabled', 1);
});

test('fields behind a master switch that is off are a warning, not an error', () => {
  const query = parseDealQuery({
    ...least,
    currentRange: [1, 2],
    hasReviews: true,
    isLowest: false,
    minRating: -1,
  });
  assert.deepEqual(query.warnings, [
    'isRangeEnabled is off, so Keepa ignores currentRange; set isRangeEnabled to true',
    'isFilterEnabled is off, so Keepa ignores hasReviews; set isFilterEnabled to true',
  ]);
  assert.deepEqual(parseDealQuery({ ...least, isLowest: false }).warnings, []);
});

test('what is no object is no query', () => {
  for (const selection of [null, [], 'x', 7, undefined]) {
    assert.deepEqual(problemsOf(selection), ['the query is not a JSON object']);
  }
});

test('a domain is found by its suffix, its host name or its number', () => {
  for (const domain of ['de', 'DE ', 'amazon.de', 'www.amazon.de', 3, '3']) {
    assert.equal(parseDomain(domain), 3);
  }
  assert.equal(parseDomain('co.uk'), 2);
  assert.equal(parseDomain('com.br'), 12);
  for (const domain of ['cn', 7, '', 'uk', 1.5]) {
    assert.throws(() => parseDomain(domain), { name: 'DealQueryError', message: /^domain: / });
  }
});
