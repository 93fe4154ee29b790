/**
 * The API key and the token of the control server: read from a file or a credential, never printed.
 *
 * A secret is kept apart from the configuration, which is shown to people, and wrapped, so that
 * whatever prints, serialises or inspects it shows `[secret]` (promise P11).
 */
import { isAbsolute, join } from 'node:path';
import { inspect } from 'node:util';
import { readText } from './config-file.ts';
import type { Environment } from './config-layers.ts';
import { ConfigError } from './config-problem.ts';

/** A text that shows itself only to who asks for it by name. */
export class Secret {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  reveal(): string {
    return this.#text;
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
  [inspect.custom](): string {
    return '[secret]';
  }
}

/** Name of the systemd credential (LoadCredential= in the unit). */
export const credentialName = 'keepa-api-key';

/** Where the key is looked for; a file is absolute. */
export type KeyPlace =
  | { readonly from: 'KEEPA_API_KEY' }
  | { readonly from: 'keepa.key_file' | 'credential'; readonly file: string };

/** The place that `readKey` takes the key from, or fails at; undefined when there is none. */
export function keyPlace(env: Environment, keyFile: string | undefined): KeyPlace | undefined {
  if (env.KEEPA_API_KEY?.trim()) return { from: 'KEEPA_API_KEY' };
  if (keyFile !== undefined) return { from: 'keepa.key_file', file: keyFile };
  const directory = env.CREDENTIALS_DIRECTORY;
  if (!directory || !isAbsolute(directory)) return undefined;
  const file = join(directory, credentialName);
  const read = readText(file);
  return 'text' in read || !read.isMissing ? { from: 'credential', file } : undefined;
}

/**
 * The key from `KEEPA_API_KEY`, else from `keyFile` (`keepa.key_file`), else from the systemd
 * credential `keepa-api-key`. White space around it, such as a file's last newline, is not part
 * of it.
 *
 * @throws ConfigError when there is none, or it cannot be one; the message does not quote it.
 */
export function readKey(env: Environment, keyFile: string | undefined): Secret {
  const place = keyPlace(env, keyFile);
  switch (place?.from) {
    case 'KEEPA_API_KEY':
      return checked('KEEPA_API_KEY', env.KEEPA_API_KEY?.trim() ?? '');
    case 'keepa.key_file':
      return keyFrom(place.file, 'keepa.key_file');
    case 'credential':
      return keyFrom(place.file, `credential ${credentialName}`);
    case undefined:
  }
  throw new ConfigError([
    {
      where: 'Keepa API key',
      what: 'missing',
      todo: `set KEEPA_API_KEY, or keepa.key_file, or the systemd credential ${credentialName}`,
    },
  ]);
}

/** As the key's. */
const tokenCredentialName = 'keepa-deals-http-token';
/** Shorter ones can be found by asking often enough. */
const tokenCharactersMin = 16;

/**
 * What people have to show to the control server over TCP: from `tokenFile` (`http_token_file`),
 * else from the systemd credential `keepa-deals-http-token`; undefined when there is neither.
 *
 * @throws ConfigError when it cannot be read or is none; the message does not quote it.
 */
export function readHttpToken(env: Environment, tokenFile: string | undefined): Secret | undefined {
  if (tokenFile !== undefined) return tokenFrom(tokenFile, 'http_token_file');
  const directory = env.CREDENTIALS_DIRECTORY;
  if (!directory || !isAbsolute(directory)) return undefined;
  const path = join(directory, tokenCredentialName);
  const read = readText(path);
  if (!('text' in read) && read.isMissing) return undefined;
  return tokenFrom(path, `credential ${tokenCredentialName}`);
}

function tokenFrom(path: string, where: string): Secret {
  const read = readText(path);
  if (!('text' in read))
    throw new ConfigError([{ where, what: `${path} cannot be read: ${read.why}` }]);
  const token = read.text.trim();
  if (token.length >= tokenCharactersMin && /^[\x21-\x7e]+$/.test(token)) return new Secret(token);
  const what = `is no token: at least ${tokenCharactersMin} characters without white space`;
  throw new ConfigError([{ where: `${where} (${path})`, what, todo: 'openssl rand -hex 32' }]);
}

/** @throws ConfigError when the file cannot be read or holds no key. */
export function keyFrom(path: string, where: string): Secret {
  const read = readText(path);
  if ('text' in read) return checked(`${where} (${path})`, read.text.trim());
  throw new ConfigError([{ where, what: `${path} cannot be read: ${read.why}` }]);
}

/** A key travels in a URL: one with white space or a quote in it was pasted wrongly. */
function checked(where: string, text: string): Secret {
  if (/^[\x21-\x7e]+$/.test(text)) return new Secret(text);
  const what = text === '' ? 'is empty' : 'is no key: it has white space or letters no key has';
  throw new ConfigError([{ where, what, todo: 'copy it again from keepa.com/#!api' }]);
}
