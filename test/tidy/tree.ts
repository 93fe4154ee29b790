/** Reads the repository: the TypeScript files under src and test, and the paths there are. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceFile } from './finding.ts';
import { tokensOf } from './tokens.ts';

const root = join(import.meta.dirname, '../..');

export function sourceFile(path: string, text: string): SourceFile {
  const tokens = tokensOf(text);
  return { path, text, tokens, code: tokens.filter(({ kind }) => kind !== 'comment') };
}

export function readTree(): SourceFile[] {
  return pathsUnder(['src', 'test'])
    .filter((path) => path.endsWith('.ts'))
    .map((path) => sourceFile(path, readFileSync(join(root, path), 'utf8')));
}

/** Files and folders, the given folders included; one that does not exist has none. */
export function pathsUnder(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    try {
      const inside = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
      return [folder, ...inside.map((path) => `${folder}/${path}`)];
    } catch {
      return [];
    }
  });
}

/** Empty when there is no such document. */
export function readDocument(path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return '';
  }
}
