/**
 * What a Redis says of itself that people should know before they rely on it: its version, whether
 * it remembers anything over a restart, and what it does when its memory is full.
 *
 * Nothing here decides anything. A Redis without persistence costs repeated work; one that evicts
 * keys of its own accord may take a lease away at any moment, which costs a new one.
 */
import { CoordinationRefusedError } from './ports.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisPlace } from './redis-url.ts';

export interface RedisFacts {
  readonly version: string;
  /** Whether it appends every write to a file. */
  readonly isAppending: boolean;
  /** Whether it dumps its memory now and then, and at its end; undefined: it won't say. */
  readonly isDumping: boolean | undefined;
  readonly memoryBytes: number;
  /** 0: no limit. */
  readonly memoryBytesMax: number;
  /** What becomes of keys at the limit; `noeviction`: none is dropped, and writes are refused. */
  readonly evictionPolicy: string;
}

/** Asks it. @throws CoordinationAwayError, CoordinationRefusedError */
export async function readRedisFacts(place: RedisPlace): Promise<RedisFacts> {
  const link = new RedisLink(place);
  try {
    const told = fieldsOf(String(await link.call('INFO')));
    return {
      version: told.get('redis_version') ?? 'unknown',
      isAppending: told.get('aof_enabled') === '1',
      isDumping: await hasSavePoints(link),
      memoryBytes: Number(told.get('used_memory') ?? 0),
      memoryBytesMax: Number(told.get('maxmemory') ?? 0),
      evictionPolicy: told.get('maxmemory_policy') ?? 'unknown',
    };
  } finally {
    await link.close();
  }
}

/** Hosted ones do not let everybody see their configuration. */
async function hasSavePoints(link: RedisLink): Promise<boolean | undefined> {
  try {
    const answer = await link.call('CONFIG', 'GET', 'save');
    return Array.isArray(answer) && answer.length > 1 ? answer[1] !== '' : undefined;
  } catch (error) {
    if (error instanceof CoordinationRefusedError) return undefined;
    throw error;
  }
}

/** `name:value` lines under headings. */
function fieldsOf(info: string): ReadonlyMap<string, string> {
  const lines = info.split('\r\n').filter((line) => /^\w+:/.test(line));
  return new Map(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
}
