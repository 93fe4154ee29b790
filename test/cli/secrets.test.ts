/**
 * Goal: the API key is in nothing that any command prints, logs or writes, wherever it was read
 * from, also where the command fails or is asked for help. Method: every command there is, as a
 * process, with a planted key; its output and every file it leaves are searched.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { databasePath } from '../../src/cli/data-dir.ts';
import { fillStore, run } from './filled-store.ts';
import { type Ended, Place } from './run-cli.ts';

const key = 'p1antedk3y0123456789p1antedk3y0123456789p1antedk3y';
const feeds = `[[feeds]]
name = "used-books"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
`;

/** Where the key lies; what a command needs to find it there. */
const plantings = {
  environment: { toml: '', env: { KEEPA_API_KEY: key } },
  'a key file': { toml: '[keepa]\nkey_file = "the-key"\n', env: {} },
  'a credential': { toml: '', env: { CREDENTIALS_DIRECTORY: 'credentials' } },
} as const;

/** Every command, with arguments that have it do something. */
const commands: Readonly<Record<string, readonly string[]>> = {
  start: ['--json', '--log-level', 'debug'],
  demo: ['--json', '--seconds', '2', '--rows', '20', '--data-dir', 'demo'],
  status: ['--json'],
  pause: ['--reason', 'a test'],
  resume: [],
  tokens: ['--json'],
  plan: ['--json', '--rate', '5'],
  deals: ['--state', 'all', '--format', 'ndjson'],
  'deals rejudge': ['--json'],
  'deals confirm-held': ['--yes'],
  why: ['B000000001', '--refresh', '--yes'],
  analyze: ['keepa-deals.toml', '--now', '2026-06-01T00:00:00Z'],
  'locks list': [],
  'locks clear': ['--all', '--yes'],
  'checkpoints list': [],
  'checkpoints reset': ['used-books', '--yes'],
  doctor: ['--live', '--json'],
  'import-query': ['query.json'],
  simulate: ['--port', '0', '--key', key],
};
/** Those that go on until they are told to stop, with what they say once they work. */
const lasting: Readonly<Record<string, RegExp>> = {
  start: /"event":"listening"[\s\S]*"scope":"broker"/,
  simulate: /http:/,
};

const places = new Map<string, Place>();
before(async () => {
  for (const [name, { toml }] of Object.entries(plantings)) {
    const place = new Place();
    places.set(name, place);
    place.write('keepa-deals.toml', `data_dir = "data"\n${feeds}${toml}`);
    place.write('query.json', '{"sortType":4,"dateRange":"4"}');
    place.write('the-key', `${key}\n`);
    mkdirSync(place.path('credentials'));
    place.write('credentials/keepa-api-key', key);
    mkdirSync(place.path('data'), { mode: 0o700 });
    await fillStore(databasePath(place.path('data')), (writer) => writer.recordRun(run));
  }
});
after(async () => {
  for (const place of places.values()) await place.remove();
});

function planted(name: keyof typeof plantings): { place: Place; env: Record<string, string> } {
  const place = places.get(name);
  assert.ok(place !== undefined);
  const env: Record<string, string> = { KEEPA_DEALS_KEEPA_URL: 'http://127.0.0.1:1' };
  for (const [variable, value] of Object.entries(plantings[name].env)) {
    env[variable] = variable === 'CREDENTIALS_DIRECTORY' ? place.path(value) : value;
  }
  return { place, env };
}

async function ended(
  { place, env }: ReturnType<typeof planted>,
  args: readonly string[],
  until?: RegExp,
): Promise<Ended> {
  const running = place.start(args, env);
  if (until !== undefined) {
    await running.until(until);
    running.child.kill('SIGTERM');
  }
  return await running.ended;
}

function assertUnsaid({ stdout, stderr }: Ended): void {
  for (const text of [stdout, stderr]) assert.ok(!text.includes(key), `the key is in: ${text}`);
}

/** What was planted is there; nothing else may hold it. */
function assertUnwritten(place: Place): void {
  const meant = ['the-key', 'credentials/keepa-api-key'];
  const names = readdirSync(place.directory, { recursive: true, encoding: 'utf8' });
  for (const name of names) {
    if (meant.includes(name) || !statSync(place.path(name)).isFile()) continue;
    assert.ok(!readFileSync(place.path(name)).includes(key), `the key is in ${name}`);
  }
}

describe('the key is said by no command', { timeout: 600_000 }, () => {
  for (const name of Object.keys(plantings) as (keyof typeof plantings)[]) {
    for (const [command, args] of Object.entries(commands)) {
      test(`${command}, with it in ${name}`, async () => {
        const from = planted(name);
        const said = await ended(from, [...command.split(' '), ...args], lasting[command]);
        assert.notEqual(said.stdout + said.stderr, '');
        assert.doesNotMatch(said.stderr, /unexpected:/);
        assertUnsaid(said);
        assertUnwritten(from.place);
      });
    }
  }

  for (const command of Object.keys(commands)) {
    test(`${command}, asked for help or wrongly`, async () => {
      const inFile = planted('a key file');
      const words = command.split(' ');
      for (const [args, code] of [
        [['--help'], 0],
        [[`--api-key=${key}`], 2],
        [['--api-key', key], 2],
      ] as const) {
        const said = await ended(inFile, [...words, ...args]);
        assert.equal(said.code, code, said.stderr);
        assertUnsaid(said);
      }
    });
  }

  test('and these are all the commands', async () => {
    const { place, env } = planted('environment');
    const named = async (...words: string[]): Promise<string[]> => {
      const { stdout } = await place.run([...words, '--help'], env);
      const listed = stdout.slice(stdout.indexOf('\nCommands:')).matchAll(/^ {2}([a-z-]+)/gm);
      return stdout.includes('\nCommands:') ? [...listed].map(([, name = '']) => name) : [];
    };
    const all: string[] = [];
    for (const name of await named()) {
      const below = (await named(name)).map((one) => `${name} ${one}`);
      all.push(...below);
      if (below.length === 0 || name in commands) all.push(name);
    }
    assert.deepEqual(all.sort(), Object.keys(commands).sort());
  });
});
