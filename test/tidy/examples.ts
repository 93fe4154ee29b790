/** Small texts that a rule must object to exactly once, and texts that no rule may mind. */
import { banRule, keepaWordRule, leftoverRule, moduleRule, sqlRule } from './bans.ts';
import type { Rule } from './finding.ts';
import { doorRule, floorRule, knownPartRule, writtenOutRule } from './floors.ts';
import {
  fileLengthRule,
  functionLengthRule,
  lineLengthRule,
  nameRule,
  openingRule,
} from './shape.ts';

interface BadExample {
  readonly rule: Rule;
  readonly path: string;
  readonly text: string;
  /** A part of the finding. */
  readonly says: string;
}

const lines = (count: number): string => 'work();\n'.repeat(count);

/** `[path, imported]` pairs that break a floor. */
const wrongFloors = [
  ['src/keepa/client.ts', '../broker/request.ts'],
  ['src/broker/request.ts', '../store/ports.ts'],
  ['src/runtime/actor.ts', '../config.ts'],
  ['src/config.ts', './runtime/log.ts'],
  ['src/config-file.ts', './runtime/log.ts'],
  ['src/store/migrations/0001-first.ts', '../../actors/feed.ts'],
  ['src/cli/start.ts', '../main.ts'],
  ['src/daemon.ts', './simulator/market.ts'],
  ['src/simulator/market.ts', '../store/ports.ts'],
  ['src/simulator/market.ts', '../coordination/embedded.ts'],
  ['src/store/deals.ts', '../../test/store/rows.ts'],
] as const;

const floorExamples = wrongFloors.flatMap(([path, imported]): BadExample[] => [
  { rule: floorRule, path, text: `import { x } from '${imported}';`, says: 'import' },
  { rule: floorRule, path, text: `import type { x } from '${imported}';`, says: 'import' },
  { rule: floorRule, path, text: `export { x } from '${imported}';`, says: 'import' },
  { rule: floorRule, path, text: `const x = await import('${imported}');`, says: 'import' },
]);

const doorExamples = [
  ['src/daemon.ts', 'better-sqlite3'],
  ['src/coordination/redis.ts', 'better-sqlite3'],
  ['src/store/leases.ts', 'ioredis'],
  ['src/status/control-server.ts', 'undici'],
  ['src/broker/token-broker.ts', 'p-queue'],
  ['src/actors/upserter.ts', 'kysely/migration'],
  ['src/cli/start.ts', 'consola'],
  ['src/cli/start.ts', 'hono'],
].map(
  ([path = '', name = '']): BadExample => ({
    rule: doorRule,
    path,
    text: `import { x } from '${name}';`,
    says: name.split('/')[0] ?? '',
  }),
);

/** Code that no file of an actor may hold. */
const banned = [
  'const atMs = Date.now();',
  'const at = new Date();',
  'const ms = performance.now();',
  'const ms = performance?.now();',
  'const ms = performance.timeOrigin;',
  'const ns = process.hrtime.bigint();',
  'const s = process.uptime();',
  'setTimeout(work, 10);',
  "import { setTimeout as sleep } from 'node:timers/promises';",
  'globalThis.setInterval(work, 10);',
  'const signal = AbortSignal.timeout(10);',
  'await scheduler.wait(10);',
  'const x = Math.random();',
  'const id = randomUUID();',
  'const id = crypto.randomUUID();',
  'const id = randomBytes(4);',
  'const id = randomInt(4);',
  'crypto.getRandomValues(bytes);',
  'const home = process.env.HOME;',
  'const name = process.argv[2];',
  'process.exit(1);',
  'process.exitCode = 1;',
  'process.stdin.read();',
  'process.stdout.write(text);',
  'process.stderr.write(text);',
  'const here = process.cwd();',
  "const env = process['env'];",
  'const { env } = process;',
  'console.log(1);',
  'const x = y as any;',
  'const x = y as unknown as string;',
  'export default class {}',
  // In a template too, where code hides between strings.
  `const line = \`at \${\`\${Date.now()}\`}\`;`,
];

const banExamples = banned.map(
  (text): BadExample => ({ rule: banRule, path: 'src/actors/upserter.ts', text, says: ': ' }),
);

const sqlExamples = [
  "const sql = `SELECT datetime('now')`;",
  'const sql = "INSERT INTO runs VALUES (CURRENT_TIMESTAMP)";',
  "const sql = 'SELECT unixepoch()';",
  'const sql = `SELECT asin FROM deals ORDER BY random()`;',
].map((text): BadExample => ({ rule: sqlRule, path: 'src/store/deals.ts', text, says: 'SQL' }));

const leftoverExamples = [
  '// TODO: later',
  '/* FIXME */',
  '// biome-ignore lint: no',
  '// @ts-expect-error no',
].map((text): BadExample => ({ rule: leftoverRule, path: 'src/a.ts', text, says: 'do it' }));

/** Every way to write a function, its body one line too long. */
const longFunctions = [
  ['function f() {', '}'],
  ['async function f(a: (x: number) => void): Promise<{ a: number }[]> {', '}'],
  ['function f(a: unknown): a is string {', '}'],
  ['function f(): { readonly a: number } {', '}'],
  ['const f = (a: number): number => {', '};'],
  ['const f = async () => {', '};'],
  ['class A { f(): void {', '} }'],
  ['class A { get f(): string | undefined {', '} }'],
  ['class A { constructor(a: string) {', '} }'],
  ['class A { #f<T>(a: T): asserts a is T & {} {', '} }'],
  ['const o = { f(a = ")") {', '} };'],
].map(
  ([open, close]): BadExample => ({
    rule: functionLengthRule,
    path: 'src/a.ts',
    text: `${open}\n${lines(69)}${close}`,
    says: '71 lines',
  }),
);

