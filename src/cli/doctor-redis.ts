/**
 * `doctor` on the Redis that keeps leases and checkpoints, where there is one: whether it can be
 * used, what it remembers, and what it forgets by itself.
 */
import { CoordinationAwayError, CoordinationRefusedError } from '../coordination/ports.ts';
import type { RedisFacts } from '../coordination/redis-facts.ts';
import { CliError } from './cli-error.ts';
import { bytesText } from './doctor-disk.ts';
import type { Facts } from './doctor-facts.ts';
import { broken, type Finding, fine, note, orFine, skipped, warning } from './doctor-finding.ts';
import { redisPlaceOf } from './redis.ts';

/** The first that has all that is needed. */
const majorMin = 5;
/** Of the limit that it may use. */
const memoryShareMax = 0.9;

export async function checkRedis({ loaded, context }: Facts): Promise<readonly Finding[]> {
  try {
    const place = redisPlaceOf(loaded.config, context.secrets);
    if (place === undefined) {
      return [skipped('redis', 'none is configured: leases and checkpoints are in files')];
    }
    const { readRedisFacts } = await import('../coordination/redis-facts.ts');
    const facts = await readRedisFacts(place);
    return [versionOf(facts, place.text), ...remembering(facts), ...forgetting(facts)];
  } catch (error) {
    return [unusable(error)];
  }
}

const why = 'without its lease the daemon spends nothing';

/** @throws what is no failure of Redis. */
function unusable(error: unknown): Finding {
  if (error instanceof CoordinationRefusedError) {
    return broken('redis', { what: error.message, why, todo: error.todo });
  }
  if (error instanceof CoordinationAwayError) {
    return broken('redis', { what: error.message, why, todo: 'start it, or correct redis_url' });
  }
  if (error instanceof CliError) {
    return broken('redis', { what: error.message, why, todo: 'correct redis_url' });
  }
  throw error;
}

function versionOf({ version }: RedisFacts, place: string): Finding {
  const major = Number.parseInt(version, 10);
  if (!(major < majorMin)) return fine('redis', `${place} answers, version ${version}`);
  const todo = `take version ${majorMin} or later`;
  return warning('redis', { what: `${place} is version ${version}`, why: 'it is too old', todo });
}

function remembering({ isAppending, isDumping }: RedisFacts): readonly Finding[] {
  const id = 'redis-persistence';
  if (isAppending) return [fine(id, 'it appends every write to a file')];
  if (isDumping === undefined) return [skipped(id, 'it does not show its configuration')];
  if (isDumping) return [fine(id, 'it dumps its memory to disk now and then')];
  return [
    note(id, {
      what: 'it keeps nothing on disk',
      why: 'when it restarts, leases and checkpoints are gone: some pages are bought twice',
      todo: 'set appendonly yes in its configuration, unless that is meant',
    }),
  ];
}

function forgetting(facts: RedisFacts): readonly Finding[] {
  const id = 'redis-memory';
  const { memoryBytes, memoryBytesMax, evictionPolicy: policy } = facts;
  const limit = memoryBytesMax === 0 ? 'no limit' : `of ${bytesText(memoryBytesMax)}`;
  const shown = `${bytesText(memoryBytes)} in use, ${limit}, ${policy}`;
  const found: Finding[] = [];
  if (policy.startsWith('allkeys')) {
    found.push(
      warning(id, {
        what: `it may throw any key away (${policy}; ${shown})`,
        why: 'a lease that vanishes lets a second daemon in, until the fence refuses the first',
        todo: 'set maxmemory-policy noeviction, or take a Redis of its own',
      }),
    );
  }
  if (memoryBytesMax > 0 && memoryBytes > memoryShareMax * memoryBytesMax) {
    found.push(
      warning(id, {
        what: `its memory is nearly full: ${shown}`,
        why: 'it refuses writes when it is, and without its lease the daemon spends nothing',
        todo: 'give it room: maxmemory',
      }),
    );
  }
  return orFine(found, fine(id, shown));
}
