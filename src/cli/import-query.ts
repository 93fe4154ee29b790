/**
 * `import-query`: turns a deal query that Keepa's page exports into a `[[feeds]]` section.
 *
 * The query is checked as a start would check it, so that what is printed starts; and it is
 * commented on, because half of its fields mean something else than they seem to. With --write the
 * section is put at the end of the configuration file, of which nothing else is touched.
 */
import { basename, resolve } from 'node:path';
import { findConfigFile, readText } from '../config-file.ts';
import { type CheckedDealQuery, DealQueryError, parseDealQuery } from '../keepa/deal-query.ts';
import { fieldReaders } from '../keepa/deal-query-fields.ts';
import { adviseOn } from '../keepa/query-advice.ts';
import { CliError, exitCodes, systemReason } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { feedSection, withSection } from './feed-section.ts';
import { FileChangedError, replaceFile } from './replace-file.ts';

export interface ImportFlags {
  readonly name?: string;
  readonly write?: boolean;
  readonly config?: string;
  readonly json?: boolean;
}

/** The exit code is 0, with warnings as well; 78 for a query that no start would take. */
export async function importQuery(
  file: string,
  flags: ImportFlags,
  context: CliContext,
): Promise<number> {
  const { cwd, terminal } = context;
  const name = nameOf(file, flags);
  const exported = readExport(file, cwd);
  const advice = adviseOn(exported);
  const problems: string[] = [];
  const query = parsedQuery(advice.selection, problems);
  if (query === undefined) {
    for (const problem of problems) terminal.say(`keepa-deals: ${file}: ${problem}`);
    return exitCodes.badConfig;
  }
  const warnings = [...advice.warnings, ...query.warnings];
  const section = feedSection(name, query);
  const written = flags.write === true ? write({ name, section }, flags, context) : undefined;
  for (const warning of warnings) terminal.say(`keepa-deals: warning: ${file}: ${warning}`);
  if (flags.json === true) {
    const report = { schema: 1, name, section, warnings, written: written ?? null };
    terminal.out(`${JSON.stringify(report)}\n`);
  } else {
    terminal.out(section);
  }
  if (written !== undefined) {
    terminal.say(`keepa-deals: feed "${name}" is in ${written}; a reload or a start takes it in`);
  }
  return exitCodes.fine;
}

function parsedQuery(selection: unknown, problems: string[]): CheckedDealQuery | undefined {
  try {
    return parseDealQuery(selection);
  } catch (error) {
    if (!(error instanceof DealQueryError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/** As the configuration allows it; without --name from the file's own. */
function nameOf(file: string, { name }: ImportFlags): string {
  if (name === undefined) {
    const stem = basename(file).replace(/\.[^.]*$/, '');
    const plain = stem.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    return plain.replace(/^-+|-+$/g, '').slice(0, nameCharactersMax) || 'imported';
  }
  if (/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) return name;
  throw new CliError(exitCodes.usage, {
    what: `--name ${JSON.stringify(name)}`,
    why: 'is no name of a feed',
    todo: 'write it in a-z, 0-9 and -, at most 64 of them',
  });
}

const nameCharactersMax = 64;

/** @throws CliError (78) when it is no deal query at all; its fields are not checked here. */
function readExport(file: string, cwd: string): Readonly<Record<string, unknown>> {
  const read = readText(resolve(cwd, file));
  if (!('text' in read)) throw notImported(file, `cannot be read: ${read.why}`);
  const value = parsedJson(read.text);
  if (value === undefined) throw notImported(file, 'is not JSON');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw notImported(file, 'is JSON, but not an object and so no query');
  }
  const fields = Object.entries(value);
  if (fields.some(([field]) => fieldReaders.has(field))) return Object.fromEntries(fields);
  const held = fields.length === 0 ? 'is empty' : `has nothing of a deal query (${sample(fields)})`;
  throw notImported(file, held);
}

/** Enough to see what it is instead. */
function sample(fields: readonly (readonly [string, unknown])[]): string {
  const names = fields.slice(0, 3).map(([field]) => field.slice(0, 40));
  return `it has ${names.join(', ')}${fields.length > names.length ? ', ...' : ''}`;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // The message of JSON.parse quotes the text, which may be long and have line breaks.
    return undefined;
  }
}

function notImported(file: string, why: string): CliError {
  const todo = 'give the JSON that keepa.com shows under Deals, "Show API query"';
  return new CliError(exitCodes.badConfig, { what: file, why, todo });
}

/** The file that holds the section now. @throws CliError, and then the file is as it was. */
function write(
  feed: { readonly name: string; readonly section: string },
  { config }: ImportFlags,
  { cwd, env }: CliContext,
): string {
  const named = config ?? (env.KEEPA_DEALS_CONFIG || undefined);
  const path = findConfigFile({ named, cwd, systemFile: undefined });
  if (path === undefined) {
    throw notWritten('--write', 'there is no keepa-deals.toml here', 'name one with --config');
  }
  const read = readText(path);
  if (!('text' in read) && !read.isMissing) {
    throw notWritten(path, `cannot be read: ${read.why}`, 'mend that first');
  }
  const before = 'text' in read ? read.text : undefined;
  const joined = withSection(before ?? '', feed);
  if ('refused' in joined) {
    throw notWritten(path, joined.refused, 'nothing was written; give another --name, or mend it');
  }
  try {
    replaceFile(path, { before, text: joined.text });
  } catch (error) {
    const why = error instanceof FileChangedError ? error.message : systemReason(error);
    const todo = 'nothing was written; mend that and try again';
    throw new CliError(exitCodes.failed, { what: path, why, todo });
  }
  return path;
}

function notWritten(what: string, why: string, todo: string): CliError {
  return new CliError(exitCodes.badConfig, { what, why, todo });
}
