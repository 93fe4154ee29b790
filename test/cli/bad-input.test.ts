/**
 * Goal: whatever is wrong, the real command ends with the right code, one clear line on standard
 * error, nothing on standard output, no stack and no key. Method: the command as a child process.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Ended, Place } from './run-cli.ts';

const key = 'k3y0123456789k3y0123456789k3y0123456789';
const goodFeed = '[[feeds]]\nname = "books"\ndomain = "com"\nselection = { priceTypes = [2] }\n';

let place: Place;
let takenPort: number;
const taken = createServer();
before(async () => {
  place = new Place();
  place.write('good.toml', goodFeed);
  place.write('a-file', 'x');
  await new Promise<void>((resolve) => void taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  assert.ok(typeof address === 'object' && address !== null);
  takenPort = address.port;
});
after(async () => {
  await place.remove();
  taken.close();
});

function assertOneLine({ code, stdout, stderr }: Ended, expected: number, line: RegExp): void {
  assert.equal(code, expected, stderr);
  assert.equal(stdout, '');
  assert.equal(stderr.split('\n').length, 2, stderr);
  assert.match(stderr, /^keepa-deals: /);
  assert.match(stderr, line);
  assert.doesNotMatch(stderr, /\n\s+at |node:internal|\.ts:\d/);
  assert.ok(!stderr.includes(key));
}

const withKey = { KEEPA_API_KEY: key };

describe('usage: 2', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['strat'], /unknown command 'strat' \(Did you mean start\?\)/],
    [['status', '--jsn'], /unknown option '--jsn' \(Did you mean --json\?\)/],
    [['start', 'now'], /too many arguments/],
    [['start', `--key=${key}`], /unknown option/],
    [['simulate', '--port', '70000'], /whole number from 0 to 65535/],
    [['demo', '--rate', '1.5'], /whole number from 1 to 10000/],
    [['deals', '--state', 'acepted'], /did you mean accepted\?/],
    [['deals', '--format', 'xml'], /Allowed choices are table, json, ndjson, csv/],
    [['deals', '--min-profit', '12.50'], /whole number of cents, as 1250 for 12\.50/],
    [['deals', '--min-percent-down', '101'], /per cents from 0 to 100/],
    [['deals', '--max-age', '2'], /a span like 90s, 30m, 2h or 3d/],
    [['deals', '--sort', 'best'], /Allowed choices are newest, profit/],
    [['deals', 'rejudg'], /too many arguments/],
    [['deals', 'rejudge', '--yes'], /unknown option '--yes'/],
    [['why'], /missing required argument 'product'/],
    [['why', key], /is no ASIN/],
    [['tokens', '--hours', '0'], /whole number from 1 to 10000/],
    [['status', '--watch'], /standard output is no terminal/],
  ];
  for (const [args, line] of cases) {
    test(args.join(' ').replace(key, '...'), async () => {
      assertOneLine(await place.run(args, withKey), 2, line);
    });
  }

  test('without a command the help is talk, not data', async () => {
    const { code, stdout, stderr } = await place.run([]);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /Usage: keepa-deals/);
  });
});

describe('bad configuration: 78', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['an unknown key', `swep = 1\n${goodFeed}`, /bad\.toml: swep: unknown key; known: data_dir/],
    ['no feed', '', /bad\.toml: feeds: there is none.*add a \[\[feeds\]\] table/],
    [
      'a query file that is missing',
      '[[feeds]]\nname = "a"\nselection_file = "none.json"',
      /none\.json cannot be read: no such file/,
    ],
    [
      'a query file that is no JSON',
      '[[feeds]]\nname = "a"\nselection_file = "a-file"',
      /a-file is not a JSON object/,
    ],
    [
      'an impossible value in a query',
      goodFeed.replace('priceTypes', 'dateRange = 7, priceTypes'),
      /bad\.toml: feeds\[0\] "books": selection: .*dateRange/,
    ],
    ['an unknown domain', goodFeed.replace('"com"', '"cn"'), /domain.*"cn"/],
    ['a Redis that is none', `redis_url = "http://:s3cr3t@x"\n${goodFeed}`, /redis_url: must be/],
    ['a database by name', `redis_url = "redis://:s3cr3t@x/a"\n${goodFeed}`, /redis_url: names/],
    [
      'an address for everybody',
      `http = "0.0.0.0:1"\n${goodFeed}`,
      /only this machine may ask without a token/,
    ],
    ['a data directory that is a file', `data_dir = "a-file"\n${goodFeed}`, /a-file: cannot be/],
    ['one below a file', `data_dir = "a-file/x"\n${goodFeed}`, /a-file\/x: cannot be/],
  ];
  for (const [name, toml, line] of cases) {
    test(`start with ${name}`, async () => {
      place.write('bad.toml', toml);
      const ended = await place.run(['start', '--config', 'bad.toml'], withKey);
      assertOneLine(ended, 78, line);
      assert.doesNotMatch(ended.stderr, /s3cr3t/);
    });
  }

  test('start without a key names the three ways', async () => {
    const ended = await place.run(['start', '--config', 'good.toml']);
    assertOneLine(ended, 78, /KEEPA_API_KEY, or keepa\.key_file, or the systemd credential/);
  });

  test('several mistakes are several lines, all at once', async () => {
    place.write('bad.toml', 'a_b_c = 1\n[log]\nlevel = "x"\n');
    const { code, stderr } = await place.run(['start', '--config', 'bad.toml'], withKey);
    assert.equal(code, 78);
    assert.equal(stderr.trim().split('\n').length, 2);
  });

  test('a reading command minds the configuration too', async () => {
    place.write('bad.toml', 'x = 1');
    const commands = [
      ['status'],
      ['deals'],
      ['deals', 'rejudge'],
      ['deals', 'confirm-held'],
      ['tokens'],
      ['why', 'B000000001'],
    ];
    for (const command of commands) {
      assertOneLine(await place.run([...command, '--config', 'bad.toml']), 78, /x: unknown key/);
    }
  });

  const skip = process.getuid?.() === 0 ? 'root may write anywhere' : false;
  test('start on a directory that may not be written', { skip }, async () => {
    mkdirSync(place.path('closed'));
    chmodSync(place.path('closed'), 0o500);
    const args = ['start', '--config', 'good.toml', '--data-dir', 'closed'];
    assertOneLine(await place.run(args, withKey), 78, /permission denied/);
  });

  test('start where nobody can make a directory ends, rather than try for ever', async () => {
    const args = ['start', '--config', 'good.toml', '--data-dir', '/proc/keepa-deals/data'];
    assertOneLine(await place.run(args, withKey), 78, /cannot be written/);
  });

  test('deals without a database', async () => {
    assertOneLine(await place.run(['deals', '--data-dir', 'none']), 78, /does not exist/);
  });

  test('start and deals on a file that is no database', async () => {
    mkdirSync(place.path('garbage'));
    place.write('garbage/deals.sqlite', 'this is not a database, it is a text. '.repeat(50));
    const start = [
      'start',
      '--config',
      'good.toml',
      '--data-dir',
      'garbage',
      '--log-level',
      'error',
    ];
    assertOneLine(await place.run(start, withKey), 78, /deals\.sqlite/);
    assertOneLine(await place.run(['deals', '--data-dir', 'garbage']), 78, /deals\.sqlite/);
  });

  test('start in a directory whose path is too long for a socket', async () => {
    const long = 'x'.repeat(120);
    const args = ['start', '--config', 'good.toml', '--data-dir', long, '--log-level', 'error'];
    assertOneLine(await place.run(args, withKey), 78, /too long for the control socket/);
  });
});

describe('what is needed is not to be had: 69', () => {
  test('simulate on a port that is taken', async () => {
    const ended = await place.run(['simulate', '--rows', '5', '--port', String(takenPort)]);
    assertOneLine(ended, 69, /127\.0\.0\.1:\d+: the port is taken; choose another with --port/);
  });

  test('start with a status port that is taken', async () => {
    const args = ['start', '--config', 'good.toml', '--data-dir', 'taken', '--log-level', 'error'];
    const ended = await place.run([...args, '--http', String(takenPort)], withKey);
    assertOneLine(ended, 69, /http 127\.0\.0\.1:\d+: the port is taken/);
  });
});
