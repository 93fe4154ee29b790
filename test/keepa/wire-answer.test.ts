/**
 * Outcomes: every status and every shape a response can have, and the rule behind all of them: what
 * is not an answer is never taken for "there is nothing".
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeepaCall } from '../../src/keepa/call.ts';
import type { Series } from '../../src/keepa/product.ts';
import { decodeResponse } from '../../src/keepa/wire-answer.ts';
import { decodeProductDocument } from '../../src/keepa/wire-document.ts';
import {
  dealBody,
  dealCall,
  dealRow,
  decodedEnvelope,
  envelope,
  figures,
  json,
  productCall,
  sellerCall,
  tokenCall,
  wireProduct,
} from './wire-fixtures.ts';

const calls: readonly KeepaCall[] = [tokenCall, dealCall, productCall, sellerCall];
const zeros = { refillIn: 0, refillRate: 0, tokensLeft: 0, tokensConsumed: 0 };
const error = { type: 'invalidParameter', message: 'No.', details: '' };

test('a 200 with payload and figures is answered, for every kind of call', () => {
  assert.deepEqual(decodeResponse(tokenCall, json(envelope())), {
    kind: 'answered',
    answer: null,
    envelope: decodedEnvelope,
  });
  const page = decodeResponse(dealCall, json(dealBody([dealRow()])));
  assert.equal(page.kind === 'answered' && page.answer.rows[0]?.priceType, 2);
  const batch = decodeResponse(productCall, json({ products: [wireProduct()], ...envelope() }));
  assert.equal(batch.kind === 'answered' && batch.answer.products.length, 1);
  const sellers = decodeResponse(sellerCall, json({ sellers: { A1SELLERONE: {} }, ...envelope() }));
  assert.equal(sellers.kind === 'answered' && sellers.answer.sellers.length, 1);
});

test('a 200 in which products are missing is answered, and names them', () => {
  const outcome = decodeResponse(productCall, json(envelope()));
  assert.deepEqual(outcome.kind === 'answered' && outcome.answer.missing, ['B000000001']);
});

test('a 200 with an error and no payload is malformed with the reason, never empty', () => {
  for (const call of calls) {
    assert.deepEqual(decodeResponse(call, json({ ...envelope(), error })), {
      kind: 'malformed',
      why: 'invalidParameter: No.',
      envelope: decodedEnvelope,
    });
  }
  const empty = decodeResponse(productCall, json({ products: [], ...envelope(), error }));
  assert.equal(empty.kind, 'malformed');
});

test('a page with an error beside it could pass for the last one, so it is malformed', () => {
  const outcome = decodeResponse(dealCall, json({ ...dealBody([dealRow()]), error }));
  assert.equal(outcome.kind, 'malformed');
});

test('products and sellers that came in spite of an error are kept', () => {
  const batch = { products: [wireProduct()], ...envelope(), error };
  assert.equal(decodeResponse(productCall, json(batch)).kind, 'answered');
  const sellers = { sellers: { A1SELLERONE: {} }, ...envelope(), error };
  assert.equal(decodeResponse(sellerCall, json(sellers)).kind, 'answered');
});

test('a 200 that cannot be read, or has no figures that count, is malformed', () => {
  const response = json({});
  const cases: [string, RegExp][] = [
    ['', /not JSON$/],
    ['<html></html>', /not JSON$/],
    ['{"deals":{"dr":[', /not JSON$/],
    ['null', /not a JSON object$/],
    ['[]', /not a JSON object$/],
    [JSON.stringify(envelope()), /^deals\.dr: no list of rows/],
    [JSON.stringify({ deals: { dr: [] } }), /^no token figures/],
    [JSON.stringify({ deals: { dr: [] }, ...envelope(zeros) }), /^no token figures/],
  ];
  for (const [body, why] of cases) {
    const outcome = decodeResponse(dealCall, { ...response, body });
    assert.equal(outcome.kind, 'malformed', body);
    assert.match(outcome.kind === 'malformed' ? outcome.why : '', why);
  }
});

test('429 is refused: a bare envelope, no error, and a debt is told', () => {
  const refused = decodeResponse(dealCall, json(envelope({ tokensLeft: -249 }), 429));
  assert.equal(refused.kind === 'refused' && refused.envelope?.balance, -249);
  const bare = decodeResponse(dealCall, { status: 429, contentType: '', body: '' });
  assert.deepEqual(bare, { kind: 'refused', envelope: undefined });
});

test('each of the permanent statuses has its reason', () => {
  const expected = {
    400: 'bad-request',
    401: 'invalid-key',
    402: 'payment-required',
    403: 'invalid-key',
    404: 'not-found',
    405: 'out-of-range',
  };
  for (const [status, reason] of Object.entries(expected)) {
    const outcome = decodeResponse(dealCall, json({ ...envelope(), error }, Number(status)));
    assert.deepEqual(outcome, {
      kind: 'permanent',
      reason,
      status: Number(status),
      why: `HTTP ${status}: invalidParameter: No.`,
      envelope: decodedEnvelope,
    });
  }
});

test('a 400 whose figures are all 0 is an invalid key, and its zeros are no balance', () => {
  const outcome = decodeResponse(dealCall, json({ ...envelope(zeros), error }, 400));
  assert.equal(outcome.kind === 'permanent' && outcome.reason, 'invalid-key');
  assert.equal(outcome.kind === 'permanent' && outcome.envelope, undefined);
});

test('plain text and HTML are told by what they are', () => {
  const why = (response: { status: number; contentType: string; body: string }): string => {
    const outcome = decodeResponse(dealCall, response);
    return 'why' in outcome ? (outcome.why ?? '') : '';
  };
  const plain = { status: 404, contentType: 'text/plain', body: '404 Not Found' };
  assert.equal(why(plain), 'HTTP 404: 404 Not Found');
  const html = { status: 500, contentType: 'text/html', body: '<h1>Oops</h1>' };
  assert.equal(why(html), 'HTTP 500: 13 characters of text/html');
  assert.equal(
    why({ status: 502, contentType: '', body: '' }),
    'HTTP 502: 0 characters of no declared type',
  );
});

test('5xx, and a status Keepa does not have, are unavailable', () => {
  for (const status of [500, 502, 503, 504, 301, 204, 418]) {
    const outcome = decodeResponse(tokenCall, { status, contentType: 'text/html', body: '<p>' });
    assert.equal(outcome.kind, 'unavailable');
    assert.equal(outcome.kind === 'unavailable' && outcome.status, status);
  }
});

test('an error text of any length and content is one short line', () => {
  const message = `line one\nline two \u001b[31m${'x'.repeat(100_000)}`;
  const outcome = decodeResponse(dealCall, json({ ...envelope(), error: { message } }, 400));
  const why = outcome.kind === 'permanent' ? outcome.why : '';
  assert.ok(why.length < 250);
  assert.doesNotMatch(why, /\p{C}/u);
});

test('property: decoding never throws, on arbitrary text and on arbitrary JSON', () => {
  const response = fc.record({
    status: fc.constantFrom(200, 200, 200, 400, 404, 429, 500, 999),
    contentType: fc.string(),
    body: fc.oneof(fc.json(), fc.string(), deformed()),
  });
  fc.assert(
    fc.property(fc.constantFrom(...calls), response, (call, anything) => {
      const outcome = decodeResponse(call, anything);
      if (anything.status !== 200) assert.notEqual(outcome.kind, 'answered');
      decodeProductDocument(anything.body);
    }),
    { numRuns: 2000 },
  );
});

/** Bodies of the right outline with anything at all in one place. */
function deformed(): fc.Arbitrary<string> {
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.double(), fc.integer());
  const fields = [...Object.keys(dealRow()), ...Object.keys(wireProduct()), 'offers', 'stats'];
  return fc
    .record({ field: fc.constantFrom(...fields), value: anything, index: fc.nat(36) })
    .map(({ field, value, index }) => {
      const changes = { [field]: value };
      const body = {
        deals: { dr: [dealRow(changes), dealRow({ current: figures({ [index]: value }) }), value] },
        products: [wireProduct(changes), wireProduct({ csv: figures({ [index]: value }) }), value],
        sellers: { A1SELLERONE: { currentRating: value, csv: [value, value] } },
        ...envelope(),
      };
      return JSON.stringify(body);
    });
}

