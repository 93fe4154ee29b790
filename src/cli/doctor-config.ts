/**
 * `doctor` on the configuration: whether it can be read, and every value with who set it.
 *
 * A file with a mistake in it must not hide everything else, so the place of the data is then saved
 * out of it as far as it can be read; the other checks look there, with defaults for the rest.
 */
import { dirname, resolve } from 'node:path';
import { type LoadedConfig, loadConfig } from '../config.ts';
import { findConfigFile, readToml } from '../config-file.ts';
import { ConfigError, type ConfigProblem } from '../config-problem.ts';
import type { CliContext } from './context.ts';
import type { DoctorFlags, Facts } from './doctor-facts.ts';
import { broken, type Finding, fine, note, warning } from './doctor-finding.ts';
import { resolveFeeds } from './feeds.ts';
import { problemLine } from './problem-line.ts';

export interface Configuration {
  readonly loaded: LoadedConfig;
  readonly problems: readonly ConfigProblem[];
}

/** A value as people may see it, and who set it. */
export interface EffectiveValue {
  readonly key: string;
  readonly value: string;
  readonly origin: string;
}

/** An empty file on every system that has one. */
const emptyFile = '/dev/null';

/** @throws ConfigError when not even the place of the data is known. */
export function readConfiguration(flags: DoctorFlags, context: CliContext): Configuration {
  const { env, cwd } = context;
  const { config, dataDir, redisUrl } = flags;
  try {
    return { loaded: loadConfig({ flags: { config, dataDir, redisUrl }, env, cwd }), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { loaded: savedConfiguration(flags, context), problems: error.problems };
  }
}

/** Flags and environment without the file; where the mistake is in them, only the data's place. */
function savedConfiguration(flags: DoctorFlags, { env, cwd }: CliContext): LoadedConfig {
  const dataDir = savedDataDir(flags, { env, cwd });
  const { redisUrl } = flags;
  try {
    return loadConfig({ flags: { config: emptyFile, dataDir, redisUrl }, env, cwd });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { HOME, XDG_DATA_HOME, STATE_DIRECTORY, KEEPA_DEALS_DATA_DIR } = env;
    const places = { HOME, XDG_DATA_HOME, STATE_DIRECTORY, KEEPA_DEALS_DATA_DIR };
    return loadConfig({ flags: { config: emptyFile, dataDir }, env: places, cwd });
  }
}

/** The data directory, when the file can be read so far as to tell it. */
function savedDataDir(
  { config, dataDir }: DoctorFlags,
  { env, cwd }: Pick<CliContext, 'env' | 'cwd'>,
): string | undefined {
  if (dataDir !== undefined || env.KEEPA_DEALS_DATA_DIR) return dataDir;
  try {
    const named = config ?? (env.KEEPA_DEALS_CONFIG || undefined);
    const file = findConfigFile({ named, cwd, systemFile: undefined });
    const value = file === undefined ? undefined : readToml(file).data_dir;
    return file !== undefined && typeof value === 'string'
      ? resolve(dirname(file), value)
      : undefined;
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

export function checkConfig(facts: Facts): readonly Finding[] {
  const { loaded, problems } = facts;
  if (problems.length > 0) {
    return problems.map((problem) =>
      broken('config', {
        what: problemLine(problem),
        why: 'start refuses it (exit code 78); the rest here was looked at with defaults',
        todo: 'correct it, then run doctor again',
      }),
    );
  }
  const values = effectiveValues(facts);
  const set = values.filter(({ origin }) => origin !== 'default').length;
  const from = loaded.file ?? 'no file';
  return [
    fine('config', `${from}: ${values.length} values, ${values.length - set} of them defaults`),
    ...loaded.warnings.map((problem) =>
      warning('config', {
        what: problemLine(problem),
        why: 'it sets nothing: whoever wrote it relies on something that is not there',
        todo: 'correct its name, or take it out',
      }),
    ),
  ];
}

/** The queries, as `start` checks them. */
export function checkQueries({ loaded, problems }: Facts): readonly Finding[] {
  if (problems.length > 0) return [];
  try {
    const { feeds, warnings } = resolveFeeds(loaded.config, loaded.file);
    return [
      fine('feeds', `${feeds.length} to watch: ${feeds.map(({ name }) => name).join(', ')}`),
      ...warnings.map((what) =>
        note('feeds', {
          what,
          why: 'Keepa takes the query, and it may not mean what was meant',
          todo: 'see keepa-deals import-query',
        }),
      ),
    ];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) =>
      broken('feeds', {
        what: problemLine(problem),
        why: 'start refuses it (exit code 78)',
        todo: 'correct the query; keepa-deals import-query makes one from an export',
      }),
    );
  }
}

/** Every value there is; of a secret only whether it is set. */
export function effectiveValues({ loaded, key }: Pick<Facts, 'loaded' | 'key'>): EffectiveValue[] {
  const { config, keyFile, origins } = loaded;
  const shown: Readonly<Record<string, string | undefined>> = {
    data_dir: config.dataDir,
    'keepa.url': withoutUser(config.keepaUrl),
    'keepa.key_file': keyFile,
    redis_url: config.redisUrl === undefined ? undefined : 'set',
    http: config.http === undefined ? 'off' : `${config.http.host}:${config.http.port}`,
    'freshness.sweep_minutes': String(config.sweepIntervalMs / 60_000),
    ...plain('tokens', { deficit_floor: config.deficitFloor }),
    ...plain('tokens.shares', config.shares),
    ...plain('costs', config.costs),
    ...plain('acceptance', config.acceptance),
    ...plain('retention', config.retention),
    ...plain('log', config.log),
    feeds: config.feeds.map(({ name }) => name).join(', ') || undefined,
  };
  const values = Object.entries(shown).flatMap(([name, value]) =>
    value === undefined ? [] : { key: name, value, origin: origins[name] ?? 'default' },
  );
  const secret = key.secret === undefined ? 'not set' : 'set';
  return [{ key: 'API key', value: secret, origin: key.origin }, ...values];
}

/** `minProfitCents` under `acceptance` is `acceptance.min_profit_cents` in the file. */
function plain(section: string, values: object): Record<string, string> {
  const inFile = (name: string): string =>
    name.replace(/[A-Z]|(?<=\D)\d+/g, (part) => `_${part.toLowerCase()}`);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${section}.${inFile(name)}`, String(value)]),
  );
}

/** A proxy's password may stand in the address. */
function withoutUser(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.username === '' && url.password === '')) return text;
  url.username = '';
  url.password = '';
  return url.href.replace(/\/$/, '');
}
