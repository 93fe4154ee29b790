/**
 * What the code may not say, and what it says instead. Time, chance and the process come in as
 * arguments (Clock, Random, Log, configuration): otherwise no seed could replay a run.
 */
import type { Finding, Rule, SourceFile } from './finding.ts';
import type { Token } from './tokens.ts';

interface Ban {
  /** Tokens in a row, separated by a space; `.` stands for `?.` as well. */
  readonly code: string;
  readonly instead: string;
  /** The files that may say it. */
  readonly allowed: RegExp;
}

const nowhere = /^$/;
const inTests = /^test\//;
const clock = { allowed: /^(src\/runtime|test)\// } as const;
const seeded = { instead: 'draw from Random', allowed: /^src\/runtime\// } as const;
const rim = { allowed: /^(src\/cli\/|src\/main\.ts$|test\/)/ } as const;

const bans: readonly Ban[] = [
  { code: 'Date . now', instead: 'clock.now()', ...clock },
  { code: 'new Date ( )', instead: 'new Date(clock.now())', ...clock },
  { code: 'performance . now', instead: 'clock.monotonic()', ...clock },
  { code: 'performance . timeOrigin', instead: 'clock.now()', ...clock },
  { code: 'process . hrtime', instead: 'clock.monotonic()', ...clock },
  { code: 'process . uptime', instead: 'clock.monotonic()', ...clock },
  { code: 'setTimeout', instead: 'clock.after or clock.sleep', ...clock },
  { code: 'setInterval', instead: 'clock.after, once per round', ...clock },
  { code: 'AbortSignal . timeout', instead: 'an AbortController and clock.after', ...clock },
  {
    code: 'setImmediate',
    instead: 'clock.sleep; only virtual time lets real turns pass',
    allowed: /^(src\/(runtime\/|simulator\/virtual-clock\.ts$)|test\/)/,
  },
  { code: 'scheduler . wait', instead: 'clock.sleep', ...clock },
  { code: 'Math . random', ...seeded },
  { code: 'randomUUID', ...seeded, allowed: /^(src\/runtime|test)\// },
  { code: 'randomBytes', ...seeded, allowed: /^(src\/runtime|test)\// },
  { code: 'randomInt', ...seeded },
  { code: 'getRandomValues', ...seeded },
  { code: 'process . env', instead: 'take it from the configuration', ...rim },
  { code: 'process . argv', instead: 'take it as an argument', ...rim },
  { code: 'process . exit', instead: 'throw, or return', ...rim },
  { code: 'process . exitCode', instead: 'throw, or return', ...rim },
  { code: 'process . stdin', instead: 'take it as an argument', ...rim },
  { code: 'process . stdout', instead: 'return it, or use Log', ...rim },
  { code: 'process . stderr', instead: 'use Log', ...rim },
  { code: 'process . cwd', instead: 'take it as an argument', ...rim },
  { code: 'process [', instead: 'name the member', allowed: nowhere },
  { code: '= process ;', instead: 'take what it gives as an argument', ...rim },
  { code: 'console', instead: 'use Log', ...rim },
  { code: 'mock . timers', instead: 'a VirtualClock: it loses no period', allowed: nowhere },
  { code: 'as any', instead: 'narrow it', allowed: nowhere },
  { code: 'as unknown as', instead: 'narrow it', allowed: inTests },
  { code: 'export default', instead: 'a named export', allowed: nowhere },
];

const compiled = bans.map(({ code, ...ban }) => ({ ...ban, code, words: code.split(' ') }));
const byFirstWord = Map.groupBy(compiled, ({ words }) => words[0]);

export const banRule: Rule = {
  name: 'time, chance, the process and loose types come in by their own doors',
  check: (file) =>
    file.code.flatMap((token, at) => {
      if (token.kind === 'text' || token.kind === 'pattern') return [];
      return (byFirstWord.get(token.text) ?? [])
        .filter(({ words, allowed }) => !allowed.test(file.path) && follows(file.code, at, words))
        .map(({ words, instead }) => found(file, token, `${words.join('')}: ${instead}`));
    }),
};

function follows(code: readonly Token[], at: number, words: readonly string[]): boolean {
  return words.every((word, i) => {
    const token = code[at + i];
    if (token === undefined || token.kind === 'text') return false;
    return token.text === word || (word === '.' && token.text === '?.');
  });
}

/** Names that would bring in by an import what the bans keep out by their own name. */
const modules: ReadonlyMap<string, Ban> = new Map(
  [
    { code: 'node:process', instead: 'take what it gives as an argument', ...rim },
    { code: 'node:perf_hooks', instead: 'clock.monotonic()', ...clock },
    { code: 'node:console', instead: 'use Log', ...rim },
  ].map((ban) => [ban.code, ban] as const),
);

export const moduleRule: Rule = {
  name: 'modules of time and process are imported only where their calls are allowed',
  check: (file) =>
    file.code.flatMap((token) => {
      const ban = token.kind === 'text' ? modules.get(token.text) : undefined;
      if (ban === undefined || ban.allowed.test(file.path)) return [];
      return [found(file, token, `${ban.code}: ${ban.instead}`)];
    }),
};

const sqlClock =
  /'now'|\bcurrent_(?:timestamp|time|date)\b|\b(?:unixepoch|julianday|random)\(\s*\)/i;

export const sqlRule: Rule = {
  name: 'SQL reads no clock and draws no chance',
  check: (file) =>
    file.code
      .filter((token) => file.path.startsWith('src/') && token.kind === 'text')
      .filter((token) => sqlClock.test(token.text))
      .map((token) => found(file, token, 'SQL with a clock or chance of its own: bind a value')),
};

const keepaWord = /^(?:tokensLeft|refillIn|tokenFlowReduction|tokensConsumed)$/;
const mayUseKeepaWords = /^(?:src\/(?:keepa\/wire[a-z-]*\.ts$|simulator\/)|test\/)/;

export const keepaWordRule: Rule = {
  name: "Keepa's own words stay in keepa/wire*.ts and the simulator",
  check: (file) =>
    mayUseKeepaWords.test(file.path)
      ? []
      : file.code
          .filter(({ kind, text }) => kind === 'word' && keepaWord.test(text))
          .map((token) => found(file, token, `${token.text}: use our word, see keepa/call.ts`)),
};

const leftover = /\b(?:FIXME|TODO|XXX|HACK)\b|biome-ignore|@ts-(?:ignore|nocheck|expect-error)/;

export const leftoverRule: Rule = {
  name: 'no comment leaves work behind or silences a check',
  check: (file) =>
    file.tokens
      .filter(({ kind, text }) => kind === 'comment' && leftover.test(text))
      .map((token) => found(file, token, `${leftover.exec(token.text)?.[0]}: do it, or file it`)),
};

function found(file: SourceFile, token: Token, says: string): Finding {
  return { path: file.path, line: token.line, says };
}
