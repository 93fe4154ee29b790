/**
 * What an installed unit gives its service to work with, as systemd puts it together: quoted and
 * continued lines, resets, drop-ins, files of variables, which win over the rest, what is unset in
 * the end, and the flags of the command line.
 *
 * Values may be secrets: whoever asks compares them and shows none.
 */
import { globSync, readFileSync } from 'node:fs';
import type { Unit } from './doctor-unit.ts';

interface Variable {
  readonly value: string;
  /** The unit or drop-in that says so, itself or by the file of variables that it names. */
  readonly path: string;
}

export interface UnitEnvironment {
  /** By name; what is set to nothing is left out. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** Of `start`, with their values. */
  readonly flags: ReadonlyMap<string, Variable>;
  /** Names of variables, and flags, that are set to what is not known here. */
  readonly unknown: ReadonlySet<string>;
  /** Drop-ins and files of variables that are there and could not be read. */
  readonly unread: readonly string[];
}

/** What stands for the directories of a service of the system. */
const specifiers: Readonly<Record<string, string>> = {
  '%%': '%',
  '%S': '/var/lib',
  '%C': '/var/cache',
  '%E': '/etc',
  '%L': '/var/log',
  '%t': '/run',
};

type Assignment = Variable & { readonly name: string };

/** The settings that are read here: each a list, which an empty value begins anew. */
const settings = [
  'Environment',
  'EnvironmentFile',
  'PassEnvironment',
  'UnsetEnvironment',
  'ExecStart',
] as const;
type Setting = (typeof settings)[number];
type Said = { readonly text: string; readonly path: string };

const settingLine = new RegExp(`^\\s*(${settings.join('|')})\\s*=(.*)$`, 's');

/** Never throws: what cannot be read is named. */
export function environmentOf(unit: Unit): UnitEnvironment {
  const unread: string[] = [];
  const read = (path: string, { isOptional = false } = {}): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isMissing || !isOptional) unread.push(path);
      return '';
    }
  };
  const said = saidIn([unit, ...unit.dropIns.map((path) => ({ path, text: read(path) }))]);
  const own = said.Environment.flatMap(({ text, path }) => wordsOf(text).flatMap(assigned(path)));
  const fromFiles = said.EnvironmentFile.flatMap(({ text, path }) => {
    // A file that may be absent begins with a minus.
    const isOptional = text.startsWith('-');
    const files = filesNamed(expanded(text.replace(/^-/, '')));
    return files.flatMap((file) => linesOf(read(file, { isOptional }), path));
  });
  const variables = new Map<string, Variable>();
  for (const { name, ...variable } of [...own, ...fromFiles]) variables.set(name, variable);
  const unset = said.UnsetEnvironment.flatMap(({ text }) => wordsOf(text));
  for (const word of unset) unsetIn(variables, word);
  for (const [name, { value }] of variables) if (value === '') variables.delete(name);
  const started = flagsOf(said.ExecStart.at(-1), variables);
  const passed = said.PassEnvironment.flatMap(({ text }) => wordsOf(text));
  const handedOn = passed.filter((name) => !variables.has(name) && !unset.includes(name));
  return {
    variables,
    flags: started.known,
    unknown: new Set([...handedOn, ...started.unknown]),
    unread,
  };
}

function saidIn(texts: readonly Said[]): Readonly<Record<Setting, readonly Said[]>> {
  const said: Record<Setting, readonly Said[]> = {
    ...{ Environment: [], EnvironmentFile: [], PassEnvironment: [], UnsetEnvironment: [] },
    ExecStart: [],
  };
  for (const { text, path } of texts) {
    for (const line of logicalLines(text)) {
      const [, setting, value = ''] = settingLine.exec(line) ?? [];
      if (setting === undefined) continue;
      const before = said[setting as Setting];
      const now = value.trim();
      said[setting as Setting] = now === '' ? [] : [...before, { text: now, path }];
    }
  }
  return said;
}

