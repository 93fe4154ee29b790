import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { problemLine } from '../src/cli/problem-line.ts';
import { type ConfigSources, defaultShares, loadConfig } from '../src/config.ts';
import { ConfigError } from '../src/config-problem.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'keepa-deals-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

/** Reads `toml` as ./keepa-deals.toml; without it there is no file at all. */
function load(toml: string | undefined, sources: Partial<ConfigSources> = {}) {
  if (toml !== undefined) writeFileSync(join(cwd, 'keepa-deals.toml'), toml);
  const none = join(cwd, 'none.toml');
  return loadConfig({ flags: {}, env: { HOME: '/home/x' }, cwd, systemFile: none, ...sources });
}

/** The problems as lines, with the temporary directory taken out. */
function problemsOf(toml: string | undefined, sources: Partial<ConfigSources> = {}): string[] {
  try {
    load(toml, sources);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map((problem) => problemLine(problem).replaceAll(`${cwd}/`, ''));
  }
  return [];
}

describe('where a value comes from', () => {
  test('without any file every value has a default', () => {
    const { config, file } = load(undefined);
    assert.equal(file, undefined);
    assert.deepEqual(config, {
      keepaUrl: 'https://api.keepa.com',
      deficitFloor: 0,
      sweepIntervalMs: 300_000,
      costs: {},
      acceptance: { minProfitCents: 1 },
      retention: { ttlHours: 72, purgeDays: 30 },
      log: { level: 'info', format: 'auto' },
      dataDir: '/home/x/.local/share/keepa-deals',
      shares: defaultShares,
      standby: true,
      feeds: [],
    });
  });

  test('a flag wins over the environment, that over the file, that over the defaults', () => {
    const toml = 'data_dir = "/file"\nhttp = 1\n[keepa]\nurl = "http://file"\n';
    const env = { KEEPA_DEALS_DATA_DIR: '/env', KEEPA_DEALS_KEEPA_URL: 'http://env/' };
    const { config, file, origins } = load(toml, { env, flags: { dataDir: '/flag' } });
    assert.equal(config.dataDir, '/flag');
    assert.equal(config.keepaUrl, 'http://env');
    assert.deepEqual(config.http, { host: '127.0.0.1', port: 1 });
    assert.equal(origins.data_dir, '--data-dir');
    assert.equal(origins['keepa.url'], 'KEEPA_DEALS_KEEPA_URL');
    assert.equal(origins.http, file);
    assert.equal(origins['log.level'], 'default');
  });

  test('--config wins over $KEEPA_DEALS_CONFIG, that over ./, that over the system file', () => {
    for (const name of ['a', 'b', 'c', 'keepa-deals']) {
      writeFileSync(join(cwd, `${name}.toml`), `data_dir = "/${name}"\n`);
    }
    const env = { KEEPA_DEALS_CONFIG: 'b.toml' };
    const systemFile = join(cwd, 'c.toml');
    const found = (sources: Partial<ConfigSources>) => load(undefined, sources).config.dataDir;
    assert.equal(found({ flags: { config: 'a.toml' }, env, systemFile }), '/a');
    assert.equal(found({ env, systemFile }), '/b');
    assert.equal(found({ env: {}, systemFile }), '/keepa-deals');
    rmSync(join(cwd, 'keepa-deals.toml'));
    assert.equal(found({ env: {}, systemFile }), '/c');
  });

  test('an empty variable counts as not set', () => {
    const { config } = load('data_dir = "/file"', { env: { KEEPA_DEALS_DATA_DIR: '' } });
    assert.equal(config.dataDir, '/file');
  });

  test('a path in the file starts at the file, one from a flag where the command was given', () => {
    mkdirSync(join(cwd, 'etc'));
    const file = join(cwd, 'etc', 'x.toml');
    writeFileSync(file, 'data_dir = "data"\n[keepa]\nkey_file = "key"\n');
    const flags = { config: 'etc/x.toml' };
    const fromFile = load(undefined, { flags });
    assert.equal(fromFile.config.dataDir, join(cwd, 'etc', 'data'));
    assert.equal(fromFile.keyFile, join(cwd, 'etc', 'key'));
    const fromFlag = load(undefined, { flags: { ...flags, dataDir: 'data' } });
    assert.equal(fromFlag.config.dataDir, join(cwd, 'data'));
  });

  test("the data directory is systemd's, else XDG's, else under HOME", () => {
    const dataDir = (env: Record<string, string>) => load(undefined, { env }).config.dataDir;
    const HOME = '/home/x';
    const STATE_DIRECTORY = '/var/lib/a:/var/lib/b';
    assert.equal(dataDir({ HOME, XDG_DATA_HOME: '/xdg', STATE_DIRECTORY }), '/var/lib/a');
    assert.equal(dataDir({ HOME, XDG_DATA_HOME: '/xdg' }), '/xdg/keepa-deals');
    assert.equal(dataDir({ HOME, XDG_DATA_HOME: 'relative' }), '/home/x/.local/share/keepa-deals');
    assert.match(problemsOf(undefined, { env: {} })[0] ?? '', /^data_dir: no place for the data/);
  });

  test('a variable of ours that means nothing is warned about, with the likely name', () => {
    const env = { HOME: '/x', KEEPA_DEALS_DATADIR: '/y', KEEPA_DEALS_NODE: 'node' };
    assert.deepEqual(load(undefined, { env }).warnings.map(problemLine), [
      'KEEPA_DEALS_DATADIR: unknown variable; did you mean KEEPA_DEALS_DATA_DIR?',
    ]);
  });
});