const openingExamples = [
  'export const a = 1;',
  '// A line is no block.\nexport const a = 1;',
  '/** */\nexport const a = 1;',
  '/**\n *\n */\nexport const a = 1;',
  "import { b } from './b.ts';\n/** Too late. */",
].map((text): BadExample => ({ rule: openingRule, path: 'src/a.ts', text, says: 'what is' }));

const nameExamples = [
  'src/runtime/taskManager.ts',
  'src/runtime/Clock.ts',
  'src/runtime/clock_steps.ts',
  'src/runtime/index.ts',
  'src/runtime/log-utils.ts',
  'src/store/base-store.ts',
  'src/keepa/types.ts',
  'test/store/helpers.ts',
  'test/store/data.test.ts',
].map((path): BadExample => ({ rule: nameRule, path, text: '', says: path }));

export const badExamples: readonly BadExample[] = [
  ...floorExamples,
  ...doorExamples,
  ...banExamples,
  ...sqlExamples,
  ...leftoverExamples,
  ...longFunctions,
  ...openingExamples,
  ...nameExamples,
  { rule: banRule, path: 'test/a.test.ts', text: 'Math.random();', says: 'Random' },
  { rule: banRule, path: 'test/a.test.ts', text: 'mock.timers.enable();', says: 'VirtualClock' },
  { rule: knownPartRule, path: 'src/queue/a.ts', text: '', says: 'queue has no floor' },
  { rule: knownPartRule, path: 'src/queue.ts', text: '', says: 'queue has no floor' },
  { rule: writtenOutRule, path: 'src/a.ts', text: 'await import(name);', says: 'computed' },
  {
    rule: moduleRule,
    path: 'src/status/report.ts',
    text: "import { env } from 'node:process';",
    says: 'argument',
  },
  {
    rule: keepaWordRule,
    path: 'src/broker/token-bucket.ts',
    text: 'const balance = answer.tokensLeft;',
    says: 'tokensLeft',
  },
  { rule: fileLengthRule, path: 'test/a.test.ts', text: lines(401), says: '401 lines' },
  { rule: lineLengthRule, path: 'test/a.test.ts', text: `\n${'é'.repeat(101)}`, says: ':2 101' },
];

/** Several files at once, and all that is to be found in them. */
export const badTrees: readonly {
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly says: readonly string[];
}[] = [
  {
    files: [
      { path: 'src/keepa/undici-transport.ts', text: "import { Agent } from 'undici';" },
      { path: 'src/cli/control-client.ts', text: "import { Agent } from 'undici';" },
      { path: 'src/keepa/client.ts', text: "\nimport type { Agent } from 'undici';" },
      { path: 'test/keepa/client.test.ts', text: "import { Agent } from 'undici';" },
    ],
    says: ['src/keepa/client.ts:2 imports undici, as src/keepa/undici-transport.ts already does'],
  },
  {
    files: [
      { path: 'src/coordination/redis.ts', text: "import { Redis } from 'ioredis';" },
      { path: 'src/coordination/scripts.ts', text: "import { Redis } from 'ioredis';" },
    ],
    says: [
      'src/coordination/scripts.ts:1 imports ioredis, as src/coordination/redis.ts already does',
    ],
  },
];

const head = '/** For the example. */\n';

export const fineExamples: readonly {
  readonly name: string;
  readonly path: string;
  readonly text: string;
}[] = [
  {
    name: 'banned words in comments and strings',
    path: 'src/actors/upserter.ts',
    text: `${head}// Date.now() lies.\nthrow new Error('no Date.now(), console, process.exit');`,
  },
  {
    name: 'a date made of a number, and another now',
    path: 'src/actors/upserter.ts',
    text: `${head}const at = new Date(clock.now()).toISOString(); const now = 'now';`,
  },
  {
    name: 'a quote inside a regular expression',
    path: 'src/actors/upserter.ts',
    text: `${head}const a = /['"\`/]/.test(x) ? b / c : d / e; // 'TO' DO`,
  },
  {
    name: 'imports downwards, sideways in a folder, and of packages without a door',
    path: 'src/cli/start.ts',
    text: `${head}import { a } from '../daemon.ts';\nimport { b } from './terminal.ts';
import { c } from '../simulator/market.ts';\nimport { d } from 'commander';
const e = await import('../status/report.ts');\nconst home = process.env.HOME;`,
  },
  {
    name: "the wing's doors",
    path: 'src/simulator/market.ts',
    text: `${head}import { a } from '../keepa/transport.ts';\nimport { b } from '../config.ts';
import type { c } from '../coordination/ports.ts';\nimport { d } from '../runtime/clock.ts';`,
  },
  {
    name: 'the clock itself, and an opening that begins with a name in backticks',
    path: 'src/runtime/clock.ts',
    text:
      `/**\n * \`clock\`: for the example.\n */\n` +
      `export const systemClock = { now: () => Date.now(), after: setTimeout };`,
  },
  {
    name: 'a function at the limit, a long statement, a long object and a long type',
    path: 'src/store/tables.ts',
    text: `${head}function f(): void {\n${lines(68)}}\nif (x) {\n${lines(80)}}
const y = z ? f(x) : { a: 1,\n${'b: 2,\n'.repeat(80)}};\ntype T = {\n${'c: 3;\n'.repeat(80)}};`,
  },
  {
    name: 'a long list of tests',
    path: 'test/contract/leases-contract.ts',
    text: `export function suite(make: () => void): void {\n${"test('a', make);\n".repeat(80)}}`,
  },
  {
    name: 'a vague word inside a longer one',
    path: 'src/store/database.ts',
    text: head,
  },
  { name: "the data directory's name", path: 'src/cli/data-dir.ts', text: head },
];
