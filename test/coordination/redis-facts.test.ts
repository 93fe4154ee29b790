/**
 * What a real Redis says of itself, however it was set up, and where it does not say everything.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRedisFacts } from '../../src/coordination/redis-facts.ts';
import { parseRedisUrl } from '../../src/coordination/redis-url.ts';
import { type Persistence, RedisServer, withoutRedis } from './redis-process.ts';

const limits = { skip: withoutRedis };
const kinds: readonly (readonly [Persistence, boolean, boolean])[] = [
  ['none', false, false],
  ['rdb', false, true],
  ['aof', true, false],
];

for (const [persistence, isAppending, isDumping] of kinds) {
  test(`version, memory and persistence ${persistence} are told`, limits, async () => {
    const args = ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'];
    const server = await RedisServer.start({ persistence, args });
    try {
      const { version, memoryBytes, ...facts } = await readRedisFacts(parseRedisUrl(server.url));
      assert.match(version, /^\d+\.\d+\.\d+$/);
      assert.ok(memoryBytes > 0 && memoryBytes < 50 * 2 ** 20, String(memoryBytes));
      assert.deepEqual(facts, {
        isAppending,
        isDumping,
        memoryBytesMax: 50 * 2 ** 20,
        evictionPolicy: 'allkeys-lru',
      });
    } finally {
      await server.remove();
    }
  });
}

test('one that hides its configuration leaves only that open', limits, async () => {
  const server = await RedisServer.start({ args: ['--rename-command', 'CONFIG', ''] });
  try {
    const facts = await readRedisFacts(parseRedisUrl(server.url));
    assert.equal(facts.isDumping, undefined);
    assert.equal(facts.evictionPolicy, 'noeviction');
  } finally {
    await server.remove();
  }
});
