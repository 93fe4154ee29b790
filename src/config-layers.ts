/**
 * Lays flags over the environment over the file, and remembers for every key who set it.
 *
 * "Which file did it read?" is the first question of every support case, so the origin of a value
 * travels with it: into the messages about it, and to whoever asks for the effective configuration.
 */
import type { ConfigProblem } from './config-problem.ts';

/** What the command line may override; absent: not given. */
export interface ConfigFlags {
  readonly config?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly keepaUrl?: string | undefined;
  readonly redisUrl?: string | undefined;
  readonly http?: string | undefined;
  readonly standby?: boolean | undefined;
  readonly logLevel?: string | undefined;
  readonly logFormat?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Dotted key as in the file, to its origin: `--http`, `KEEPA_DEALS_HTTP`, a file. */
export type Origins = Readonly<Record<string, string>>;

/** Environment variables and the key that each of them sets. */
const variables: Readonly<Record<string, string>> = {
  KEEPA_DEALS_DATA_DIR: 'data_dir',
  KEEPA_DEALS_KEEPA_URL: 'keepa.url',
  KEEPA_DEALS_KEY_FILE: 'keepa.key_file',
  KEEPA_DEALS_REDIS_URL: 'redis_url',
  KEEPA_DEALS_REDIS_CA_FILE: 'redis_ca_file',
  KEEPA_DEALS_HTTP: 'http',
  KEEPA_DEALS_HTTP_TOKEN_FILE: 'http_token_file',
  KEEPA_DEALS_LOG_LEVEL: 'log.level',
  KEEPA_DEALS_LOG_FORMAT: 'log.format',
};
/** Read elsewhere: by the search for the file and by the launcher. */
const otherVariables = ['KEEPA_DEALS_CONFIG', 'KEEPA_DEALS_NODE'];

/** The file's values with what overrides them, and who set what. `fileValues` is changed. */
export function overlay(
  fileValues: Record<string, unknown>,
  file: string | undefined,
  { flags, env }: { readonly flags: ConfigFlags; readonly env: Environment },
): { readonly values: Record<string, unknown>; readonly origins: Origins } {
  const origins: Record<string, string> = {};
  if (file !== undefined) noteLeaves(fileValues, file, { prefix: '', origins });
  const set = (key: string, value: string | undefined, origin: string): void => {
    if (value === undefined) return;
    setAt(fileValues, key, value);
    origins[key] = origin;
  };
  // An empty variable is how shells and unit files say "not set".
  for (const [name, key] of Object.entries(variables)) set(key, env[name] || undefined, name);
  set('data_dir', flags.dataDir, '--data-dir');
  set('keepa.url', flags.keepaUrl, '--keepa-url');
  set('redis_url', flags.redisUrl, '--redis-url');
  set('http', flags.http, '--http');
  set('log.level', flags.logLevel, '--log-level');
  set('log.format', flags.logFormat, '--log-format');
  return { values: fileValues, origins };
}

/** Variables that look like ours and mean nothing. */
export function strayVariables(env: Environment): ConfigProblem[] {
  const known = [...Object.keys(variables), ...otherVariables];
  return Object.keys(env)
    .filter((name) => name.startsWith('KEEPA_DEALS_') && !known.includes(name))
    .map((name) => ({ where: name, what: 'unknown variable', unknown: { name, known } }));
}

function setAt(values: Record<string, unknown>, key: string, value: string): void {
  const [first = '', second] = key.split('.');
  if (second === undefined) {
    values[first] = value;
    return;
  }
  const inner = values[first];
  // A scalar where a table belongs is the file's mistake, and stays for the schema to name.
  if (inner === undefined) values[first] = { [second]: value };
  else if (typeof inner === 'object' && inner !== null) Object.assign(inner, { [second]: value });
}

function noteLeaves(
  value: unknown,
  file: string,
  at: { readonly prefix: string; readonly origins: Record<string, string> },
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    at.origins[at.prefix] = file;
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    noteLeaves(inner, file, {
      prefix: at.prefix === '' ? key : `${at.prefix}.${key}`,
      origins: at.origins,
    });
  }
}
