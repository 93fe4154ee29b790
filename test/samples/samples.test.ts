/**
 * The recorded responses, where they lie beside the project: every one decodes, and the figures are
 * those that the raw bodies give when counted by hand.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Series } from '../../src/keepa/product.ts';
import { books, pageOf, passing, startMs, TestStore } from '../store/store-fixture.ts';
import { type FileSurvey, surveySamples } from './survey.ts';

const folder = join(import.meta.dirname, '../../../shared/samples');
const skip = existsSync(folder) ? false : `no recorded responses at ${folder}`;

/** What this test needs of the raw bodies, read without the decoder. */
interface RawProduct {
  readonly asin: string;
  readonly csv: readonly (readonly number[] | null)[];
  readonly offers?: readonly unknown[];
  readonly liveOffersOrder: readonly number[] | null;
}
interface RawRow {
  readonly asin: string;
  readonly current: readonly number[];
  readonly avg: readonly (readonly number[])[];
  readonly creationDate: number;
}

function rawJson(file: string) {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

describe('recorded responses', { skip }, () => {
  const surveys: readonly FileSurvey[] = skip === false ? surveySamples(folder) : [];
  const surveyOf = (file: string): FileSurvey => {
    const survey = surveys.find((one) => one.file === file);
    assert.ok(survey, `${file} was not surveyed`);
    return survey;
  };
  const of = (prefix: string) => surveys.filter((survey) => survey.file.startsWith(prefix));

  test('every file is read and nothing in it fails', () => {
    assert.ok(surveys.length >= 20);
    for (const { file, failures } of surveys) assert.deepEqual(failures, [], file);
  });

  test('the seven pages of one sweep hold 778 distinct ASINs, the last one none', () => {
    const pages = of('deals/2025-09-14');
    assert.deepEqual(
      pages.map((page) => page.items),
      [150, 150, 150, 150, 150, 28, 0],
    );
    const asins = new Set(pages.flatMap((page) => page.rows.map((row) => row.asin)));
    assert.equal(asins.size, 778);
  });

  test('stored as one sweep, the seven pages make 778 rows and a complete sweep', async () => {
    await using store = await TestStore.open();
    const { number } = await store.writer.beginSweep(books, { atMs: startMs, plannedMs: 1 });
    const pages = of('deals/2025-09-14');
    for (const [page, { rows }] of pages.entries()) {
      const isLast = page === pages.length - 1;
      const ends = isLast ? ({ ends: 'complete' } as const) : {};
      const sweep = { number, page, ...ends };
      await store.writer.storePage(pageOf(passing(...rows), { sweep }));
    }
    const sweep = await store.reader.lastSweep(books);
    assert.deepEqual([sweep?.rows, sweep?.outcome, sweep?.nextPage], [778, 'complete', 7]);
    assert.equal((await store.reader.countByState()).total, 778);
  });

  test('rows of 34 and of 36 figures carry the prices and averages of the raw row', () => {
    const lengths = new Set<number>();
    for (const survey of of('deals/')) {
      const raw: readonly RawRow[] = rawJson(survey.file).deals.dr;
      const type = survey.file.includes('_amazon_de_') ? 0 : 2;
      const known = (figure: number | undefined) =>
        figure === undefined || figure < 1 ? undefined : figure;
      survey.rows.forEach((row, position) => {
        const rawRow = raw[position];
        assert.ok(rawRow);
        lengths.add(rawRow.current.length);
        assert.equal(row.asin, rawRow.asin);
        assert.equal(row.priceCents, known(rawRow.current[type]));
        assert.equal(row.rank, known(rawRow.current[3]));
        assert.equal(row.averageCents.quarter, known(rawRow.avg[3]?.[type]));
        assert.equal(row.averageCents.day, known(rawRow.avg[0]?.[type]));
        assert.equal(row.createdAtMs, (rawRow.creationDate + 21_564_000) * 60_000);
      });
    }
    assert.deepEqual([...lengths].sort(), [34, 36]);
  });

  test('an unknown category, rounded by a JavaScript parser, is absent in 2026', () => {
    const { rows } = surveyOf('deals/2026-05-30_amazon_de_page0.json');
    assert.ok(rows.every((row) => Number.isSafeInteger(row.rootCategory ?? 0)));
    assert.equal(rows.filter((row) => row.imageName === undefined).length, 2);
  });

  test('each series has the length and the last point of the raw csv', () => {
    const named: Record<number, string> = {
      0: 'amazon',
      1: 'priceNew',
      2: 'priceUsed',
      3: 'rank',
      11: 'countNew',
      12: 'countUsed',
    };
    const strides: Record<number, number> = { 7: 3, 18: 3, 19: 3, 20: 3, 21: 3, 22: 3, 32: 3 };
    const csvLengths = new Set<number>();
    for (const survey of of('products/')) {
      const [product] = survey.products;
      const raw = rawProductOf(survey.file);
      assert.equal(product?.asin, raw.asin);
      csvLengths.add(raw.csv.length);
      const series = new Map<string, Series>(Object.entries(product?.history ?? {}));
      for (const [index, points] of raw.csv.entries()) {
        const isUnread = [4, 13, 14, 15, 16, 17, 30, 31, 34, 35].includes(index);
        if (isUnread || (index >= 23 && index <= 29)) continue;
        const name = named[index];
        const decoded: Series | undefined = name
          ? series.get(name)
          : product?.history?.other.get(index);
        if (points === null) {
          assert.equal(decoded, undefined);
          continue;
        }
        const stride = strides[index] ?? 2;
        const place = `${raw.asin} csv[${index}]`;
        assert.equal(points.length % stride, 0, place);
        assert.equal(decoded?.minutes.length, points.length / stride, place);
        const last = points.slice(-stride);
        assert.equal(decoded?.minutes.at(-1), (last[0] ?? 0) + 21_564_000, place);
        const price = last[1] ?? -1;
        const expected = price < 0 ? Number.NaN : price + (stride === 3 ? (last[2] ?? 0) : 0);
        assert.equal(decoded?.values.at(-1), expected, place);
      }
    }
    assert.deepEqual([...csvLengths].sort(), [34, 36]);
  });

  test('offers are all there, and live where the order says so', () => {
    for (const survey of of('products/')) {
      const raw = rawProductOf(survey.file);
      const offers = survey.products[0]?.offers;
      assert.equal(offers?.length, raw.offers?.length);
      const live = offers?.flatMap((offer, position) => (offer.isLive ? [position] : []));
      const order = raw.liveOffersOrder;
      assert.deepEqual(live, order ? [...new Set(order)].sort((a, b) => a - b) : undefined);
    }
  });

  test('each recorded error has the outcome it should', () => {
    const outcomeOf = (file: string): string | undefined => surveyOf(`errors/${file}`).notes[0];
    assert.equal(
      outcomeOf('200_product_offers_below_20.json'),
      'malformed: invalidParameter: Either no or a minimum of 20 offers must be requested.',
    );
    assert.match(
      outcomeOf('400_deal_queryJSON_invalid_dateRange.json') ?? '',
      /^permanent \(bad-request\): HTTP 400: .* \(dateRange\)$/,
    );
    assert.match(
      outcomeOf('400_deal_queryJSON_missing_or_invalid.json') ?? '',
      /^permanent \(bad-request\): HTTP 400: .*missing or invalid\.$/,
    );
    assert.match(outcomeOf('400_invalid_key.json') ?? '', /^permanent \(invalid-key\)/);
    assert.equal(outcomeOf('429_deal_out_of_tokens.json'), 'refused');
    const refused = surveyOf('errors/429_deal_out_of_tokens.json').outcomes[0];
    assert.equal(refused?.kind === 'refused' && refused.envelope?.balance, -249);
    const unknownKey = surveyOf('errors/400_invalid_key.json').outcomes[0];
    assert.equal(unknownKey?.kind === 'permanent' && unknownKey.envelope, undefined);
  });

  test('all envelopes are read, and those of one tick agree on the next refill', () => {
    const { items, outcomes } = surveyOf('envelopes.jsonl');
    assert.equal(items, 516);
    let pairs = 0;
    let agreeing = 0;
    outcomes.forEach((outcome, index) => {
      const before = outcomes[index - 1];
      const [a, b] = [before, outcome].map((one) =>
        one && 'envelope' in one ? one.envelope : undefined,
      );
      // Within one tick: the first one's refill had not come when the second was taken.
      if (!a || !b || b.asOfMs >= a.nextRefillAtMs || b.asOfMs < a.asOfMs) return;
      pairs += 1;
      if (Math.abs(a.nextRefillAtMs - b.nextRefillAtMs) <= 1) agreeing += 1;
    });
    assert.ok(pairs > 100, `${pairs} pairs`);
    assert.ok(agreeing / pairs > 0.95, `${agreeing} of ${pairs}`);
  });

  test('there is nothing in the folder that is not looked at', () => {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);
    assert.equal(surveys.length, files.length - 1, 'all but README.md');
  });
});

function rawProductOf(file: string): RawProduct {
  const body = rawJson(file);
  return body.products ? body.products[0] : body;
}
