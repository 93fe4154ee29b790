/**
 * The Redis that the configuration names, as the commands need it.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config } from '../config.ts';
import { parseRedisUrl, type RedisPlace } from '../coordination/redis-url.ts';
import { CliError, exitCodes, systemReason } from './cli-error.ts';

/** A shorter one would be struck out of words that have nothing to do with it. */
const struckOutMin = 4;

/**
 * Where it is; undefined when none is named. Its password is among `secrets` afterwards: no message
 * is to hold it.
 *
 * @throws CliError (78) when the URL cannot be meant, or the file of CAs cannot be used.
 */
export function redisPlaceOf(
  { redisUrl, redisCaFile }: Pick<Config, 'redisUrl' | 'redisCaFile'>,
  secrets: Set<string>,
): RedisPlace | undefined {
  if (redisUrl === undefined) return undefined;
  const place = placeAt(redisUrl.reveal());
  if ((place.password?.length ?? 0) >= struckOutMin) secrets.add(place.password ?? '');
  if (redisCaFile === undefined) return place;
  if (!('isTls' in place.address && place.address.isTls)) {
    throw mistaken(`redis_ca_file ${redisCaFile}`, {
      why: `${place.text} is without TLS`,
      todo: 'write rediss:// in redis_url, or take the file out',
    });
  }
  return { ...place, trustedCas: readCas(redisCaFile) };
}

function placeAt(url: string): RedisPlace {
  try {
    return parseRedisUrl(url);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const todo = 'write it as redis://:password@host:6379/0';
    throw mistaken('redis_url', { why: error.message, todo });
  }
}

/** TLS itself takes a file without any certificate for one that trusts nobody, and says nothing. */
function readCas(path: string): string {
  const what = `redis_ca_file ${path}`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const todo = 'name a file that this user may read';
    throw mistaken(what, { why: systemReason(error), todo });
  }
  try {
    new X509Certificate(text);
    return text;
  } catch {
    const todo = 'it begins with -----BEGIN CERTIFICATE-----';
    throw mistaken(what, { why: 'there is no certificate in it', todo });
  }
}

function mistaken(what: string, { why, todo }: { why: string; todo: string }): CliError {
  return new CliError(exitCodes.badConfig, { what, why, todo });
}
