/** What a rule looks at, and what it says about it. */
import type { Token } from './tokens.ts';

export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Everything but white space, comments included. */
  readonly tokens: readonly Token[];
  /** The tokens without the comments. */
  readonly code: readonly Token[];
}

export interface Finding {
  readonly path: string;
  readonly line: number;
  /** What is wrong and what to do instead. */
  readonly says: string;
}

/** A rule about one file at a time. */
export interface Rule {
  readonly name: string;
  check(file: SourceFile): readonly Finding[];
}

export function isSource(file: SourceFile): boolean {
  return file.path.startsWith('src/');
}

/** One line per finding, so that a failing test reads as a list of things to do. */
export function format(finding: Finding): string {
  return `${finding.path}:${finding.line} ${finding.says}`;
}