describe('what is refused', () => {
  const mistakes: readonly (readonly [string, string])[] = [
    ['data_dr = "x"', 'data_dr: unknown key; did you mean data_dir?'],
    ['[tokens.shares]\nuspert = 4', 'tokens.shares.uspert: unknown key; did you mean upsert?'],
    ['[keepa]\nkey = "K3Y"', 'keepa.key: unknown key; known: url, key_file'],
    [
      '[tokens]\ndeficit_floor = 5',
      'tokens.deficit_floor: is 5, must be a whole number of tokens, 0 or below',
    ],
    [
      '[tokens]\ndeficit_floor = -0.5',
      'tokens.deficit_floor: is -0.5, must be a whole number of tokens, 0 or below',
    ],
    [
      '[tokens.shares]\nhead = 0',
      'tokens.shares.head: is 0, must be a whole number of per cents from 1 to 96',
    ],
    [
      '[tokens.shares]\nupsert = 50',
      'tokens.shares: add up to 105, must be 100 (interactive 5 + head 10 + upsert 50 +',
    ],
    [
      'http = "example.org"',
      'http: is "example.org", must be `off`, a port, or an address as 127.0.0.1:8080',
    ],
    ['http = 70000', 'http: is 70000, must be `off`, a port, or an address as 127.0.0.1:8080'],
    ['keepa = 3', 'keepa: is 3, must be a table'],
    ['redis_url = "http://:s3cret@x"', 'redis_url: must be a URL that starts with redis://'],
    [
      '[freshness]\nsweep_minutes = "5"',
      'freshness.sweep_minutes: is "5", must be a whole number of minutes from 1 to 10080',
    ],
    ['[costs]\ntax_percents = 8', 'costs.tax_percents: unknown key; did you mean tax_percent?'],
    [
      '[costs]\nreferral_percent = 101',
      'costs.referral_percent: is 101, must be a number of per cents from 0 to 100',
    ],
    [
      '[costs]\nprep_cents = 1.5',
      'costs.prep_cents: is 1.5, must be a whole number of cents, 0 or more',
    ],
    [
      '[acceptance]\nmin_profit_cent = 5',
      'acceptance.min_profit_cent: unknown key; did you mean min_profit_cents?',
    ],
    [
      '[acceptance]\nmin_profit_cents = 0.5',
      'acceptance.min_profit_cents: is 0.5, must be a whole number of cents',
    ],
    ['[acceptance]\nmin_trust = 50', 'acceptance.min_trust: is 50, must be a number from 0 to 1'],
    ['[retention]\nttl_hour = 3', 'retention.ttl_hour: unknown key; did you mean ttl_hours?'],
    [
      '[retention]\nttl_hours = 0',
      'retention.ttl_hours: is 0, must be a whole number of hours from 1 to 8760',
    ],
    [
      '[retention]\npurge_days = 0',
      'retention.purge_days: is 0, must be a whole number of days from 1 to 3650',
    ],
    ['[log]\nlevel = "loud"', 'log.level: is "loud", must be one of debug, info, warn, error'],
    ['feeds = 3', 'feeds: is 3, must be a list of tables: [[feeds]]'],
    ['[[feeds]]\nselection = {}', 'feeds[0].name: missing, must be a short name of a-z, 0-9 and -'],
    [
      '[[feeds]]\nname = "Used Books"\nselection = {}',
      'feeds[0].name: is "Used Books", must be a short name of a-z, 0-9 and -',
    ],
    [
      '[[feeds]]\nname = "a"',
      'feeds[0].selection: must be given, or selection_file: one of the two',
    ],
    [
      '[[feeds]]\nname = "a"\nselection = {}\nselection_file = "x"',
      'feeds[0].selection: must be given, or selection_file: one of the two',
    ],
    [
      '[[feeds]]\nname = "a"\nselection = {}\n[feeds.screen]\nmaxrank = 3',
      'feeds[0].screen.maxrank: unknown key; did you mean max_rank?',
    ],
    [
      '[[feeds]]\nname="a"\nselection={}\n[feeds.screen]\nmin_price_cents=5\nmax_price_cents=4',
      'feeds[0].screen.min_price_cents: must be at or below max_price_cents',
    ],
    [
      '[[feeds]]\nname = "a"\nselection = {}\n[[feeds]]\nname = "a"\nselection = {}',
      'feeds[1] "a": the name is taken by another feed',
    ],
    [
      '[[feeds]]\nname = "a"\nselection_file = "none.json"',
      'feeds[0] "a": none.json cannot be read: no such file',
    ],
    ['a = [[[', ':1:7: Invalid TOML document'],
  ];
  for (const [toml, line] of mistakes) {
    test(`${JSON.stringify(toml)}: one line`, () => {
      const problems = problemsOf(toml);
      const expected = `keepa-deals.toml${line.startsWith(':') ? '' : ': '}${line}`;
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.ok(problems[0]?.startsWith(expected), `${problems[0]}\ninstead of\n${expected}`);
    });
  }

  test('all mistakes of a file are told at once', () => {
    assert.equal(problemsOf('data_dr = 1\nhttp = "x"\n[tokens]\ndeficit_floor = 1').length, 3);
  });

  test('a mistake in a variable names the variable, one in a flag the flag', () => {
    const env = { HOME: '/x', KEEPA_DEALS_HTTP: 'nowhere' };
    assert.match(problemsOf('', { env })[0] ?? '', /^KEEPA_DEALS_HTTP: http: is "nowhere", must/);
    assert.match(problemsOf('', { flags: { http: 'x' } })[0] ?? '', /^--http: http: is "x", must/);
  });

  test('a file that was named has to be there', () => {
    const line = 'none.toml: cannot be read: no such file; check --config and KEEPA_DEALS_CONFIG';
    assert.deepEqual(problemsOf('', { flags: { config: 'none.toml' } }), [line]);
  });

  test('a file that is there and cannot be read is not passed over', () => {
    mkdirSync(join(cwd, 'keepa-deals.toml'));
    assert.deepEqual(problemsOf(undefined), ['keepa-deals.toml: cannot be read: is a directory']);
  });

  test('a query file that is not a JSON object is named, and its text is not quoted', () => {
    writeFileSync(join(cwd, 'query.json'), '{"key": "K3Y",\n');
    const problems = problemsOf('[[feeds]]\nname = "a"\nselection_file = "query.json"');
    assert.deepEqual(problems, [
      'keepa-deals.toml: feeds[0] "a": query.json is not a JSON object; ' +
        'export the deal query from keepa.com as JSON',
    ]);
  });

  test('no line quotes what may be a secret', () => {
    const toml = 'redis_url = "s3cret"\n[keepa]\nurl = "s3cret"\nkey_file = ""\nkey = "s3cret"';
    assert.doesNotMatch(problemsOf(toml).join('\n'), /s3cret/);
    assert.doesNotMatch(problemsOf('key = "s3cret" x').join('\n'), /s3cret/);
  });
});