/** A name, or an assignment that is unset only as it is. */
function unsetIn(variables: Map<string, Variable>, word: string): void {
  const [name = '', ...value] = word.split('=');
  const isMeant = value.length === 0 || variables.get(name)?.value === value.join('=');
  if (isMeant) variables.delete(name);
}

/** A pattern that matches nothing is a file that is missing. */
function filesNamed(path: string): readonly string[] {
  const found = /[*?[]/.test(path) ? globSync(path).sort() : [];
  return found.length === 0 ? [path] : found;
}

/** Of a command line from the word `start` on; variables in it stand for their values. */
function flagsOf(
  line: Said | undefined,
  variables: ReadonlyMap<string, Variable>,
): { readonly known: ReadonlyMap<string, Variable>; readonly unknown: readonly string[] } {
  const known = new Map<string, Variable>();
  const unknown: string[] = [];
  const words = wordsOf(line?.text ?? '').flatMap((word) => substituted(word, variables));
  const startAt = words.indexOf('start');
  const given = startAt === -1 ? [] : words.slice(startAt + 1);
  for (const [index, word] of given.entries()) {
    const [, flag, value = given[index + 1] ?? ''] = /^(--[a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (flag === undefined) continue;
    if (value.includes(unknownValue)) unknown.push(flag);
    else known.set(flag, { value, path: line?.path ?? '' });
  }
  return { known, unknown };
}

/** In place of a value that is not known here; no unit can hold it. */
const unknownValue = '\0';

/**
 * A word as the program gets it. `${NAME}` stands for its value wherever it is, `$NAME` only as a
 * word of its own, and then for as many words as the value has.
 */
function substituted(word: string, variables: ReadonlyMap<string, Variable>): readonly string[] {
  const textOf = (name = ''): string => variables.get(name)?.value ?? unknownValue;
  const whole = /^\$(\w+)$/.exec(word);
  if (whole !== null) return textOf(whole[1]).split(/\s+/);
  return [
    word.replace(/\$\$|\$\{(\w+)\}/g, (found, name?: string) =>
      found === '$$' ? '$' : textOf(name),
    ),
  ];
}

/** Without remarks, also those amid a line that a backslash continues. */
function logicalLines(text: string): readonly string[] {
  const lines: string[] = [];
  let begun = '';
  for (const line of text.split('\n')) {
    if (/^\s*[#;]/.test(line)) continue;
    if (line.endsWith('\\')) {
      begun += `${line.slice(0, -1)} `;
      continue;
    }
    lines.push(begun + line);
    begun = '';
  }
  return [...lines, begun];
}

/** Between blanks, each of them or a part of it perhaps in quotes. */
function wordsOf(text: string): readonly string[] {
  const words = text.match(/(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\.|[^\s"'\\])+/g) ?? [];
  return words.map((word) => expanded(unquoted(word)));
}

function assigned(path: string): (word: string) => readonly Assignment[] {
  return (word) => assignment(word, path);
}

/** Of a file of variables: one to a line, with no specifiers. */
function linesOf(text: string, path: string): readonly Assignment[] {
  return logicalLines(text).flatMap((line) => {
    const [found] = assignment(line, path);
    return found === undefined ? [] : { ...found, value: unquoted(found.value) };
  });
}

function assignment(text: string, path: string): readonly Assignment[] {
  const at = text.indexOf('=');
  if (at <= 0) return [];
  return [{ name: text.slice(0, at).trim(), value: text.slice(at + 1).trim(), path }];
}

function unquoted(text: string): string {
  return text.replace(
    /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|\\(.)/g,
    (_, double?: string, single?: string, escaped?: string) =>
      (double ?? single ?? escaped ?? '').replace(/\\(.)/g, '$1'),
  );
}

function expanded(text: string): string {
  return text.replace(/%[%a-zA-Z]/g, (found) => specifiers[found] ?? found);
}
