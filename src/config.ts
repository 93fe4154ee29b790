/**
 * The configuration: read once, checked whole, frozen.
 *
 * Flags win over the environment, the environment over the file, the file over the defaults; where
 * each value came from is kept, because "which file did it read?" is the first question of every
 * support case. A mistake ends the start with one line per problem and costs nothing: no token is
 * spent and no file written before the configuration is known to be sound.
 *
 * Invariants:
 * - the result is frozen through and through, and holds no secret (config-key.ts has the key);
 * - the process environment is an argument; nothing here reads it;
 * - an unknown key is an error, never ignored: a misspelt limit is a limit that isn't there.
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { ConfigError, type ConfigProblem } from './config-problem.ts';
import { type RawConfig, type RawFeed, schemaProblems, valueAt } from './config-schema.ts';

/** Who may spend what part of the income, whole per cents that add up to 100. */
export interface Shares {
  readonly interactive: number;
  readonly head: number;
  readonly upsert: number;
  readonly refresh: number;
  readonly backfill: number;
}

/** What a listed row must pass to be worth a token. A rule that is absent asks for nothing. */
export interface ScreenRules {
  readonly minPriceCents?: number;
  readonly maxPriceCents?: number;
  /** Whole or fractional per cents below the 90-day average. */
  readonly minPercentBelowAverage?: number;
  readonly maxRank?: number;
  readonly minRankDrops30?: number;
  readonly minRankDrops90?: number;
  readonly minRankDrops365?: number;
  /** 90-day average over 30-day average: above it the average is the echo of a price glitch. */
  readonly maxAverageSpike?: number;
  readonly minUsedOffers?: number;
  readonly minNewOffers?: number;
}

/** A feed as it was written down; the query is validated where Keepa's vocabulary is known. */
export interface FeedConfig {
  readonly name: string;
  /** `com`, `co.uk`, ... or Keepa's number; absent: the selection says it. */
  readonly domain?: string | number;
  readonly priceType?: number;
  readonly selection: Readonly<Record<string, unknown>>;
  /** Where the selection was read, for messages. */
  readonly selectionFrom: string;
  readonly screen: ScreenRules;
}

export type LogFormat = 'auto' | 'human' | 'json';

export interface Config {
  /** Absolute. Holds the database and the control socket. */
  readonly dataDir: string;
  readonly keepaUrl: string;
  readonly redisUrl?: string;
  /** Where the control server listens besides its socket; absent: nowhere. */
  readonly http?: HttpAddress;
  /** 0 or below: the lowest balance our own decisions may lead to. */
  readonly deficitFloor: number;
  readonly shares: Shares;
  /** Shortest time from the start of one sweep of a feed to the next. */
  readonly sweepIntervalMs: number;
  /** Wait for the running daemon to end and take over, rather than exit. */
  readonly standby: boolean;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: LogFormat };
  readonly feeds: readonly FeedConfig[];
}

export interface HttpAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export const defaultShares: Shares = {
  interactive: 5,
  head: 10,
  upsert: 45,
  refresh: 10,
  backfill: 30,
};