describe('judging', () => {
  test('every cost, limit and time arrives under its name', () => {
    const { config, file, origins } = load(`
[costs]
inbound_shipping_cents = 120
tax_percent = 8.25
prep_cents = 50
referral_percent = 15
fba_fee_cents = 400
closing_fee_cents = 180
[acceptance]
min_profit_cents = 500
min_percent_down = 40
min_sales_1y = 6
min_trust = 0.5
[retention]
ttl_hours = 48
purge_days = 7
`);
    assert.deepEqual(config.costs, {
      inboundShippingCents: 120,
      taxPercent: 8.25,
      prepCents: 50,
      referralPercent: 15,
      fbaFeeCents: 400,
      closingFeeCents: 180,
    });
    assert.deepEqual(config.acceptance, {
      minProfitCents: 500,
      minPercentDown: 40,
      minSales1y: 6,
      minTrust: 0.5,
    });
    assert.deepEqual(config.retention, { ttlHours: 48, purgeDays: 7 });
    assert.equal(origins['costs.tax_percent'], file);
    assert.equal(origins['acceptance.min_profit_cents'], file);
    assert.equal(origins['retention.ttl_hours'], file);
  });

  test('a section that states one thing leaves the others at their defaults', () => {
    const { config, origins } = load('[acceptance]\nmin_trust = 0.4\n[retention]\npurge_days = 3');
    assert.deepEqual(config.acceptance, { minProfitCents: 1, minTrust: 0.4 });
    assert.deepEqual(config.retention, { ttlHours: 72, purgeDays: 3 });
    assert.equal(origins['acceptance.min_profit_cents'], 'default');
    assert.equal(origins['retention.ttl_hours'], 'default');
  });

  test('a loss may be accepted on purpose', () => {
    const { config } = load('[acceptance]\nmin_profit_cents = -100');
    assert.deepEqual(config.acceptance, { minProfitCents: -100 });
  });
});

