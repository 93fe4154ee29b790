import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { feedSection, withSection } from '../../src/cli/feed-section.ts';
import { resolveFeeds } from '../../src/cli/feeds.ts';
import { FileChangedError, replaceFile } from '../../src/cli/replace-file.ts';
import { loadConfig } from '../../src/config.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import { Place } from './run-cli.ts';

const exported = {
  page: 2,
  domainId: '3',
  priceTypes: [2],
  sortType: 4,
  dateRange: '4',
  isRangeEnabled: true,
  currentRange: [2_000, 30_100],
  titleSearch: 'a "quoted" title',
  excludeCategories: [],
};
const recorded = join(import.meta.dirname, '../../../shared/samples/keepa_query.json');

let place: Place;
const places: Place[] = [];
beforeEach(() => {
  place = new Place();
  places.push(place);
  place.write('keepa_query.json', JSON.stringify(exported));
});
after(() => Promise.all(places.map((made) => made.remove())));

/** What a start would make of the file. */
function feedsIn(file: string) {
  const { config } = loadConfig({ flags: { config: file }, env: { HOME: '/' }, cwd: '/' });
  return resolveFeeds(config, file).feeds;
}

test('what is printed is a section that starts, and surprises are said beside it', async () => {
  const { code, stdout, stderr } = await place.run(['import-query', 'keepa_query.json']);
  assert.equal(code, 0, stderr);
  const [feed] = feedsIn(place.write('printed.toml', stdout));
  const meant = { ...exported, page: 0, domainId: 3, dateRange: 3 };
  assert.deepEqual(feed?.name, 'keepa-query');
  assert.deepEqual(feed?.query, parseDealQuery(meant));
  const lines = stderr.trimEnd().split('\n');
  for (const word of ['page 2', 'dateRange 4', 'domainId "3"', 'sortType 4']) {
    assert.equal(lines.filter((line) => line.includes(`: ${word}`)).length, 1, word);
  }
  for (const line of lines) assert.match(line, /^keepa-deals: warning: keepa_query\.json: /);
});

test('--write puts it at the end of the file that a link names, and there only', async () => {
  const old = '# mine\r\ndata_dir = "d"   # spaces\r\n[[feeds]]\r\nname = "a"\r\n';
  const rest = 'domain = 1\r\nselection = { priceTypes = [2] }';
  const real = place.write('real.toml', `${old}${rest}`);
  chmodSync(real, 0o640);
  symlinkSync(real, place.path('keepa-deals.toml'));
  const args = ['import-query', 'keepa_query.json', '--name', 'b', '--write', '--json'];
  const { code, stdout, stderr } = await place.run(args);
  assert.equal(code, 0, stderr);
  const text = readFileSync(real, 'utf8');
  assert.ok(text.startsWith(`${old}${rest}\r\n\r\n[[feeds]]\r\nname = "b"\r\n`), text);
  assert.equal(statSync(real).mode & 0o777, 0o640);
  assert.deepEqual(
    feedsIn(real).map(({ name }) => name),
    ['a', 'b'],
  );
  const { schema, name, written, warnings } = JSON.parse(stdout);
  assert.deepEqual([schema, name, written], [1, 'b', place.path('keepa-deals.toml')]);
  assert.ok(warnings.length >= 4);

  const again = await place.run(args);
  assert.equal(again.code, 78);
  assert.match(again.stderr, /it has a feed "b" already.*nothing was written/);
  assert.equal(readFileSync(real, 'utf8'), text);
  assert.deepEqual(
    readdirSync(place.directory).filter((entry) => entry.endsWith('.new')),
    [],
  );
});

/** The file, and the one line about it. */
const bad: Readonly<Record<string, readonly [string, RegExp]>> = {
  'no JSON': ['{"page":', /: is not JSON; give the JSON/],
  'no object': ['[1]', /: is JSON, but not an object/],
  'an empty one': ['{}', /: is empty; give the JSON/],
  'another query': [
    '{"current_SALES_gte":1,"perPage":50}',
    /nothing of a deal query \(it has curr/,
  ],
  'an unknown key': [
    '{"domainId":1,"priceTypes":[2],"sortTyp":1}',
    /sortTyp: .*did you mean sortType\?$/,
  ],
  'a wrong value': ['{"domainId":1,"priceTypes":[2,3]}', /priceTypes: \[2,3\] is not allowed/],
  'no price type': ['{"domainId":1}', /priceTypes: missing/],
};
for (const [name, [text, line]] of Object.entries(bad)) {
  test(`${name}: 78, one line, nothing printed`, async () => {
    place.write('bad.json', text);
    const { code, stdout, stderr } = await place.run(['import-query', 'bad.json', '--write']);
    assert.deepEqual([code, stdout], [78, '']);
    assert.match(stderr, /^keepa-deals: bad\.json: [^\n]*\n$/);
    assert.match(stderr.trimEnd(), line);
  });
}

test('no such file, no configuration file, no name: one line and its own code', async () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['no.json'], 78, /no\.json: cannot be read: no such file/],
    [['keepa_query.json', '--write'], 78, /--write: there is no keepa-deals\.toml here/],
    [['keepa_query.json', '--name', 'A b'], 2, /--name "A b": is no name of a feed/],
  ];
  for (const [args, expected, line] of cases) {
    const { code, stderr } = await place.run(['import-query', ...args]);
    assert.equal(code, expected, stderr);
    assert.match(stderr.split('\n').at(-2) ?? '', line);
  }
});

test('feeds as one inline list are refused, because a section below them is no TOML', () => {
  const section = feedSection('b', parseDealQuery({ domainId: 1, priceTypes: [2] }));
  const text = 'feeds = [{ name = "a" }]\n';
  assert.deepEqual(withSection(text, { name: 'b', section }), {
    refused: 'its feeds are one inline list, to which no section can be added',
  });
  assert.deepEqual(withSection('= 1', { name: 'b', section }), { refused: 'it is not TOML' });
});

test('a file that somebody changed meanwhile is left as they made it', () => {
  const path = place.write('a.toml', 'theirs');
  assert.throws(() => replaceFile(path, { before: 'ours', text: 'new' }), FileChangedError);
  assert.equal(readFileSync(path, 'utf8'), 'theirs');
  assert.deepEqual(readdirSync(place.directory).sort(), ['a.toml', 'keepa_query.json']);
});

const skip = existsSync(recorded) ? false : 'no recorded query here';
test('a query that was really exported is taken', { skip }, async () => {
  const { code, stdout, stderr } = await place.run(['import-query', recorded, '--name', 'real']);
  assert.equal(code, 0, stderr);
  assert.equal(feedsIn(place.write('real.toml', stdout)).length, 1);
});
