/**
 * `plan` as a child process: without key, daemon or database, and with a database of its own.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bareRow, feed, fillStore, request, seenAtMs } from './filled-store.ts';
import { Place } from './run-cli.ts';

let place: Place;
before(async () => {
  place = new Place();
  await fillStore(place.path('deals.sqlite'), async (writer) => {
    const line = { ...request, atMs: Date.now(), spendClass: 'upsert', purpose: 'verify' };
    for (let at = 0; at < 6; at += 1) {
      const shape = 'product+offers20';
      await writer.recordRequest({ ...line, shape, items: 10, costTokens: 66 });
    }
  });
});
after(() => place.remove());

const plan = (...args: string[]) => place.run(['plan', ...args]);

test('prints plans side by side and two sentences, within 100 columns', async () => {
  const { code, stdout, stderr } = await plan('--data-dir', 'none', '--rows', '10000');
  assert.equal(code, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  assert.ok(
    lines.every((line) => line.length <= 100),
    stdout,
  );
  const rates = lines.slice(1, 5).map((line) => Number(line.trim().split(/\s+/)[0]));
  assert.deepEqual(rates, [5, 20, 25, 60], 'the assumed plan and the next larger ones');
  assert.match(stdout, /At 5 a minute 10000 rows are seen every .*\.\n/);
  assert.match(stdout, /Take a larger plan: 20 a minute judge [\d.]+ times as many a day/);
  assert.match(stdout, /rate: assumed \(no daemon runs\)\nassumed: 15 % of the rows are new a day/);
  assert.match(stdout, /page 5 \(documented\), history 1 \(documented\), offers 7 \(documented\)/);
});

test('takes the prices that were measured here, and says so', async () => {
  const { code, stdout, stderr } = await plan('--data-dir', '.', '--rate', '25', '--json');
  assert.equal(code, 0, stderr);
  const answer = JSON.parse(stdout);
  assert.equal(answer.schema, 1);
  assert.equal(answer.whyAssumed, null);
  assert.deepEqual(answer.prices.offers, { tokens: 6.6, isMeasured: true });
  assert.deepEqual(answer.prices.history, { tokens: 1, isMeasured: false });
  assert.equal(answer.plans.length, 1);
  assert.equal(answer.plans[0].ratePerMinute, 25);
  assert.ok(answer.plans[0].judgedPerDay > 0);
});

test('counts on buying for those rows alone that pass the screens', async () => {
  const screened = new Place();
  await fillStore(screened.path('deals.sqlite'), async (writer) => {
    const rows = Array.from({ length: 198 }, (_, index) => {
      const row = { ...bareRow, asin: String(index).padStart(10, 'B') };
      return index < 179 ? { row, rejectedFor: 'no-rank' } : { row };
    });
    await writer.storePage({ feed, rows, seenAtMs });
  });
  const answer = async (...args: string[]) =>
    (await screened.run(['plan', '--data-dir', '.', '--rate', '5', ...args])).stdout;
  const { market, marketMeasured } = JSON.parse(await answer('--json'));
  const text = await answer();
  await screened.remove();
  assert.deepEqual([market.rows, market.candidateShare], [200, 0.1]);
  assert.deepEqual(marketMeasured, ['candidateShare']);
  assert.match(text, /\nrows: 200 \(database\) in 1 feed\(s\), of which 10 % pass the screens\n/);
  assert.match(text, /\nof these 10 % \(assumed\) are verified; rate: asked\n/);
  assert.ok(text.split('\n').every((line) => line.length <= 100));
});

const refused: readonly (readonly [readonly string[], RegExp])[] = [
  [['--rate', '0'], /whole numbers from 1 to 10000/],
  [['--rate=-5'], /whole numbers from 1 to 10000/],
  [['--rate', 'five'], /whole numbers from 1 to 10000/],
  [['--rate', '5,'], /whole numbers from 1 to 10000/],
  [['--rate', '2.5'], /whole numbers from 1 to 10000/],
  [['--rows', '0'], /whole number from 1/],
  [['--rows', '10001'], /Keepa lists at most 10000 rows of a feed/],
  [['--ttl', '0'], /whole number from 1/],
];
for (const [args, line] of refused) {
  test(`refuses ${args.join(' ')} with one line and exit code 2`, async () => {
    const { code, stdout, stderr } = await plan('--data-dir', 'none', ...args);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.match(stderr, line);
  });
}