describe('feeds', () => {
  const toml = `
[[feeds]]
name = "used-books"
domain = "com"
price_type = 2
selection_file = "query.json"
[feeds.screen]
min_price_cents = 100
max_price_cents = 5000
min_percent_below_average = 33.5
max_rank = 900000
min_rank_drops_30 = 1
min_rank_drops_90 = 2
min_rank_drops_365 = 3
max_average_spike = 3
min_used_offers = 4
min_new_offers = 0
[[feeds]]
name = "toys"
selection = { domainId = 3, priceTypes = [1] }
`;

  test('every rule of the screen arrives under its name', () => {
    writeFileSync(join(cwd, 'query.json'), '{"domainId": "1", "priceTypes": [2]}');
    const [books, toys] = load(toml).config.feeds;
    assert.deepEqual(books, {
      name: 'used-books',
      domain: 'com',
      priceType: 2,
      selection: { domainId: '1', priceTypes: [2] },
      selectionFrom: join(cwd, 'query.json'),
      screen: {
        minPriceCents: 100,
        maxPriceCents: 5000,
        minPercentBelowAverage: 33.5,
        maxRank: 900_000,
        minRankDrops30: 1,
        minRankDrops90: 2,
        minRankDrops365: 3,
        maxAverageSpike: 3,
        minUsedOffers: 4,
        minNewOffers: 0,
      },
    });
    assert.deepEqual(toys?.screen, {});
    assert.equal(JSON.stringify(toys?.selection), '{"domainId":3,"priceTypes":[1]}');
  });

  test('the result is frozen through and through', () => {
    writeFileSync(join(cwd, 'query.json'), '{"priceTypes": [2]}');
    const { config } = load(toml);
    const isFrozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(isFrozen));
    assert.ok(isFrozen(config));
  });
});

test('an address is a port, a host and a port, or off', () => {
  const http = (value: string) => load('', { flags: { http: value } }).config.http;
  assert.deepEqual(http('8080'), { host: '127.0.0.1', port: 8080 });
  assert.deepEqual(http(':8080'), { host: '127.0.0.1', port: 8080 });
  assert.deepEqual(http('localhost:0'), { host: 'localhost', port: 0 });
  assert.deepEqual(http('[::1]:80'), { host: '::1', port: 80 });
  assert.deepEqual(http('0.0.0.0:80'), { host: '0.0.0.0', port: 80 });
  assert.equal(http('off'), undefined);
});
