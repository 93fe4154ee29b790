/**
 * What is wrong with a configuration: where, what, and what to do about it.
 *
 * Problems are facts here and become lines where they are printed (cli/problem-line.ts), which is
 * also where a misspelt name meets the names that were probably meant.
 */

export interface ConfigProblem {
  /** File, variable or flag, and the key. */
  readonly where: string;
  /** Quotes the value, unless it may be a secret. */
  readonly what: string;
  readonly todo?: string | undefined;
  /** A name that nobody knows, and those that exist in its place. */
  readonly unknown?: { readonly name: string; readonly known: readonly string[] };
}

/** Every problem that was found, at once: nobody should have to fix them one start at a time. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ where, what }) => `${where}: ${what}`).join('\n'));
    this.problems = problems;
  }
}
