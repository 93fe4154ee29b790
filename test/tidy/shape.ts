/** How long things may be, how files begin and what they are called. */
import type { Finding, Rule, SourceFile } from './finding.ts';
import { isSource } from './finding.ts';
import type { Token } from './tokens.ts';

const fileLinesMax = 400;
const functionLinesMax = 70;
const lineColumnsMax = 100;

export const fileLengthRule: Rule = {
  name: `files have at most ${fileLinesMax} lines`,
  check: ({ path, text }) => {
    const lines = text.trimEnd().split('\n').length;
    return lines > fileLinesMax
      ? [{ path, line: lines, says: `${lines} lines: split the file by what it knows` }]
      : [];
  },
};

export const lineLengthRule: Rule = {
  name: `lines have at most ${lineColumnsMax} characters`,
  check: ({ path, text }) =>
    text.split('\n').flatMap((line, at) => {
      const columns = [...line].length;
      return columns > lineColumnsMax
        ? [{ path, line: at + 1, says: `${columns} characters` }]
        : [];
    }),
};

export const functionLengthRule: Rule = {
  name: `functions have at most ${functionLinesMax} lines`,
  check: ({ path, code }) =>
    bodiesOf(code).flatMap(({ open, close }) => {
      const [first, last] = [code[open]?.line ?? 0, code[close]?.line ?? 0];
      const lines = last - first + 1;
      if (lines <= functionLinesMax || isSuite(code.slice(open, close))) return [];
      return [{ path, line: first, says: `a function of ${lines} lines: give its parts names` }];
    }),
};

interface Body {
  /** Positions of its braces. */
  readonly open: number;
  readonly close: number;
}

/** Words before a parenthesis that make the block behind it a statement's, not a function's. */
const statements = new Set(['if', 'for', 'while', 'switch', 'catch', 'await', 'with']);

/** Function bodies: a block behind `=>`, or behind a parameter list with or without its type. */
function bodiesOf(code: readonly Token[]): Body[] {
  const closes = pairsOf(code);
  const bodies: Body[] = [];
  for (const [at, token] of code.entries()) {
    if (token.kind !== 'mark') continue;
    if (token.text === '=>' && code[at + 1]?.text === '{') addBody(at + 1);
    const close = token.text === '(' ? closes.get(at) : undefined;
    if (close === undefined || statements.has(code[at - 1]?.text ?? '')) continue;
    const open = blockBehind(code, close, closes);
    if (open !== undefined) addBody(open);
  }
  return bodies;

  function addBody(open: number): void {
    const close = closes.get(open);
    if (close !== undefined) bodies.push({ open, close });
  }
}

/** Where the block begins that belongs to the parameter list which ends at `close`, if one does. */
function blockBehind(
  code: readonly Token[],
  close: number,
  closes: ReadonlyMap<number, number>,
): number | undefined {
  const next = code[close + 1]?.text;
  if (next === '{') return close + 1;
  if (next !== ':') return undefined;
  let at = close + 2;
  for (;;) {
    const token = code[at];
    if (token === undefined || token.kind === 'text' || /^[;,)\]}=]|=>$/.test(token.text)) {
      return undefined;
    }
    // A brace behind a name or a closing bracket ends the type; any other opens an object type.
    if (token.text === '{' && endsType(code[at - 1])) return at;
    at = (closes.get(at) ?? at) + 1;
  }
}

function endsType(token: Token | undefined): boolean {
  if (token?.kind === 'word') return !/^(?:is|asserts|extends|keyof|readonly)$/.test(token.text);
  return token !== undefined && '>])}'.includes(token.text);
}

function pairsOf(code: readonly Token[]): Map<number, number> {
  const pairs = new Map<number, number>();
  const opens: number[] = [];
  for (const [at, { kind, text }] of code.entries()) {
    if (kind !== 'mark') continue;
    if (text === '(' || text === '[' || text === '{') opens.push(at);
    if (text !== ')' && text !== ']' && text !== '}') continue;
    const open = opens.pop();
    if (open !== undefined) pairs.set(open, at);
  }
  return pairs;
}

/** A function that only lists tests is as long as its list. */
function isSuite(body: readonly Token[]): boolean {
  const calls = body.filter((token, at) => token.text === 'test' && body[at + 1]?.text === '(');
  return calls.length > 1;
}

export const openingRule: Rule = {
  name: 'every file under src opens with a block comment that says what it is for',
  check: (file) => {
    const [first] = file.tokens;
    const opens = first?.kind === 'comment' && /^\/\*\*[\s*]*[^\s*/]/.test(first.text);
    return !isSource(file) || (opens && first.line === 1)
      ? []
      : [{ path: file.path, line: 1, says: 'no opening comment: what is the file for, and why?' }];
  },
};

const vagueWords = new Set(
  'manager helper util common core base service engine processor smart data info'.split(' '),
);
/** Names that would be a folder's whole content: what is inside belongs to those who use it. */
const vagueNames = new Set(['types.ts', 'interfaces.ts', 'errors.ts', 'constants.ts']);
const fileName = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test)?\.ts$/;

export const nameRule: Rule = {
  name: 'file names are kebab-case and say something',
  check: ({ path }) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const finding = (says: string): Finding[] => [{ path, line: 1, says }];
    if (!fileName.test(name)) return finding('not kebab-case');
    if (name === 'index.ts') return finding('index.ts: import the file that has it');
    if (vagueNames.has(name)) return finding(`${name} names a kind of code: name what it is for`);
    // The data directory is a term of the configuration.
    const stem = name.replace(/(?:\.test)?\.ts$/, '').replace('data-dir', 'directory');
    const words = stem.split('-');
    const vague = words.find((word) => vagueWords.has(word.replace(/s$/, '')));
    return vague === undefined ? [] : finding(`"${vague}" says nothing: name what it does`);
  },
};

const namedPath = /`((?:src|test|docs|bin|systemd)\/[^`\s]*)`/g;
/** What marks a name as a pattern for several, rather than one path. */
const placeholder = /[<>{}…]|NNNN/;

/** Every path that a document names in backticks exists; `*` stands for any part of a name. */
export function missingPaths(
  document: Pick<SourceFile, 'path' | 'text'>,
  existing: readonly string[],
): Finding[] {
  return document.text.split('\n').flatMap((text, at) =>
    [...text.matchAll(namedPath)]
      .map(([, path = '']) => path.replace(/\/$/, ''))
      .filter((path) => !placeholder.test(path) && !existing.some((each) => fits(each, path)))
      .map((path) => ({ path: document.path, line: at + 1, says: `there is no ${path}` })),
  );
}

function fits(existing: string, named: string): boolean {
  if (!named.includes('*')) return existing === named;
  const escaped = named.replace(/[.+?^$()[\]\\|]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*+/g, '.*')}$`).test(existing);
}
