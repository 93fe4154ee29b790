/**
 * The Redis that the configuration names, as the commands need it.
 */
import type { Secret } from '../config-key.ts';
import { parseRedisUrl, type RedisPlace } from '../coordination/redis-url.ts';
import { CliError, exitCodes } from './cli-error.ts';

/** A shorter one would be struck out of words that have nothing to do with it. */
const struckOutMin = 4;

/**
 * Where it is. Its password is among `secrets` afterwards: no message is to hold it.
 *
 * @throws CliError (78) when the URL cannot be meant.
 */
export function redisPlaceOf(redisUrl: Secret, secrets: Set<string>): RedisPlace {
  try {
    const place = parseRedisUrl(redisUrl.reveal());
    if ((place.password?.length ?? 0) >= struckOutMin) secrets.add(place.password ?? '');
    return place;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const todo = 'write it as redis://:password@host:6379/0';
    throw new CliError(exitCodes.badConfig, { what: 'redis_url', why: error.message, todo });
  }
}