test('property: rows and faults add up to the rows on the wire', () => {
  const rows = fc.array(fc.oneof(fc.constant(dealRow()), fc.jsonValue({ maxDepth: 1 })));
  fc.assert(
    fc.property(rows, (wireRows) => {
      const outcome = decodeResponse(dealCall, json(dealBody(wireRows)));
      assert.ok(outcome.kind === 'answered');
      const { rows: read, faults, wireRows: count } = outcome.answer;
      assert.equal(read.length + faults.length, count);
      assert.equal(count, wireRows.length);
    }),
  );
});

/** A figure as Keepa may send it, half of the time one of its ways of saying "none". */
const figureOrNone = fc.oneof(fc.constantFrom(-1, -2, null), fc.integer({ min: 1, max: 1e6 }));

test('property: in a row no absent figure becomes a number, and no number is lost', () => {
  const list = fc.array(figureOrNone, { minLength: 34, maxLength: 36 });
  fc.assert(
    fc.property(list, fc.constantFrom(0, 1, 2, 5, 18, 32, 33), (current, priceType) => {
      const call = { ...dealCall, query: { ...dealCall.query, priceType } };
      const outcome = decodeResponse(call, json(dealBody([dealRow({ current })])));
      const row = outcome.kind === 'answered' ? outcome.answer.rows[0] : undefined;
      assert.ok(row);
      const expected = (index: number) => {
        const figure = current[index] ?? -1;
        return figure < 0 ? undefined : figure;
      };
      assert.equal(row.priceCents, expected(priceType));
      assert.equal(row.amazonCents, expected(0));
      assert.equal(row.newCents, expected(1));
      assert.equal(row.usedCents, expected(2));
      assert.equal(row.rank, expected(3));
      assert.equal(row.newOffers, expected(11));
      assert.equal(row.usedOffers, expected(12));
    }),
  );
});

test('property: in a series no absent value becomes a number, whatever its stride', () => {
  const values = fc.array(fc.tuple(figureOrNone, figureOrNone), { maxLength: 40 });
  fc.assert(
    fc.property(values, (points) => {
      const pairs = points.flatMap(([value], minute) => [minute, value]);
      const triplets = points.flatMap(([value, shipping], minute) => [minute, value, shipping]);
      const csv = figures({ 2: pairs, 21: triplets }).map((entry) => (entry === -1 ? null : entry));
      const outcome = decodeResponse(
        productCall,
        json({ products: [wireProduct({ csv })], ...envelope() }),
      );
      const history = outcome.kind === 'answered' && outcome.answer.products[0]?.history;
      assert.ok(history);
      const isNone = (figure: number | null | undefined) => (figure ?? -1) < 0;
      const check = (series: Series | undefined, expected: number[]) =>
        assert.deepEqual([...(series?.values ?? [])], expected);
      check(
        history.priceUsed,
        points.map(([value]) => (isNone(value) ? Number.NaN : Number(value))),
      );
      check(
        history.other.get(21),
        points.map(([value, shipping]) =>
          isNone(value) || isNone(shipping) ? Number.NaN : Number(value) + Number(shipping),
        ),
      );
    }),
  );
});
