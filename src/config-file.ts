/**
 * Finds and reads the files that a configuration is made of; a file that cannot be read is a
 * problem with a name, never an exception with a stack.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { ConfigError, type ConfigProblem } from './config-problem.ts';

const systemFileDefault = '/etc/keepa-deals/keepa-deals.toml';

export interface FileSearch {
  /** Named by a flag or the environment: then it has to exist. */
  readonly named: string | undefined;
  readonly cwd: string;
  /** Looked at last. */
  readonly systemFile: string | undefined;
}

/** The configuration file to read, absolute; undefined when there is none and none was named. */
export function findConfigFile({ named, cwd, systemFile }: FileSearch): string | undefined {
  if (named !== undefined) return resolve(cwd, named);
  const candidates = [join(cwd, 'keepa-deals.toml'), systemFile ?? systemFileDefault];
  return candidates.find((path) => {
    const read = readText(path);
    // One that is there and cannot be read is a mistake to report, not one to pass over.
    return 'text' in read || !read.isMissing;
  });
}

/** @throws ConfigError when it cannot be read or is not TOML. */
export function readToml(file: string): Record<string, unknown> {
  const read = readText(file);
  if (!('text' in read)) {
    const todo = read.isMissing ? 'check --config and KEEPA_DEALS_CONFIG' : undefined;
    throw new ConfigError([{ where: file, what: `cannot be read: ${read.why}`, todo }]);
  }
  try {
    return parse(read.text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the first line: the rest quotes the source, which may hold what nobody should see.
    const what = error.message.split('\n', 1)[0] ?? 'not TOML';
    throw new ConfigError([{ where: `${file}:${error.line}:${error.column}`, what }]);
  }
}

/** The query as Keepa's web page exports it. */
export function readSelection(
  path: string,
  where: string,
): { readonly selection: Readonly<Record<string, unknown>> } | { readonly problem: ConfigProblem } {
  const read = readText(path);
  if (!('text' in read)) {
    return { problem: { where, what: `${path} cannot be read: ${read.why}` } };
  }
  const selection = parseObject(read.text);
  if (selection !== undefined) return { selection };
  const todo = 'export the deal query from keepa.com as JSON';
  return { problem: { where, what: `${path} is not a JSON object`, todo } };
}

/** The text, or in plain words why there is none. */
export function readText(
  path: string,
): { readonly text: string } | { readonly why: string; readonly isMissing: boolean } {
  try {
    return { text: readFileSync(path, 'utf8') };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    const words: Record<string, string> = { EACCES: 'permission denied', EISDIR: 'is a directory' };
    return { why: isMissing ? 'no such file' : (words[code] ?? code), isMissing };
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    // The message of JSON.parse quotes the text, which may be long and have line breaks.
    return undefined;
  }
}
