/** A page whose times cannot be true is not stored; an order not asked for is noticed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buyPage, outOfOrder, shapeFault, timeFault } from '../../src/actors/listing.ts';
import type { DealQuery } from '../../src/keepa/deal-query.ts';
import type { DealRow } from '../../src/keepa/deal-row.ts';
import { books } from '../store/store-fixture.ts';
import { JudgingWorld } from './judging-world.ts';

const nowMs = Date.UTC(2026, 4, 30, 12);
const minuteMs = 60_000;

function row(times: { updatedAtMs?: number; createdAtMs?: number }): DealRow {
  return {
    asin: 'B000000001',
    title: 'A book',
    priceType: 2,
    averageCents: {},
    averageRank: {},
    rankDrops: {},
    ...times,
  };
}

test('rows of the last day, even a minute ahead, are plausible', () => {
  assert.equal(timeFault([row({ updatedAtMs: nowMs + minuteMs })], nowMs), undefined);
  assert.equal(timeFault([row({ updatedAtMs: nowMs - 1374 * minuteMs })], nowMs), undefined);
});

test('one recent row vouches for older ones beside it', () => {
  const rows = [row({ updatedAtMs: nowMs - 48 * 60 * minuteMs }), row({ updatedAtMs: nowMs })];
  assert.equal(timeFault(rows, nowMs), undefined);
});

test('an epoch that is eleven years off is named, not stored', () => {
  const elevenYearsMs = 11 * 365 * 24 * 60 * minuteMs;
  assert.match(timeFault([row({ updatedAtMs: nowMs - elevenYearsMs })], nowMs) ?? '', /behind/);
});

test('a clock that runs an hour late is named', () => {
  assert.match(
    timeFault([row({ updatedAtMs: nowMs + 60 * minuteMs })], nowMs) ?? '',
    /60 min ahead/,
  );
});

test('rows without times prove nothing', () => {
  assert.equal(timeFault([row({})], nowMs), undefined);
  assert.equal(timeFault([], nowMs), undefined);
});

test('a page of mostly unreadable rows says nothing about its feed', () => {
  const fault = { index: 0, asin: undefined, why: 'current: is not a list' };
  const page = (good: number, bad: number) => ({
    rows: Array.from({ length: good }, () => row({})),
    faults: Array.from({ length: bad }, () => fault),
    wireRows: good + bad,
  });
  assert.equal(shapeFault(page(0, 0)), undefined, 'an empty page is one');
  assert.equal(shapeFault(page(140, 10)), undefined);
  assert.match(shapeFault(page(0, 140)) ?? '', /140 of 140 rows cannot be read: current/);
});

test('newest first is in order; every newer row after an older one is counted', () => {
  const rows = [5, 4, 4, 2].map((createdAtMs) => row({ createdAtMs }));
  assert.equal(outOfOrder(rows), 0);
  assert.equal(
    outOfOrder([...rows, row({ createdAtMs: 9 }), row({}), row({ createdAtMs: 10 })]),
    2,
  );
});

test('a page that cannot be stored is trouble, and its rows are not seen', async () => {
  await using world = await JudgingWorld.open();
  let afterwards = 0;
  const storePage = () => Promise.reject(new TypeError('an odd figure'));
  const sorted = { domainId: 1, priceType: 2, sortType: 4 } as const;
  const query: DealQuery = { ...sorted, selection: {}, hash: books.queryHash };
  const buying = buyPage(
    { ...world.options, writer: { ...world.options.writer, storePage } },
    {
      feed: { name: books.name, query, screen: {} },
      spendClass: 'upsert',
      purpose: 'sweep',
      call: { endpoint: 'deal', page: 0, query },
      sweepOf: () => undefined,
      afterStore: async () => {
        afterwards += 1;
      },
      signal: new AbortController().signal,
    },
  );
  await world.clock.advanceBy(minuteMs);
  const why = 'cannot be stored: an odd figure';
  assert.deepEqual(await buying, { trouble: why, isHopeless: true });
  assert.equal(afterwards, 0, 'and no checkpoint says that it was');
});
