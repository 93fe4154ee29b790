/**
 * The configuration: read once, checked whole, frozen.
 *
 * Flags win over the environment, the environment over the file, the file over the defaults; where
 * each value came from is kept, because "which file did it read?" is the first question of every
 * support case. A mistake ends the start with one line per problem and costs nothing: no token is
 * spent and no file written before the configuration is known to be sound.
 *
 * Invariants:
 * - the result is frozen through and through, and shows no secret (config-key.ts has the key);
 * - the process environment is an argument; nothing here reads it;
 * - an unknown key is an error, never ignored: a misspelt limit is a limit that isn't there.
 */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { findConfigFile, readSelection, readToml } from './config-file.ts';
import {
  type AcceptanceRules,
  type CostModel,
  judgingDefaultKeys,
  judgingValues,
  type Retention,
} from './config-judging.ts';
import { Secret } from './config-key.ts';
import {
  type ConfigFlags,
  type Environment,
  type Origins,
  overlay,
  strayVariables,
} from './config-layers.ts';
import { ConfigError, type ConfigProblem } from './config-problem.ts';
import { checkShape, parseHttpAddress, type RawConfig, type RawFeed } from './config-schema.ts';

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

type LogFormat = 'auto' | 'human' | 'json';

export interface Config {
  /** Absolute. Holds the database and the control socket. */
  readonly dataDir: string;
  readonly keepaUrl: string;
  /** Leases and checkpoints are there; absent: in the data directory. May hold a password. */
  readonly redisUrl?: Secret;
  /** Certificates of the CAs that a Redis over TLS is trusted by, instead of the usual ones. */
  readonly redisCaFile?: string;
  /** Where the control server listens besides its socket; absent: nowhere. */
  readonly http?: HttpAddress;
  /** 0 or below: the lowest balance our own decisions may lead to. */
  readonly deficitFloor: number;
  readonly shares: Shares;
  /** Shortest time from the start of one sweep of a feed to the next. */
  readonly sweepIntervalMs: number;
  readonly costs: CostModel;
  readonly acceptance: AcceptanceRules;
  readonly retention: Retention;
  /** Wait for the running daemon to end and take over, rather than exit. */
  readonly standby: boolean;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: LogFormat };
  readonly feeds: readonly FeedConfig[];
}

export interface HttpAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Names, beside the loopback's, by which it may be called; absent: none. */
  readonly names?: readonly string[];
}

const keepaUrlDefault = 'https://api.keepa.com';
const sweepMinutesDefault = 5;
export const defaultShares: Shares = {
  interactive: 5,
  head: 10,
  upsert: 45,
  refresh: 10,
  backfill: 30,
};

export interface ConfigSources {
  readonly flags: ConfigFlags;
  readonly env: Environment;
  /** Absolute; paths in flags and environment start here, those in the file at the file. */
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
  /** Where the token of the control server may be found; absolute. */
  readonly httpTokenFile: string | undefined;
  /** Dotted key as in the file, to its origin: `--http`, `KEEPA_DEALS_HTTP`, a file, `default`. */
  readonly origins: Readonly<Record<string, string>>;
  /** Likely mistakes that are not errors: variables of ours that mean nothing. */
  readonly warnings: readonly ConfigProblem[];
}

const minuteMs = 60_000;

/**
 * Reads and checks the configuration.
 *
 * @throws ConfigError with every problem found, each a line that a person can act upon.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const { flags, env, cwd, systemFile } = sources;
  const named = flags.config ?? (env.KEEPA_DEALS_CONFIG || undefined);
  const file = findConfigFile({ named, cwd, systemFile });
  const { values, origins } = overlay(file === undefined ? {} : readToml(file), file, sources);
  const shape = checkShape(values, (key) => origins[key] ?? file ?? 'configuration');
  if ('problems' in shape) throw new ConfigError(shape.problems);
  const from = { sources, file, origins };
  const feeds = buildFeeds(shape.config.feeds ?? [], from);
  const shares = { ...defaultShares, ...shape.config.tokens?.shares };
  const problems = [...feeds.problems, ...shareProblems(shares, from)];
  const dataDir = shape.config.data_dir ?? defaultDataDir(env);
  if (dataDir === undefined) problems.push(homeless);
  if (problems.length > 0 || dataDir === undefined) throw new ConfigError(problems);
  const keyFile = shape.config.keepa?.key_file;
  const caFile = shape.config.redis_ca_file;
  const tokenFile = shape.config.http_token_file;
  return deepFreeze({
    config: {
      ...plainValues(shape.config),
      dataDir: absolute('data_dir', dataDir, from),
      ...(caFile === undefined ? {} : { redisCaFile: absolute('redis_ca_file', caFile, from) }),
      shares,
      standby: flags.standby ?? true,
      feeds: feeds.feeds,
    },
    file,
    keyFile: keyFile === undefined ? undefined : absolute('keepa.key_file', keyFile, from),
    httpTokenFile:
      tokenFile === undefined ? undefined : absolute('http_token_file', tokenFile, from),
    origins: { ...defaultOrigins(), ...origins },
    warnings: strayVariables(env),
  });
}

/** What the problems and the paths of a value depend on. */
interface Provenance {
  readonly sources: ConfigSources;
  readonly file: string | undefined;
  readonly origins: Origins;
}