/** What the command line may override; absent: not given. */
export interface ConfigFlags {
  readonly config?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly keepaUrl?: string | undefined;
  readonly http?: string | undefined;
  readonly standby?: boolean | undefined;
  readonly logLevel?: string | undefined;
  readonly logFormat?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigSources {
  readonly flags: ConfigFlags;
  readonly env: Environment;
  /** Absolute; relative paths of flags and environment start here, those of the file at the file. */
  readonly cwd: string;
  /** Looked at last, without --config and $KEEPA_DEALS_CONFIG. */
  readonly systemFile?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read, if any. */
  readonly file: string | undefined;
  /** Where the key may be found besides the environment; absolute. */
  readonly keyFile: string | undefined;
  /** Dotted key as in the file, to its origin: `--http`, `KEEPA_DEALS_HTTP`, a file, `default`. */
  readonly origins: Readonly<Record<string, string>>;
  /** Likely mistakes that are not errors: variables of ours that mean nothing. */
  readonly warnings: readonly string[];
}

/** Environment variables and the key each of them sets. */
const variables: Readonly<Record<string, string>> = {
  KEEPA_DEALS_DATA_DIR: 'data_dir',
  KEEPA_DEALS_KEEPA_URL: 'keepa.url',
  KEEPA_DEALS_KEY_FILE: 'keepa.key_file',
  KEEPA_DEALS_REDIS_URL: 'redis_url',
  KEEPA_DEALS_HTTP: 'http',
  KEEPA_DEALS_LOG_LEVEL: 'log.level',
  KEEPA_DEALS_LOG_FORMAT: 'log.format',
};
/** Read by the launcher and by the search for the file, so no mistakes. */
const otherVariables = ['KEEPA_DEALS_CONFIG', 'KEEPA_DEALS_NODE'];

const systemFileDefault = '/etc/keepa-deals/keepa-deals.toml';
const minuteMs = 60_000;

/**
 * Reads and checks the configuration.
 *
 * @throws ConfigError with every problem found, each a line that a person can act upon.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const file = findFile(sources);
  const raw = file === undefined ? {} : readToml(file);
  const origins: Record<string, string> = {};
  noteFileKeys(raw, file ?? '', '', origins);
  applyOverrides(raw, sources, origins);
  const problems = schemaProblems(raw, (key) => originOf(key, origins, file));
  if (problems.length > 0) throw new ConfigError(problems);
  return build(raw as RawConfig, { file, sources, origins });
}

interface BuildContext {
  readonly file: string | undefined;
  readonly sources: ConfigSources;
  readonly origins: Record<string, string>;
}

function build(raw: RawConfig, context: BuildContext): LoadedConfig {
  const { file, sources, origins } = context;
  const problems: ConfigProblem[] = [];
  const fileDir = file === undefined ? sources.cwd : dirname(file);
  const pathOf = (key: string, path: string): string =>
    resolve(origins[key] === file ? fileDir : sources.cwd, path);
  const feeds = (raw.feeds ?? []).map((feed, index) =>
    buildFeed(feed, { fileDir, where: `${file ?? ''}: feeds[${index}]`, problems }),
  );
  const dataDir = raw.data_dir === undefined ? defaultDataDir(sources.env) : raw.data_dir;
  if (dataDir === undefined) {
    problems.push({
      where: 'data_dir',
      what: 'no place for the data: neither HOME nor XDG_DATA_HOME nor STATE_DIRECTORY is set',
      todo: 'set data_dir, KEEPA_DEALS_DATA_DIR or --data-dir',
    });
  }
  if (problems.length > 0 || dataDir === undefined) throw new ConfigError(problems);
  const http = raw.http === undefined ? undefined : parseHttpAddress(String(raw.http));
  const config: Config = {
    dataDir: pathOf('data_dir', dataDir),
    keepaUrl: (raw.keepa?.url ?? 'https://api.keepa.com').replace(/\/+$/, ''),
    ...(raw.redis_url === undefined ? {} : { redisUrl: raw.redis_url }),
    ...(typeof http === 'object' ? { http } : {}),
    deficitFloor: raw.tokens?.deficit_floor ?? 0,
    shares: { ...defaultShares, ...raw.tokens?.shares },
    sweepIntervalMs: (raw.freshness?.sweep_minutes ?? 5) * minuteMs,
    standby: sources.flags.standby ?? true,
    log: { level: raw.log?.level ?? 'info', format: raw.log?.format ?? 'auto' },
    feeds,
  };
  const keyFile = raw.keepa?.key_file;
  return deepFreeze({
    config,
    file,
    keyFile: keyFile === undefined ? undefined : pathOf('keepa.key_file', keyFile),
    origins: { ...defaultOrigins(), ...origins },
    warnings: strayVariables(sources.env),
  });
}

interface FeedContext {
  readonly fileDir: string;
  readonly where: string;
  readonly problems: ConfigProblem[];
}

function buildFeed(raw: RawFeed, { fileDir, where, problems }: FeedContext): FeedConfig {
  const path = raw.selection_file === undefined ? undefined : resolve(fileDir, raw.selection_file);
  const label = `${where} "${raw.name}"`;
  const selection = path === undefined ? (raw.selection ?? {}) : readSelection(path, label, problems);
  return {
    name: raw.name,
    ...(raw.domain === undefined ? {} : { domain: raw.domain }),
    ...(raw.price_type === undefined ? {} : { priceType: raw.price_type }),
    selection,
    selectionFrom: path ?? `${label}: selection`,
    screen: screenRules(raw.screen ?? {}),
  };
}

function screenRules(raw: NonNullable<RawFeed['screen']>): ScreenRules {
  const rules: Record<keyof ScreenRules, number | undefined> = {
    minPriceCents: raw.min_price_cents,
    maxPriceCents: raw.max_price_cents,
    minPercentBelowAverage: raw.min_percent_below_average,
    maxRank: raw.max_rank,
    minRankDrops30: raw.min_rank_drops_30,
    minRankDrops90: raw.min_rank_drops_90,
    minRankDrops365: raw.min_rank_drops_365,
    maxAverageSpike: raw.max_average_spike,
    minUsedOffers: raw.min_used_offers,
    minNewOffers: raw.min_new_offers,
  };
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined));
}

/** The query as Keepa's web page exports it; an empty one, and a problem, when it cannot be read. */
function readSelection(
  path: string,
  where: string,
  problems: ConfigProblem[],
): Readonly<Record<string, unknown>> {
  const text = readText(path);
  if (typeof text !== 'string') {
    problems.push({ where: `${where}: selection_file`, what: `cannot read ${path}: ${text.why}` });
    return {};
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Said below: JSON.parse quotes the text, which may be long and have line breaks.
  }
  problems.push({
    where: `${where}: selection_file`,
    what: `${path} is not a JSON object`,
    todo: 'export the deal query from keepa.com as JSON',
  });
  return {};
}

function findFile({ flags, env, cwd, systemFile }: ConfigSources): string | undefined {
  const named = flags.config ?? (env.KEEPA_DEALS_CONFIG || undefined);
  if (named !== undefined) return resolve(cwd, named);
  const candidates = [join(cwd, 'keepa-deals.toml'), systemFile ?? systemFileDefault];
  return candidates.find((path) => {
    const text = readText(path);
    return typeof text === 'string' || !text.isMissing;
  });
}

function readToml(file: string): Record<string, unknown> {
  const text = readText(file);
  if (typeof text !== 'string') {
    const todo = text.isMissing ? 'check --config and KEEPA_DEALS_CONFIG' : undefined;
    throw new ConfigError([{ where: file, what: `cannot read it: ${text.why}`, todo }]);
  }
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Only the first line: the rest shows the source, which may hold what nobody should see.
    const what = error.message.split('\n', 1)[0] ?? 'not TOML';
    throw new ConfigError([{ where: `${file}:${error.line}:${error.column}`, what }]);
  }
}

