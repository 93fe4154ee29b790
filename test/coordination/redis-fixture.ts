/**
 * Coordination in a real Redis, as the contract suites want it.
 *
 * The clock of a real server cannot be moved. What a lease is judged by is a difference, so letting
 * time pass is the same as dating every entry back. The time that really passes meanwhile comes on
 * top, and is far below `finestMs`.
 */
import type { Coordination, Owner } from '../../src/coordination/ports.ts';
import { redisCoordination } from '../../src/coordination/redis.ts';
import { RedisLink } from '../../src/coordination/redis-link.ts';
import { parseRedisUrl } from '../../src/coordination/redis-url.ts';
import type { CoordinationFixture } from '../contract/coordination-fixture.ts';

const dateBack = `
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  local entry = cjson.decode(redis.call('HGET', KEYS[1], name))
  entry.renewedAtMs = entry.renewedAtMs - ARGV[1]
  redis.call('HSET', KEYS[1], name, cjson.encode(entry))
end
`;
let fixtures = 0;

export class RedisFixture implements CoordinationFixture {
  readonly finestMs = 5_000;
  readonly keyHash: string;
  readonly notices: string[] = [];
  readonly #url: string;
  readonly #link: RedisLink;
  readonly #dead = new Set<string>();
  readonly #opened: Coordination[] = [];

  /** `operatorUrl`: what is done to it from outside, which its own user may not. */
  constructor(url: string, operatorUrl = url) {
    fixtures += 1;
    this.keyHash = `fixture${fixtures}`;
    this.#url = url;
    this.#link = new RedisLink(parseRedisUrl(operatorUrl));
  }

  async open(): Promise<Coordination> {
    const opened = redisCoordination({
      place: parseRedisUrl(this.#url),
      keyHash: this.keyHash,
      isProvablyDead: (owner) => this.#dead.has(owner.instance),
      onNotice: (notice) => this.notices.push(notice),
    });
    this.#opened.push(opened);
    return opened;
  }

  async advance(ms: number): Promise<void> {
    await this.command('EVAL', dateBack, 1, this.key('leases'), ms);
  }

  kill(owner: Owner): void {
    this.#dead.add(owner.instance);
  }

  async lose(): Promise<void> {
    const names = ['leases', 'fences', 'checkpoints', 'checkpoint-fence'];
    await this.command('DEL', ...names.map((name) => this.key(name)));
  }

  async close(): Promise<void> {
    for (const opened of this.#opened) await opened.close();
    await this.#link.close();
  }

  /** A key of ours by its full name. */
  key(name: string): string {
    return `keepa-deals:{${this.keyHash}}:${name}`;
  }

  command(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.#link.call(name, ...args);
  }
}
