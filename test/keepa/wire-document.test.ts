/** Product files from disk, in the three forms in which people keep them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeProductDocument } from '../../src/keepa/wire-document.ts';
import { envelope, wireProduct } from './wire-fixtures.ts';

test('a bare product, a list of products and a whole answer decode to the same', () => {
  const bare = decodeProductDocument(JSON.stringify(wireProduct()));
  assert.equal(bare.products[0]?.asin, 'B000000001');
  for (const document of [
    { products: [wireProduct()] },
    { products: [wireProduct()], ...envelope() },
  ]) {
    assert.deepEqual(decodeProductDocument(JSON.stringify(document)), bare);
  }
  assert.deepEqual(decodeProductDocument(`\uFEFF${JSON.stringify(wireProduct())}`), bare);
});

test('offers are there when the file has the list, and only then', () => {
  const [withList, without] = [{ offers: [], offersSuccessful: true }, {}].map(
    (changes) => decodeProductDocument(JSON.stringify(wireProduct(changes))).products[0],
  );
  assert.deepEqual([withList?.offers, withList?.offersFresh], [[], true]);
  assert.deepEqual([without?.offers, without?.offersFresh], [undefined, undefined]);
});

test('a file that is no product has exactly one reason', () => {
  const error = { type: 'invalidParameter', message: 'No.' };
  const files: [string, RegExp][] = [
    ['', /^not JSON/],
    ['<html>', /^not JSON/],
    ['[]', /^not a JSON object$/],
    ['null', /^not a JSON object$/],
    ['{}', /^it holds no product$/],
    ['{"products":[]}', /^it holds no product$/],
    ['{"products":{"asin":"B000000001"},"asin":"B000000001"}', /^it holds no product$/],
    [JSON.stringify(envelope()), /^it holds no product$/],
    [JSON.stringify({ ...envelope(), error }), /^invalidParameter: No\.$/],
    [JSON.stringify(wireProduct({ csv: 5 })), /^csv: is not a list$/],
  ];
  for (const [text, why] of files) {
    const { products, faults } = decodeProductDocument(text);
    assert.equal(products.length, 0);
    assert.equal(faults.length, 1, text);
    assert.match(faults[0]?.why ?? '', why);
  }
});

test('of several products the good ones are kept beside the faults', () => {
  const { products, faults } = decodeProductDocument(
    JSON.stringify({ products: [wireProduct(), 7, wireProduct({ asin: 'B000000002' })] }),
  );
  assert.equal(products.length, 2);
  assert.equal(faults.length, 1);
});
