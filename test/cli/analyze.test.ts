/**
 * `analyze` as it is typed: a real process on real files, its output and its exit code.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const launcher = new URL('../../bin/keepa-deals', import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), 'keepa-deals-analyze-'));
after(() => rmSync(directory, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

function run(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH ?? '', HOME: directory, TZ: 'Asia/Tokyo' };
    execFile(launcher, ['analyze', ...args], { cwd: directory, env }, (error, out, said) => {
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, out, said });
    });
  });
}

function file(name: string, content: unknown): string {
  writeFileSync(
    join(directory, name),
    typeof content === 'string' ? content : JSON.stringify(content),
  );
  return name;
}

const now = '2025-09-14T12:00:00Z';

function keepaMinute(iso: string): number {
  return Date.parse(iso) / 60_000 - 21_564_000;
}

/** A csv with the given series by Keepa's index, null elsewhere. */
function csvOf(series: Readonly<Record<number, readonly number[]>>): unknown[] {
  return Array.from({ length: 36 }, (_, index) => series[index] ?? null);
}

const day = (text: string): number => keepaMinute(`${text}T00:00:00Z`);

/** Two used sales, a future point and an odd end; the price now is 700. */
const product = {
  asin: 'B000000001',
  domainId: 3,
  productType: 0,
  title: 'A title with \u001b[31mcolour',
  csv: csvOf({
    2: [day('2025-01-01'), 1500, day('2025-06-01'), 2001, day('2025-09-01'), 700, 9_999_999, 1],
    3: [
      day('2025-01-01'),
      900,
      day('2025-02-03'),
      500,
      day('2025-07-01'),
      800,
      day('2025-07-11'),
      7,
    ],
    12: [day('2025-01-01'), 5, day('2025-02-01'), 4, day('2025-07-10'), 3, day('2025-07-12')],
  }),
};

const expected = {
  schema: 1,
  asin: 'B000000001',
  domainId: 3,
  title: product.title,
  currency: 'EUR',
  now: '2025-09-14T12:00:00.000Z',
  priceType: 2,
  ruleVersion: 1,
  verdict: 'accepted',
  reason: null,
  marks: [],
  priceNowCents: 700,
  avg1yCents: 1751,
  percentDown: 2101 / 3501,
  sales1y: 2,
  listAtCents: 1751,
  troughCents: 1751,
  profitCents: null,
  trust: 1,
  offerDrops: 2,
  confirmed: 2,
  sane: 2,
  salesCount: 2,
  sales: [
    {
      at: '2025-02-01T00:00:00.000Z',
      condition: 'used',
      priceCents: 1500,
      rankConfirmedAt: '2025-02-03T00:00:00.000Z',
    },
    {
      at: '2025-07-10T00:00:00.000Z',
      condition: 'used',
      priceCents: 2001,
      rankConfirmedAt: '2025-07-11T00:00:00.000Z',
    },
  ],
};

test('one product is printed as one object with the verdict and its evidence', async () => {
  for (const content of [{ products: [product] }, product]) {
    const { code, out, said } = await run(file('one.json', content), '--now', now, '--json');
    assert.deepEqual([code, said], [0, '']);
    assert.deepEqual(JSON.parse(out), expected);
  }
});

