/**
 * `deals` on a real database, as a child process: every format, whole and right, and every filter.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bareRow, fillStore, fullRow, seenAtMs } from './filled-store.ts';
import {
  brokenAsin,
  fillJudgedStore,
  formulaTitle,
  japaneseAsin,
  rejectedAsin,
  verifiedAsin,
} from './judged-store.ts';
import { type Ended, Place } from './run-cli.ts';

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
  currency: 'USD',
  createdAt: since,
  average90Cents: 4895,
  rank: 134_714,
  priceType: 2,
  domainId: 1,
  troughCents: null,
  salesCount: null,
  offerDrops: null,
  sane: null,
  marks: [],
  verifiedAt: null,
  verifiedCents: null,
  sellerId: null,
  sellerName: null,
  sellerTrust: null,
  held: false,
};

function recordsIn({ stdout }: Ended): Record<string, unknown>[] {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line));
}

test('ndjson is one whole object a line, absent figures null', async () => {
  const ended = await deals('--state', 'all', '--format', 'ndjson');
  assert.equal(ended.code, 0, ended.stderr);
  const records = recordsIn(ended);
  assert.deepEqual(records[0], fullRecord);
  assert.deepEqual(Object.keys(records[0] ?? {}), Object.keys(fullRecord), 'stable columns');
  assert.deepEqual(Object.keys(records[1] ?? {}), Object.keys(fullRecord));
  assert.equal(records[1]?.asin, bareRow.asin);
  assert.equal(records[1]?.state, 'rejected');
  assert.equal(records[1]?.reason, 'screen:no-price');
  for (const field of ['priceNowCents', 'priceSince', 'createdAt', 'average90Cents', 'rank']) {
    assert.equal(records[1]?.[field], null, field);
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
  assert.ok(full?.includes(',"Glacier ""Travel"", a\thandbook\u001b[31m",candidate,,2097,,'));
  assert.match(bare ?? '', /^0000000002,com,used-books,Bare,rejected,screen:no-price,,,,/);
  assert.equal(end, '');
});

test('the table has no control characters of a title, and no column of unknowns', async () => {
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

test('that the filters let nothing through is told from that there is nothing', async () => {
  const { code, stderr } = await deals('--state', 'candidate', '--min-profit', '1');
  assert.equal(code, 0);
  assert.match(stderr, /^no deals: of the 1 in state candidate none passes the filters\n$/);
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

describe('judged rows', () => {
  let judged: Place;
  before(async () => {
    judged = new Place();
    await fillJudgedStore(judged.path('deals.sqlite'));
  });
  after(() => judged.remove());

  const run = (...args: string[]) => judged.run(['deals', '--data-dir', '.', ...args]);
  const asins = async (...args: string[]): Promise<unknown[]> =>
    recordsIn(await run('--format', 'ndjson', ...args)).map(({ asin }) => asin);

  test('each filter lets through what it says, bounds included', async () => {
    const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
      [
        ['--min-profit', '700'],
        [verifiedAsin, japaneseAsin],
      ],
      [['--min-profit', '701'], [verifiedAsin]],
      [['--min-profit', '-120', '--state', 'rejected'], [rejectedAsin]],
      [
        ['--min-percent-down', '50'],
        [verifiedAsin, brokenAsin],
      ],
      [['--min-percent-down', '50.1'], [verifiedAsin]],
      [
        ['--max-age', '2h'],
        [verifiedAsin, brokenAsin],
      ],
      [
        ['--max-age', '0.5d'],
        [verifiedAsin, brokenAsin, japaneseAsin],
      ],
      [['--verified'], [verifiedAsin]],
      [['--feed', 'japan'], [japaneseAsin]],
    ];
    for (const [args, expected] of cases) {
      const found = await asins(...args);
      assert.deepEqual(found.sort(), [...expected].sort(), args.join(' '));
    }
  });

  test('each order puts the best first', async () => {
    assert.deepEqual(await asins('--sort', 'profit'), [verifiedAsin, japaneseAsin, brokenAsin]);
    assert.deepEqual(await asins('--sort', 'price'), [brokenAsin, verifiedAsin, japaneseAsin]);
    const limited = await asins('--sort', 'percent-down', '--limit', '2');
    assert.deepEqual(limited, [verifiedAsin, brokenAsin]);
  });

  test('a verified row has its offer, its seller and what the figures rest on', async () => {
    const [record] = recordsIn(await run('--verified', '--format', 'ndjson'));
    assert.equal(record?.verifiedCents, 1200);
    assert.equal(record?.sellerName, '+Books & Co');
    const trust = Number(record?.sellerTrust);
    assert.ok(trust > 0.94 && trust < 0.97, String(trust));
    assert.deepEqual(record?.marks, ['mixed-price-basis']);
    assert.deepEqual([record?.salesCount, record?.offerDrops, record?.sane], [3, 3, 3]);
    assert.equal(record?.held, false);
  });

  test('a text that a spreadsheet would run is made plain; a loss stays a number', async () => {
    const { stdout } = await run('--state', 'all', '--format', 'csv');
    const doubled = formulaTitle.replaceAll('"', '""');
    assert.ok(stdout.includes(`,"'${doubled}",rejected,below-margin,2500,`), stdout);
    assert.ok(stdout.includes(",'+Books & Co,"));
    assert.ok(stdout.includes(',-120,'));
    const [record] = recordsIn(await run('--state', 'rejected', '--format', 'ndjson'));
    assert.equal(record?.title, formulaTitle, 'verbatim for programs');
  });

  test('yen have no cents, and every amount is in the money of its own marketplace', async () => {
    const { stdout } = await run('--sort', 'price');
    const lines = stdout.split('\n');
    assert.match(lines.find((line) => line.startsWith(japaneseAsin)) ?? '', / 1980 JPY /);
    assert.match(lines.find((line) => line.startsWith(verifiedAsin)) ?? '', / 10\.00 USD +12\.00 /);
  });
});