const homeless: ConfigProblem = {
  where: 'data_dir',
  what: 'no place for the data: HOME, XDG_DATA_HOME and STATE_DIRECTORY are not set',
  todo: 'set data_dir, KEEPA_DEALS_DATA_DIR or --data-dir',
};

/** The values that need no more than a default. */
function plainValues(raw: RawConfig) {
  const http = raw.http === undefined ? 'off' : parseHttpAddress(String(raw.http));
  return {
    keepaUrl: (raw.keepa?.url ?? keepaUrlDefault).replace(/\/+$/, ''),
    ...(raw.redis_url === undefined ? {} : { redisUrl: new Secret(raw.redis_url) }),
    ...(typeof http === 'object' ? { http: { ...http, ...namesIn(raw) } } : {}),
    deficitFloor: raw.tokens?.deficit_floor ?? 0,
    sweepIntervalMs: (raw.freshness?.sweep_minutes ?? sweepMinutesDefault) * minuteMs,
    ...judgingValues(raw),
    log: { level: raw.log?.level ?? 'info', format: raw.log?.format ?? 'auto' },
  } satisfies Partial<Config>;
}

function namesIn({ http_hosts: names }: RawConfig): Pick<HttpAddress, 'names'> {
  return names === undefined ? {} : { names };
}

function buildFeeds(
  raw: readonly RawFeed[],
  { sources, file }: Provenance,
): { readonly feeds: readonly FeedConfig[]; readonly problems: ConfigProblem[] } {
  const fileDir = file === undefined ? sources.cwd : dirname(file);
  const feeds: FeedConfig[] = [];
  const problems: ConfigProblem[] = [];
  for (const [index, entry] of raw.entries()) {
    const where = `${file}: feeds[${index}] "${entry.name}"`;
    if (feeds.some(({ name }) => name === entry.name)) {
      problems.push({ where, what: 'the name is taken by another feed' });
    }
    const path = entry.selection_file && resolve(fileDir, entry.selection_file);
    const read = path ? readSelection(path, where) : { selection: entry.selection ?? {} };
    if ('problem' in read) problems.push(read.problem);
    else feeds.push(buildFeed(entry, read.selection, path ?? `${where}: selection`));
  }
  return { feeds, problems };
}

function buildFeed(
  raw: RawFeed,
  selection: Readonly<Record<string, unknown>>,
  selectionFrom: string,
): FeedConfig {
  return {
    name: raw.name,
    ...(raw.domain === undefined ? {} : { domain: raw.domain }),
    ...(raw.price_type === undefined ? {} : { priceType: raw.price_type }),
    selection,
    selectionFrom,
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

function shareProblems(shares: Shares, { file }: Provenance): ConfigProblem[] {
  const sum = Object.values(shares).reduce((total, share) => total + share, 0);
  if (sum === 100) return [];
  const parts = Object.entries(shares).map(([name, share]) => `${name} ${share}`);
  const what = `add up to ${sum}, must be 100 (${parts.join(' + ')})`;
  return [{ where: `${file}: tokens.shares`, what }];
}

/** A path in the file is meant from the file, one in the environment or a flag from here. */
function absolute(key: string, path: string, { sources, file, origins }: Provenance): string {
  const isFromFile = file !== undefined && origins[key] === file;
  return resolve(isFromFile ? dirname(file) : sources.cwd, path);
}

function defaultDataDir(env: Environment): string | undefined {
  // systemd separates several state directories by colons; ours is the first.
  const state = env.STATE_DIRECTORY?.split(':')[0];
  if (state) return state;
  const xdg = env.XDG_DATA_HOME;
  if (xdg && isAbsolute(xdg)) return join(xdg, 'keepa-deals');
  return env.HOME ? join(env.HOME, '.local', 'share', 'keepa-deals') : undefined;
}

function defaultOrigins(): Record<string, string> {
  const shares = Object.keys(defaultShares).map((name) => `tokens.shares.${name}`);
  const keys = ['data_dir', 'keepa.url', 'http', 'tokens.deficit_floor', 'freshness.sweep_minutes'];
  return Object.fromEntries(
    [...keys, ...shares, ...judgingDefaultKeys, 'log.level', 'log.format'].map((key) => [
      key,
      'default',
    ]),
  );
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}