function readText(path: string): string | { readonly why: string; readonly isMissing: boolean } {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    return { why: isMissing ? 'no such file' : code, isMissing };
  }
}

/** Remembers the file as the origin of every leaf that it sets. */
function noteFileKeys(
  value: unknown,
  file: string,
  prefix: string,
  origins: Record<string, string>,
): void {
  if (typeof value !== 'object' || value === null) {
    origins[prefix] = file;
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    noteFileKeys(inner, file, prefix === '' ? key : `${prefix}.${key}`, origins);
  }
}

function applyOverrides(
  raw: Record<string, unknown>,
  { flags, env }: ConfigSources,
  origins: Record<string, string>,
): void {
  const set = (key: string, value: string | undefined, origin: string): void => {
    if (value === undefined) return;
    const [first = '', second] = key.split('.');
    if (second === undefined) raw[first] = value;
    else {
      const table = raw[first];
      // A scalar where a table belongs is the file's mistake, and stays for the schema to name.
      if (table === undefined) raw[first] = { [second]: value };
      else if (typeof table === 'object' && table !== null) Object.assign(table, { [second]: value });
    }
    origins[key] = origin;
  };
  // An empty variable is how shells and unit files say "not set".
  for (const [name, key] of Object.entries(variables)) set(key, env[name] || undefined, name);
  set('data_dir', flags.dataDir, '--data-dir');
  set('keepa.url', flags.keepaUrl, '--keepa-url');
  set('http', flags.http, '--http');
  set('log.level', flags.logLevel, '--log-level');
  set('log.format', flags.logFormat, '--log-format');
}

function originOf(
  key: string,
  origins: Readonly<Record<string, string>>,
  file: string | undefined,
): string {
  return origins[key] ?? file ?? 'configuration';
}

function defaultOrigins(): Record<string, string> {
  const keys = ['data_dir', 'keepa.url', 'http', 'tokens.deficit_floor', 'freshness.sweep_minutes'];
  const shares = Object.keys(defaultShares).map((name) => `tokens.shares.${name}`);
  return Object.fromEntries(
    [...keys, ...shares, 'log.level', 'log.format'].map((key) => [key, 'default']),
  );
}

function defaultDataDir(env: Environment): string | undefined {
  // systemd separates several state directories by colons; ours is the first.
  const state = env.STATE_DIRECTORY?.split(':')[0];
  if (state) return state;
  const xdg = env.XDG_DATA_HOME;
  if (xdg && isAbsolute(xdg)) return join(xdg, 'keepa-deals');
  return env.HOME ? join(env.HOME, '.local', 'share', 'keepa-deals') : undefined;
}
