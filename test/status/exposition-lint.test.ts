/** The lint of expositions finds what it is there for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lint } from './exposition-lint.ts';

const good = '# HELP keepa_deals_a_total What it is.\n# TYPE keepa_deals_a_total counter\n';

const swapped = ['loop="a",class="b"', 'class="b",loop="a"']
  .map((labels) => `keepa_deals_a_total{${labels}} 1\n`)
  .join('');

const reasons = Array.from({ length: 61 }, (_, n) => `r${n}`);
const many = reasons.map((each) => `keepa_deals_a_total{reason="${each}"} 1\n`).join('');

const cases: readonly (readonly [string, RegExp])[] = [
  ['keepa_deals_a_total 1\n', /no HELP/],
  ['# HELP keepa_deals_a_total What it is.\nkeepa_deals_a_total 1\n', /no TYPE/],
  [good.replaceAll('a_total', 'a'), /counter, no _total/],
  [good.replace('counter', 'gauge'), /gauge in _total/],
  [good.replaceAll('a_total', 'a_ms_total'), /not a base unit/],
  [good.replaceAll('keepa_deals_a', 'nodejs_a'), /: name/],
  [`${good}keepa_deals_a_total 1\nkeepa_deals_a_total 2\n`, /twice/],
  [`${good}${swapped}`, /twice/],
  [`${good}keepa_deals_a_total Nan\n`, /NaN/],
  [`${good}keepa_deals_a_total -1\n`, /below zero/],
  [`${good}keepa_deals_a_total{asin="b"} 1\n`, /label asin/],
  [`${good}keepa_deals_a_total{reason="B000000001"} 1\n`, /a product|reason is/],
  [`${good}keepa_deals_a_total{reason="any text"} 1\n`, /reason is/],
  [`${good}${many}`, /61 series/],
  [`${good}${good}`, /not understood/],
  ['keepa_deals_a_total{class=b} 1\n', /not understood/],
];

for (const [text, expected] of cases) {
  test(`it says ${expected} of ${JSON.stringify(text.slice(-60))}`, () => {
    assert.match(lint(text).join('\n'), expected);
  });
}

test('it has nothing to say of what is right', () => {
  assert.deepEqual(
    lint(`${good}keepa_deals_a_total{class="head",outcome="maybe-billed"} 1.5\n`),
    [],
  );
});
