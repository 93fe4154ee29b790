/**
 * The environment that an installed unit gives its service, as systemd puts it together: quoted
 * and continued lines, resets, drop-ins, and files of variables, which win over the rest.
 *
 * Values may be secrets: whoever asks compares them and shows none.
 */
import { readFileSync } from 'node:fs';
import type { Unit } from './doctor-unit.ts';

interface Variable {
  readonly value: string;
  /** The unit or drop-in that says so, itself or by the file of variables that it names. */
  readonly path: string;
}

export interface UnitEnvironment {
  /** By name; what is set to nothing is left out. */
  readonly variables: ReadonlyMap<string, Variable>;
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
  let own: Assignment[] = [];
  let files: { readonly file: string; readonly path: string }[] = [];
  const look = (text: string, path: string): void => {
    for (const line of logicalLines(text)) {
      const [, kind, value = ''] = /^\s*(Environment|EnvironmentFile)\s*=(.*)$/s.exec(line) ?? [];
      const said = value.trim();
      if (kind === 'Environment') own = said === '' ? [] : [...own, ...wordsOf(said, path)];
      if (kind === 'EnvironmentFile') files = said === '' ? [] : [...files, { file: said, path }];
    }
  };
  look(unit.text, unit.path);
  for (const path of unit.dropIns) look(read(path), path);
  const fromFiles = files.flatMap(({ file, path }) => {
    // A file that may be absent begins with a minus.
    const text = read(expanded(file.replace(/^-/, '')), { isOptional: file.startsWith('-') });
    return linesOf(text, path);
  });
  const variables = new Map<string, Variable>();
  for (const { name, ...variable } of [...own, ...fromFiles]) variables.set(name, variable);
  for (const [name, { value }] of variables) if (value === '') variables.delete(name);
  return { variables, unread };
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

/** Of `Environment=`: assignments between blanks, each of them or its value perhaps in quotes. */
function wordsOf(text: string, path: string): readonly Assignment[] {
  const words = text.match(/(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\.|[^\s"'\\])+/g) ?? [];
  return words.flatMap((word) => assignment(expanded(unquoted(word)), path));
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
