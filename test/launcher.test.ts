/**
 * The launcher: whatever the host has and however it is called, the Node it was tested with runs
 * src/main.ts, or one clear line says what to do.
 *
 * Each test calls the real script in a copy of the tree that holds nothing but a main.ts which
 * prints what it was given.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, test } from 'node:test';

const root = join(import.meta.dirname, '..');
const made: string[] = [];

afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true });
});

const main = `
type Text = string | undefined;
type Told = {
  arguments: string[];
  main: string;
  runtime: string;
  cache: Text;
  options: string[];
  malloc: (string | null)[];
};
const told: Told = {
  arguments: process.argv.slice(2),
  main: import.meta.filename,
  runtime: process.execPath,
  cache: process.env.NODE_COMPILE_CACHE,
  options: process.execArgv,
  malloc: ['ARENA_MAX', 'MMAP_THRESHOLD_', 'TRIM_THRESHOLD_'].map(
    (name) => process.env['MALLOC_' + name] ?? null,
  ),
};
process.stdout.write(JSON.stringify(told));
`;

/** A checkout with the real launcher; with `node` as its installed runtime when asked for. */
function copyTree({ isInstalled = true, name = 'keepa deals' } = {}) {
  // The real path: the temporary directory may itself be behind a link.
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'launcher ')));
  made.push(place);
  const tree = join(place, name);
  mkdirSync(join(tree, 'bin'), { recursive: true });
  mkdirSync(join(tree, 'src'));
  copyFileSync(join(root, 'bin/keepa-deals'), join(tree, 'bin/keepa-deals'));
  writeFileSync(join(tree, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(tree, 'src/main.ts'), main);
  if (isInstalled) {
    mkdirSync(join(tree, 'node_modules/.bin'), { recursive: true });
    symlinkSync(process.execPath, join(tree, 'node_modules/.bin/node'));
  }
  return { place, tree, launcher: join(tree, 'bin/keepa-deals') };
}

/** A PATH whose `node` is a script that says `version`, and otherwise echoes its arguments. */
function systemNode(place: string, version: string): string {
  const folder = join(place, 'system');
  mkdirSync(folder);
  const script = `#!/bin/sh\nif [ "$1" = -v ]; then echo ${version}; else echo ran "$2"; fi\n`;
  writeFileSync(join(folder, 'node'), script);
  chmodSync(join(folder, 'node'), 0o755);
  return `${folder}:/usr/bin:/bin`;
}

/** Runs it with exactly `env`, as `env -i` would. */
function run(file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const { stdout, stderr, status } = spawnSync(file, args, {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', ...env },
    encoding: 'utf8',
  });
  return { stdout, stderr, status };
}

test('it runs its own main.ts on its own Node and hands every argument through', () => {
  const { tree, launcher } = copyTree();
  const args = ['deals', '--state', 'a b', '', '*', '"'];
  const { stdout, status } = run(launcher, args);
  const told = JSON.parse(stdout);
  assert.deepEqual(told.arguments, args);
  assert.equal(told.main, join(tree, 'src/main.ts'));
  assert.equal(told.runtime, realpathSync(process.execPath));
  assert.equal(status, 0);
});

test('it finds its tree through a chain of relative and absolute links', () => {
  const { place, tree, launcher } = copyTree();
  const [near, far] = [join(place, 'near'), join(place, 'far away')];
  mkdirSync(near);
  mkdirSync(far);
  symlinkSync('../keepa deals/bin/keepa-deals', join(near, 'first'));
  symlinkSync(join(near, 'first'), join(far, 'second'));
  symlinkSync('../far away/second', join(near, 'third'));
  for (const link of [join(near, 'first'), join(far, 'second'), join(near, 'third')]) {
    const { stdout, stderr } = run(link);
    assert.equal(stderr, '');
    assert.equal(JSON.parse(stdout).main, join(tree, 'src/main.ts'), link);
  }
  assert.equal(dirname(launcher), join(tree, 'bin'));
});

test('it runs through a link to its folder and by a path relative to the caller', () => {
  const { place, tree } = copyTree();
  symlinkSync(join(tree, 'bin'), join(place, 'tools'));
  const { stdout } = spawnSync('sh', ['-c', 'cd tools && ./keepa-deals'], {
    cwd: place,
    env: { PATH: '/usr/bin:/bin' },
    encoding: 'utf8',
  });
  assert.equal(JSON.parse(stdout).main, join(tree, 'src/main.ts'));
});

