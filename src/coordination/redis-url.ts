/**
 * Where a Redis is, read from its URL: host or socket, TLS, user, password and database.
 *
 * The URL is taken apart here rather than by the client library, because the library takes what it
 * cannot read for a host name, and because the place needs a spelling without the password for
 * every message about it (promise P11).
 */

export interface RedisPlace {
  /** For people: without user and password. */
  readonly text: string;
  readonly address:
    | { readonly host: string; readonly port: number; readonly isTls: boolean }
    | { readonly path: string };
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** PEM of the CAs that it is trusted by, instead of the usual ones; for TLS only. */
  readonly trustedCas?: string;
  readonly database: number;
}

const portDefault = 6379;
const encoding = 'in a password # ? / @ : are percent-encoded (%23 %3F %2F %40 %3A)';

/**
 * Reads `redis://`, `rediss://` (TLS) and `unix:///path?db=n`, with a password
 * `unix://:password@localhost/path`.
 *
 * @throws RangeError what is wrong with it; the message quotes nothing that may be secret.
 */
export function parseRedisUrl(url: string): RedisPlace {
  const parsed = URL.parse(url);
  if (parsed === null) throw new RangeError(`is no URL; ${encoding}`);
  const isUnix = parsed.protocol === 'unix:';
  if (parsed.hash !== '' || (!isUnix && parsed.search !== '')) {
    throw new RangeError(`has a # or a ? in it; ${encoding}`);
  }
  const place = isUnix ? socketPlace(parsed) : hostPlace(parsed);
  const username = decoded(parsed.username);
  const password = decoded(parsed.password);
  if (username !== undefined && password === undefined) {
    throw new RangeError('has a user and no password: a password alone is written :password@');
  }
  return { ...place, username, password };
}

type Place = Pick<RedisPlace, 'text' | 'address' | 'database'>;

function hostPlace({ protocol, hostname, port, pathname }: URL): Place {
  const isTls = protocol === 'rediss:';
  if (!isTls && protocol !== 'redis:') throw new RangeError('does not start with redis://');
  if (hostname === '') throw new RangeError('names no host');
  const database = databaseOf(pathname.replace(/^\//, ''));
  const address = {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? portDefault : Number(port),
    isTls,
  };
  return { text: `${protocol}//${hostname}:${address.port}/${database}`, address, database };
}

function socketPlace({ hostname, pathname, searchParams }: URL): Place {
  const strangers = [...searchParams.keys()].filter((name) => name !== 'db');
  if (!['', 'localhost'].includes(hostname) || pathname.length < 2 || strangers.length > 0) {
    throw new RangeError('must be unix:///path/of/the/socket, with ?db=n for a database');
  }
  const database = databaseOf(searchParams.get('db') ?? '');
  const path = decoded(pathname) ?? pathname;
  return { text: `unix://${path}?db=${database}`, address: { path }, database };
}

function databaseOf(text: string): number {
  if (text === '') return 0;
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new RangeError('names a database that is no number (redis://host:port/0)');
}

/** Undefined where there is nothing. */
function decoded(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RangeError('has a lone percent sign: it is written %25');
  }
}
