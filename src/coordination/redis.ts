/**
 * Leases and checkpoints in Redis: the coordination of several machines.
 *
 * Nothing else is kept there (docs/decisions/0002). Redis may be emptied, restored from an old dump
 * or gone at any time: the fence is raised from the deals database again, and no work begins
 * without a lease.
 */
import type { Coordination, Owner } from './ports.ts';
import { RedisCheckpoints } from './redis-checkpoints.ts';
import { keyHashesIn, RedisKeys } from './redis-keys.ts';
import { RedisLeases } from './redis-leases.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisPlace } from './redis-url.ts';

export interface RedisCoordinationOptions {
  readonly place: RedisPlace;
  /** Hash of the API key: what is kept for one key is no concern of another. */
  readonly keyHash: string;
  /** Whether the owner cannot be running any more; in doubt false. */
  isProvablyDead(owner: Owner): boolean;
  /** For who only looks: garbage is reported by an error, and stays where it is. */
  readonly changesNothing?: boolean;
  /** Told, in one line, when garbage was found. */
  onNotice(notice: string): void;
}

/** Connects when it is first used; whatever Redis says against it is said then. */
export function redisCoordination(options: RedisCoordinationOptions): Coordination {
  const link = new RedisLink(options.place);
  return { ...partsOf(link, options), close: () => link.close() };
}

/** What is kept for one API key. */
interface Spender {
  readonly keyHash: string;
  readonly leases: RedisLeases;
  readonly checkpoints: RedisCheckpoints;
}

/** What is kept for every API key in one Redis, for people who look after it. */
export interface SharedRedis {
  readonly spenders: readonly Spender[];
  close(): Promise<void>;
}

/** @throws CoordinationAwayError, CoordinationRefusedError */
export async function openSharedRedis(
  options: Omit<RedisCoordinationOptions, 'keyHash'>,
): Promise<SharedRedis> {
  const link = new RedisLink(options.place);
  try {
    const hashes = await keyHashesIn(link);
    const spenders = hashes.map((keyHash) => ({
      keyHash,
      ...partsOf(link, { ...options, keyHash }),
    }));
    return { spenders, close: () => link.close() };
  } catch (error) {
    await link.close();
    throw error;
  }
}

function partsOf(
  link: RedisLink,
  { isProvablyDead, ...options }: RedisCoordinationOptions,
): Omit<Spender, 'keyHash'> {
  const keys = new RedisKeys(link, options);
  return {
    leases: new RedisLeases(keys, isProvablyDead),
    checkpoints: new RedisCheckpoints(keys),
  };
}
