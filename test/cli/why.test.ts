/**
 * `why` on a real database, as a child process: what is known, what it rests on, and every way of
 * asking for something that is not there.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  brokenAsin,
  candidateAsin,
  type Filled,
  fillJudgedStore,
  formulaTitle,
  japaneseAsin,
  rejectedAsin,
  verifiedAsin,
} from './judged-store.ts';
import { Place } from './run-cli.ts';

let place: Place;
let filled: Filled;
before(async () => {
  place = new Place();
  filled = await fillJudgedStore(place.path('deals.sqlite'));
});
after(() => place.remove());

const why = (...args: string[]) => place.run(['why', '--data-dir', '.', ...args]);
const dayMs = 86_400_000;

test('json has the row, its sales with their evidence, the past, cost and seller', async () => {
  const { code, stdout, stderr } = await why(verifiedAsin, '--json');
  assert.equal(code, 0, stderr);
  const record = JSON.parse(stdout);
  assert.equal(record.schema, 1);
  assert.deepEqual([record.asin, record.domain, record.currency], [verifiedAsin, 'com', 'USD']);
  const [deal] = record.deals;
  assert.equal(deal.state, 'accepted');
  assert.equal(deal.verifiedCents, 1200);
  const { judgement } = deal;
  assert.equal(judgement.verdict, 'accepted');
  assert.equal(judgement.avg1yCents, 4000);
  assert.equal(judgement.priceNowCents, 1200, 'at the price of the live offer');
  const ago = (days: number): string => new Date(filled.atMs - days * dayMs).toISOString();
  assert.deepEqual(
    record.sales,
    [
      [300, 3000],
      [200, 4000],
      [100, 5000],
    ].map(([days = 0, priceCents]) => {
      return { at: ago(days), condition: 'used', priceCents, rankConfirmedAt: ago(days) };
    }),
  );
  assert.equal(record.costTokens, 7);
  const kinds = record.past.map(({ kind }: { kind: string }) => kind);
  assert.deepEqual(kinds, ['bought', 'judged', 'verified']);
  const [seller] = record.sellers;
  assert.deepEqual([seller.name, seller.ratingCount], ['+Books & Co', 500]);
  assert.ok(seller.trust > 0.94 && seller.trust < 0.97);
  assert.equal(record.evidence.fault, null);
  assert.match(deal.nextLook.at, /^20\d\d-/);
});

test('the text says the same to a person, and draws it in 80 columns of plain text', async () => {
  const { code, stdout } = await why(verifiedAsin);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^0833161865 {2}Glacier Travel\nhttps:\/\/www\.amazon\.com\/dp\/0833161865\n/,
  );
  assert.match(stdout, /\naccepted\n/);
  assert.match(
    stdout,
    /live offer +12\.00 USD .* from \+Books & Co \(trust 0\.9\d of 500 ratings\)/,
  );
  assert.match(stdout, /1-year average +40\.00 USD +mean of 3 sane sales/);
  assert.match(stdout, /by today's rules and prices: accepted/);
  assert.match(stdout, /what happened, for 7 tokens in all/);
  assert.match(stdout, /looked at again +\S+ \S+ \(in \d+ d/);
  const plot = stdout.split('\n').filter((line) => /^ *[\d.]* [|+]/.test(line));
  assert.ok(plot.length > 10);
  for (const line of plot) assert.match(line, /^[\x20-\x7e]{0,80}$/);
  assert.equal(plot.join('').match(/u/g)?.length, 3, 'three sales are drawn');
});

test('what the rules say today is told apart from what the row says', async () => {
  const { stdout } = await why(rejectedAsin);
  assert.ok(stdout.startsWith(`${rejectedAsin}  ${formulaTitle}`));
  assert.match(stdout, /\nrejected: below-margin\n/);
  // 50.00 in the best month, less 25.00, 15 % and 3.00, leave a profit.
  assert.match(stdout, /by today's rules and prices: accepted \(not what the row says\)/);
});

test('the costs of the configuration are those that it is judged with', async () => {
  place.write('costly.toml', '[costs]\ninbound_shipping_cents = 3000\n');
  const { stdout } = await why(verifiedAsin, '--config', 'costly.toml', '--json');
  const { judgement } = JSON.parse(stdout).deals[0];
  assert.equal(judgement.verdict, 'rejected');
  assert.equal(judgement.reason, 'below-margin');
});

test('a row without a history says so, and is no error', async () => {
  const { code, stdout } = await why(candidateAsin);
  assert.equal(code, 0);
  assert.match(stdout, /\ncandidate\n/);
  assert.match(stdout, /no history was bought yet, so no sales are known/);
  assert.match(stdout, /nothing was decided or bought yet/);
  const { stdout: json } = await why(candidateAsin, '--json');
  const record = JSON.parse(json);
  assert.equal(record.evidence, null);
  assert.equal(record.deals[0].judgement, null);
  assert.deepEqual(record.sales, []);
});

test('evidence that cannot be read: everything else, one line, and 1', async () => {
  const { code, stdout, stderr } = await why(brokenAsin);
  assert.equal(code, 1);
  assert.match(stdout, /\naccepted\n/);
  assert.match(stdout, /it cannot be read: /);
  assert.equal(stderr.split('\n').length, 2, stderr);
  assert.match(stderr, /^keepa-deals: B000000004: the kept evidence cannot be read: /);
  const { stdout: json } = await why(brokenAsin, '--json');
  assert.equal(typeof JSON.parse(json).evidence.fault, 'string');
});

test('the address of its page does as well as the ASIN, and names the marketplace', async () => {
  const { code, stdout } = await why(
    `https://www.amazon.co.jp/x/dp/${japaneseAsin}?th=1`,
    '--json',
  );
  assert.equal(code, 0);
  const record = JSON.parse(stdout);
  assert.deepEqual([record.domain, record.currency], ['co.jp', 'JPY']);
  const text = await why(japaneseAsin);
  assert.match(text.stdout, /price +1980 JPY/);
});

describe('what is not there', () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['nonsense'], 2, /"nonsense": is no ASIN/],
    [['B00000000X'], 1, /B00000000X: never seen; only products that a feed has listed are known/],
    [[verifiedAsin, '--domain', 'de'], 1, /never seen on amazon\.de/],
    [[`https://www.amazon.de/dp/${verifiedAsin}`], 1, /never seen on amazon\.de/],
    [[verifiedAsin, '--domain', 'xx'], 2, /--domain "xx": no such marketplace/],
    [[verifiedAsin, '--verify'], 2, /--verify: .*add --refresh/],
    [[verifiedAsin, '--refresh', '--yes'], 69, /no daemon runs on this data directory/],
    [[verifiedAsin, '--refresh'], 69, /no daemon runs/],
    [[verifiedAsin, '--data-dir', 'none'], 78, /does not exist/],
    [[], 2, /missing required argument 'product'/],
  ];
  for (const [args, expected, line] of cases) {
    test(args.join(' ') || 'nothing', async () => {
      const { code, stdout, stderr } = await why(...args);
      assert.equal(code, expected, stderr);
      assert.equal(stdout, '');
      assert.equal(stderr.split('\n').length, 2, stderr);
      assert.match(stderr, line);
      assert.doesNotMatch(stderr, /\n\s+at |\.ts:\d/);
    });
  }
});
