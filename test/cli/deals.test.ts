/**
 * `deals` on a real database, as a child process: every format, whole and right.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bareRow, fillStore, fullRow, seenAtMs } from './filled-store.ts';
import { Place } from './run-cli.ts';

let place: Place;
before(async () => {
  place = new Place();
  await fillStore(place.path('deals.sqlite'));
});
after(() => place.remove());

const deals = (...args: string[]) => place.run(['deals', '--data-dir', '.', ...args]);

const seenAt = new Date(seenAtMs).toISOString();
const since = new Date(seenAtMs - 7_200_000).toISOString();
const fullRecord = {
  asin: fullRow.asin,
  domain: 'com',
  feed: 'used-books',
  title: fullRow.title,
  state: 'candidate',
  reason: null,
  currency: 'USD',
  priceNowCents: 2097,
  avg1yCents: null,
  percentDown: null,
  listAtCents: null,
  profitCents: null,
  sales1y: null,
  trust: null,
  lastSeenAt: seenAt,
  priceSince: since,
  firstSeenAt: seenAt,
  judgedAt: null,
  ruleVersion: null,
  createdAt: since,
  average90Cents: 4895,
  rank: 134_714,
  priceType: 2,
  domainId: 1,
};

test('ndjson is one whole object a line, absent figures null', async () => {
  const { code, stdout, stderr } = await deals('--state', 'all', '--format', 'ndjson');
  assert.equal(code, 0, stderr);
  const records = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(records[0], fullRecord);
  assert.deepEqual(Object.keys(records[1]), Object.keys(fullRecord));
  assert.equal(records[1].asin, bareRow.asin);
  assert.equal(records[1].state, 'rejected');
  assert.equal(records[1].reason, 'screen:no-price');
  for (const field of ['priceNowCents', 'priceSince', 'createdAt', 'average90Cents', 'rank']) {
    assert.equal(records[1][field], null, field);
  }
  assert.equal(records.length, 2);
});

test('json is one object with the same records', async () => {
  const { stdout } = await deals('--state', 'candidate', '--json');
  assert.deepEqual(JSON.parse(stdout), { schema: 1, deals: [fullRecord] });
});

test('csv has a head, doubles quotes and leaves absent cells empty', async () => {
  const { stdout } = await deals('--state', 'all', '--format', 'csv');
  const [head, full, bare, end] = stdout.split('\r\n');
  assert.equal(head, Object.keys(fullRecord).join(','));
  assert.ok(full?.includes(',"Glacier ""Travel"", a\thandbook\u001b[31m",candidate,,USD,2097,,'));
  assert.match(bare ?? '', /^0000000002,com,used-books,Bare,rejected,screen:no-price,USD,,,/);
  assert.equal(end, '');
});

test('the table has no control characters of a title, and a dash for what is unknown', async () => {
  const { stdout } = await deals('--state', 'all');
  const [head, full, bare] = stdout.split('\n');
  assert.match(head ?? '', /^asin +state +price +90 days +down +rank +seen +feed +title$/);
  assert.match(full ?? '', /20\.97 USD +48\.95 +57 % +134714 .*Glacier "Travel", a handbook /);
  assert.ok(!stdout.includes('\u001b'));
  assert.match(bare ?? '', /rejected: screen:no-price +- +- +- +- /);
});

test('by default only accepted ones are shown; that there are none is no error', async () => {
  const { code, stdout, stderr } = await deals();
  assert.equal(code, 0);
  assert.equal(stdout, '');
  assert.match(stderr, /^no deals in state accepted: there are 1 candidate, 1 rejected; see them/);
  assert.deepEqual(await deals('--format', 'ndjson'), { code: 0, stdout: '', stderr: '' });
});

test('a limit and a feed narrow the list, an unknown feed is an error', async () => {
  const one = await deals('--state', 'all', '--limit', '1', '--format', 'ndjson');
  assert.equal(one.stdout.trimEnd().split('\n').length, 1);
  const all = await deals('--state', 'all', '--feed', 'used-books', '--format', 'ndjson');
  assert.equal(all.stdout.trimEnd().split('\n').length, 2);
  const none = await deals('--feed', 'toys');
  assert.equal(none.code, 2);
  assert.match(none.stderr, /--feed "toys": no such feed in the database; known: used-books/);
});

test('a reader that closes early is no error', async () => {
  const running = place.start(['deals', '--data-dir', '.', '--state', 'all', '--format', 'ndjson']);
  running.child.stdout?.destroy();
  const { code, stderr } = await running.ended;
  assert.equal(stderr, '');
  assert.equal(code, 0);
});