test('it runs in an empty environment', () => {
  const { tree, launcher } = copyTree();
  const { stdout, stderr, status } = spawnSync('/usr/bin/env', ['-i', launcher, 'status'], {
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.equal(JSON.parse(stdout).main, join(tree, 'src/main.ts'));
});

test("its own Node wins over the host's, and KEEPA_DEALS_NODE over both", () => {
  const { place, launcher } = copyTree();
  const path = systemNode(place, 'v99.0.0');
  assert.equal(JSON.parse(run(launcher, [], { PATH: path }).stdout).arguments.length, 0);
  const chosen = join(place, 'system/node');
  const { stdout } = run(launcher, ['x'], { KEEPA_DEALS_NODE: chosen });
  assert.equal(stdout, 'ran x\n');
});

test('with an old system Node only it says one clear line and exits 78', () => {
  const { place, tree, launcher } = copyTree({ isInstalled: false });
  const { stdout, stderr, status } = run(launcher, [], { PATH: systemNode(place, 'v20.1.0') });
  const advice = `run 'npm ci' in ${tree}`;
  assert.deepEqual(
    { stdout, stderr, status },
    {
      stdout: '',
      stderr: `keepa-deals: needs Node 22.19 or newer, found v20.1.0; ${advice}\n`,
      status: 78,
    },
  );
});

test('without any Node it says the same and exits 78', () => {
  const { place, launcher } = copyTree({ isInstalled: false });
  // What the script itself calls, and nothing else.
  const tools = join(place, 'tools');
  mkdirSync(tools);
  symlinkSync('/usr/bin/dirname', join(tools, 'dirname'));
  symlinkSync('/usr/bin/readlink', join(tools, 'readlink'));
  const { stderr, status } = run(launcher, [], { PATH: tools });
  assert.match(stderr, /^keepa-deals: needs Node 22\.19 or newer, found none; .*\n$/);
  assert.equal(status, 78);
});

const systemVersions: readonly (readonly [version: string, isAccepted: boolean])[] = [
  ['v18.20.4', false],
  ['v22.2.0', false],
  ['v22.9.0', false],
  ['v22.18.3', false],
  ['v22.19.0', true],
  ['v22.20.1', true],
  ['v24.21.0', true],
  ['v30.0.0', true],
  ['garbage', false],
];

for (const [version, isAccepted] of systemVersions) {
  test(`without its own Node it ${isAccepted ? 'accepts' : 'refuses'} a ${version}`, () => {
    const { place, launcher } = copyTree({ isInstalled: false });
    const { stdout, status } = run(launcher, ['x'], { PATH: systemNode(place, version) });
    assert.deepEqual([stdout, status], isAccepted ? ['ran x\n', 0] : ['', 78]);
  });
}

test('the daemon alone gets the small nursery and the frugal malloc', () => {
  const { launcher } = copyTree();
  const toldBy = (args: string[], env: NodeJS.ProcessEnv = {}): [string[], (string | null)[]] => {
    const { options, malloc } = JSON.parse(run(launcher, args, env).stdout);
    return [options, malloc];
  };
  assert.deepEqual(toldBy(['start', '--json']), [
    ['--max-semi-space-size=1'],
    ['2', '65536', '65536'],
  ]);
  const own = { MALLOC_ARENA_MAX: '5', MALLOC_TRIM_THRESHOLD_: '9' };
  assert.deepEqual(toldBy(['start'], own)[1], ['5', '65536', '9'], 'unless one says so');
  for (const args of [['status'], []]) assert.deepEqual(toldBy(args), [[], [null, null, null]]);
});

test('it keeps compiled code in the user cache, or where it is told to', () => {
  const { place, launcher } = copyTree();
  const cacheOf = (env: NodeJS.ProcessEnv): string | undefined =>
    JSON.parse(run(launcher, [], env).stdout).cache;
  const [home, cache] = [join(place, 'home'), join(place, 'cache')];
  assert.equal(cacheOf({ HOME: home }), join(home, '.cache/keepa-deals/v8'));
  assert.equal(cacheOf({ HOME: home, XDG_CACHE_HOME: cache }), join(cache, 'keepa-deals/v8'));
  assert.equal(cacheOf({}), undefined, 'not where others could plant code');
  assert.equal(cacheOf({ NODE_COMPILE_CACHE: cache }), cache);
  assert.equal(cacheOf({ HOME: home, NODE_DISABLE_COMPILE_CACHE: '1' }), undefined);
});

test('a dist left behind by packaging never shadows the sources', () => {
  const { tree, launcher } = copyTree();
  mkdirSync(join(tree, 'dist'));
  writeFileSync(join(tree, 'dist/main.js'), "process.stdout.write('compiled')");
  assert.equal(JSON.parse(run(launcher).stdout).main, join(tree, 'src/main.ts'));
  rmSync(join(tree, 'src'), { recursive: true });
  assert.equal(run(launcher).stdout, 'compiled');
});
