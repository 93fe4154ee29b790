/** Finds what a file imports, type imports and dynamic ones included. */
import { posix } from 'node:path';
import type { SourceFile } from './finding.ts';

export interface Import {
  /** For a relative import the path from the repository's root, else the package as written. */
  readonly target: string;
  readonly isRelative: boolean;
  readonly line: number;
}

/** Every import whose name is written out; `import(x)` of a computed name is not among them. */
export function importsOf(file: SourceFile): Import[] {
  return file.code.flatMap((token, at) => {
    if (token.kind !== 'text') return [];
    const before = file.code[at - 1];
    const isFrom = before?.kind === 'word' && (before.text === 'from' || before.text === 'import');
    const isCall =
      before?.text === '(' && file.code[at - 2]?.text === 'import' && isNoMember(file, at - 2);
    return isFrom || isCall ? [importOf(file.path, token.text, token.line)] : [];
  });
}

/** The package without the path inside it: `kysely` for `kysely/migration`. */
export function packageOf(target: string): string {
  const [scope = '', name = ''] = target.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

function importOf(from: string, written: string, line: number): Import {
  const isRelative = written.startsWith('.');
  const target = isRelative ? posix.join(posix.dirname(from), written) : written;
  return { target, isRelative, line };
}

function isNoMember(file: SourceFile, at: number): boolean {
  return file.code[at - 1]?.text !== '.';
}
