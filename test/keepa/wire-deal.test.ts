/** Deal rows: what is absent, which dimension is which, and what one bad row costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DealRow } from '../../src/keepa/deal-row.ts';
import { decodeDealPage } from '../../src/keepa/wire-deal.ts';
import { dealBody, dealRow, figures, newYear } from './wire-fixtures.ts';

const used = 2;

function decodeOne(changes: object, priceType = used): DealRow {
  const page = decodeDealPage(dealBody([dealRow(changes)]), priceType);
  assert.deepEqual(page.faults, []);
  const [row] = page.rows;
  assert.ok(row);
  return row;
}

test('a row decodes whole: cents, Unix milliseconds, averages with interval outside', () => {
  assert.deepEqual(decodeOne({}), {
    asin: '1598162152',
    title: 'Samurai Champloo Volume 2',
    imageName: '51.jpg',
    rootCategory: 283_155,
    priceType: used,
    priceCents: 2050,
    priceSinceMs: newYear.ms,
    averageCents: { day: 2051, week: 2070, month: 2248, quarter: 10_857 },
    rank: 742_673,
    averageRank: { day: 524_347, week: 853_003, month: 954_263, quarter: 1_061_602 },
    rankDrops: { days30: 15, days90: 28, days180: 52, days365: 97 },
    amazonCents: 149_148,
    usedCents: 2050,
    newOffers: 2,
    usedOffers: 13,
    createdAtMs: newYear.ms,
    updatedAtMs: newYear.ms + 600_000,
  });
});

test('-1, -2, null and a missing key all mean absent, in every figure of a row', () => {
  for (const none of [-1, -2, null, undefined]) {
    const row = decodeOne({
      current: figures({ 0: none, 1: none, 2: none, 3: none, 11: none, 12: none }),
      currentSince: figures({ 2: none }),
      avg: [none === undefined ? undefined : figures({ 2: none, 3: none }), null],
      creationDate: none,
      lastUpdate: none,
      rootCat: none,
      parentAsin: none,
      image: none,
      salesRankDrops30: none,
      salesRankDrops90: none,
      salesRankDrops180: none,
      salesRankDrops365: none,
    });
    assert.deepEqual(row, {
      asin: '1598162152',
      title: 'Samurai Champloo Volume 2',
      priceType: used,
      averageCents: {},
      averageRank: {},
      rankDrops: {},
    });
  }
});

test('0 drops and 0 offers are counts, but a price, a rank or a time of 0 is none', () => {
  const row = decodeOne({
    current: figures({ 2: 0, 3: 0, 11: 0, 12: 0 }),
    currentSince: figures({ 2: 0 }),
    creationDate: 0,
    salesRankDrops30: 0,
  });
  assert.equal(row.rankDrops.days30, 0);
  assert.equal(row.newOffers, 0);
  assert.equal(row.usedOffers, 0);
  const absent = ['priceCents', 'usedCents', 'rank', 'priceSinceMs', 'createdAtMs'];
  assert.deepEqual(
    absent.filter((field) => field in row),
    [],
  );
});

test('lists of 34 and of 36 are read alike, and an index beyond the end is absent', () => {
  for (const length of [34, 36]) {
    const row = decodeOne({ current: figures({ 33: 999 }, length) }, 33);
    assert.equal(row.priceCents, 999);
  }
  const row = decodeOne({ current: figures({ 2: 500 }, 3), avg: [[1, 2]] }, 33);
  assert.equal(row.priceCents, undefined);
  assert.deepEqual(row.averageCents, {});
  assert.equal(row.usedCents, 500);
});

test('a query about the sales rank gives no money', () => {
  const row = decodeOne({ current: figures({ 3: 742_673 }) }, 3);
  assert.equal(row.priceCents, undefined);
  assert.deepEqual(row.averageCents, {});
  assert.equal(row.rank, 742_673);
});

test('a category number that no JavaScript number holds is absent, not another category', () => {
  // Java's largest long, as JSON.parse returns it.
  const rootCat = JSON.parse('9223372036854775807');
  assert.equal(decodeOne({ rootCat }).rootCategory, undefined);
  assert.equal(decodeOne({ rootCat: 0 }).rootCategory, undefined);
});

test('an image name is only ever a file name', () => {
  assert.equal(decodeOne({ image: [46, 46, 47, 120] }).imageName, undefined);
  assert.equal(decodeOne({ image: ['a'] }).imageName, undefined);
  assert.equal(decodeOne({ image: 'x.jpg' }).imageName, undefined);
  assert.equal(decodeOne({ image: [] }).imageName, undefined);
});

test('a decoration of the wrong type costs the row nothing', () => {
  const row = decodeOne({ title: 7, parentAsin: { a: 1 }, image: 3, rootCat: 'books' });
  assert.equal(row.title, '');
  assert.equal(row.priceCents, 2050);
});

test('a malformed row fails alone and says where, and is still counted', () => {
  const malformed: [unknown, RegExp][] = [
    [null, /expected object/],
    ['row', /expected object/],
    [dealRow({ asin: undefined }), /^asin/],
    [dealRow({ asin: 'too short' }), /^asin: is no ASIN/],
    [dealRow({ current: undefined }), /^current: is not a list/],
    [dealRow({ current: 5 }), /^current: is not a list/],
    [dealRow({ current: figures({ 2: '20.50' }) }), /^current\[2\]: a string/],
    [dealRow({ current: figures({ 2: 1e300 }) }), /^current\[2\]: 1e\+300 is out of range/],
    [dealRow({ avg: [7] }), /^avg\[0\]: is not a list/],
    [dealRow({ avg: [figures({ 2: {} })] }), /^avg\[0\]\[2\]: an object/],
    [dealRow({ creationDate: 'today' }), /^creationDate: a string/],
    [dealRow({ creationDate: 2 ** 40 }), /^creationDate: not a time/],
  ];
  const rows = [dealRow(), ...malformed.map(([row]) => row), dealRow()];
  const page = decodeDealPage(dealBody(rows), used);
  assert.equal(page.wireRows, rows.length);
  assert.equal(page.rows.length, 2);
  page.faults.forEach((fault, position) => {
    assert.equal(fault.index, position + 1);
    assert.match(fault.why, malformed[position]?.[1] ?? /never/);
  });
  assert.equal(page.faults.length, malformed.length);
  assert.equal(page.faults[3]?.asin, 'too short');
});

test('an answer without a list of rows is not an empty page', () => {
  for (const body of [{}, null, [], { deals: null }, { deals: {} }, { deals: { dr: null } }]) {
    assert.throws(() => decodeDealPage(body, used), { name: 'ShapeError' });
  }
  assert.deepEqual(decodeDealPage(dealBody([]), used), { rows: [], faults: [], wireRows: 0 });
});