test('people get every figure and every sale, and no control character of the title', async () => {
  const { code, out } = await run(file('one.json', product), '--now', now);
  assert.equal(code, 0);
  assert.match(out, /^B000000001 {2}A title with {2}\[31mcolour$/m);
  assert.match(out, /^accepted {2}\(rule version 1, at 2025-09-14T12:00:00.000Z\)$/m);
  assert.match(out, /^price now +7\.00 EUR +60 % below the average$/m);
  assert.match(out, /^profit +-$/m);
  assert.match(out, /^2025-07-10T00:00:00.000Z +used +20\.01 EUR +2025-07-11T00:00:00.000Z$/m);
});

test('several products come as a list in one object, and --asin picks one of them', async () => {
  const other = { asin: 'B000000002', productType: 0, csv: null };
  const name = file('two.json', { products: [product, other] });
  const both = JSON.parse((await run(name, '--now', now, '--json')).out);
  assert.deepEqual(
    both.products.map((found: { asin: string; reason: string | null }) => [
      found.asin,
      found.reason,
    ]),
    [
      ['B000000001', null],
      ['B000000002', 'no-history'],
    ],
  );
  const one = await run(name, '--now', now, '--json', '--asin', 'b000000001');
  assert.deepEqual(JSON.parse(one.out), expected);
});

test('a product without history is an answer: insufficient, exit code 0, no figure', async () => {
  for (const bare of [{ asin: 'B000000002' }, { asin: 'B000000002', csv: null }]) {
    const { code, out } = await run(file('bare.json', bare), '--now', now, '--json');
    const { verdict, reason, priceNowCents, avg1yCents, trust, sales } = JSON.parse(out);
    assert.equal(code, 0);
    assert.deepEqual(
      { verdict, reason, priceNowCents, avg1yCents, trust, sales },
      {
        verdict: 'insufficient',
        reason: 'no-history',
        priceNowCents: null,
        avg1yCents: null,
        trust: null,
        sales: [],
      },
    );
  }
});

test('--now is UTC unless it names a zone, whatever the zone of the machine', async () => {
  const nowOf = async (text: string): Promise<string> =>
    JSON.parse((await run(file('one.json', product), '--now', text, '--json')).out).now;
  assert.equal(await nowOf('2025-09-14'), '2025-09-14T00:00:00.000Z');
  assert.equal(await nowOf('2025-09-14T12:00'), '2025-09-14T12:00:00.000Z');
  assert.equal(await nowOf('2025-09-14T12:00:00+0200'), '2025-09-14T10:00:00.000Z');
  assert.equal(await nowOf('2025-09-14T12:00:00.250-05:30'), '2025-09-14T17:30:00.250Z');
});

test('what cannot be judged ends with 1 and one line that names file and reason', async () => {
  const cases: [string, RegExp][] = [
    ['missing.json', /missing\.json: there is no such file/],
    ['.', /\.: it is a directory/],
    [file('broken.json', '{"products": ['), /broken\.json: not JSON/],
    [file('list.json', []), /list\.json: not a JSON object/],
    [file('empty.json', { products: [] }), /empty\.json: it holds no product/],
    [file('odd.json', { products: [{ asin: 'B000000003', csv: 'x' }] }), /odd\.json: .*csv/],
  ];
  for (const [name, reason] of cases) {
    const { code, out, said } = await run(name, '--now', now);
    assert.deepEqual([code, out], [1, ''], name);
    assert.match(said, reason);
    assert.equal(said.trimEnd().split('\n').length, 1, said);
  }
  const absent = await run(file('one.json', product), '--now', now, '--asin', 'B00000000X');
  assert.equal(absent.code, 1);
  assert.match(absent.said, /B00000000X is not in it, but B000000001;/);
});

test('a product that cannot be read is named, and the others are judged all the same', async () => {
  const name = file('mixed.json', { products: [{ asin: 'B000000003', csv: 'x' }, product] });
  const { code, out, said } = await run(name, '--now', now, '--json');
  assert.deepEqual([code, JSON.parse(out)], [1, expected]);
  assert.match(said, /^keepa-deals: mixed\.json: B000000003 cannot be read: .+\n$/);
});

test('a bad instant or price type is a usage error of one line', async () => {
  const name = file('one.json', product);
  const cases: [string[], RegExp][] = [
    [[], /--now/],
    [['--now', 'yesterday'], /--now "yesterday": is no ISO-8601 instant/],
    [['--now', '2025-02-30'], /is no ISO-8601 instant/],
    [['--now', '2025-09-14T25:00Z'], /is no ISO-8601 instant/],
    [['--now', '1757851200000'], /is no ISO-8601 instant/],
    [['--now', now, '--price-type', '3'], /--price-type "3": is no price type/],
    [['--now', now, '--price-type', 'used'], /is no price type/],
    [['--now', now, '--price-type', '99'], /is no price type/],
  ];
  for (const [args, reason] of cases) {
    const { code, out, said } = await run(name, ...args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.match(said, reason);
    assert.equal(said.trimEnd().split('\n').length, 1, said);
  }
});

test('the costs and limits of a file count only when it is named', async () => {
  const name = file('one.json', product);
  file('keepa-deals.toml', '[costs]\nreferral_percent = 15\nfba_fee_cents = 300\n');
  const found = async (...args: string[]) => {
    const { out } = await run(name, '--now', now, '--json', ...args);
    const { verdict, reason, profitCents } = JSON.parse(out);
    return [verdict, reason, profitCents];
  };
  assert.deepEqual(await found(), ['accepted', null, null]);
  // 17.51 less 15 % (2.6265), 7.00 and 3.00.
  assert.deepEqual(await found('--config', 'keepa-deals.toml'), ['accepted', null, 488]);
  file('greedy.toml', '[costs]\nreferral_percent = 15\n[acceptance]\nmin_profit_cents = 500\n');
  assert.deepEqual(await found('--config', 'greedy.toml'), [
    'insufficient',
    'unknown-profit',
    null,
  ]);
  const { code, out, said } = await run(name, '--now', now, '--config', 'none.toml');
  assert.deepEqual([code, out], [78, '']);
  assert.match(said, /none\.toml/);
});
