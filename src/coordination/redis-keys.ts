/**
 * Our keys in a Redis that others may use too: four of them per API key, under one prefix.
 *
 * What stands there may be anything, since anybody with the password can write it. Whatever a
 * script or a reader cannot understand is renamed and reported, and the work goes on without it: it
 * costs repeated work, as an emptied Redis does.
 */
import { printable } from '../runtime/printable.ts';
import { RedisGarbageError } from './redis-failure.ts';
import type { RedisLink } from './redis-link.ts';
import { setAsideScript } from './redis-scripts.ts';

const prefix = 'keepa-deals';
/** Braces keep all keys of one API key together wherever keys are spread by their name. */
const ourKey = /^keepa-deals:\{([^{}]+)\}:(?:leases|fences|checkpoints|checkpoint-fence)$/;

type KeyName = 'leases' | 'fences' | 'checkpoints' | 'checkpoint-fence';

export class RedisKeys {
  readonly #link: RedisLink;
  readonly #keyHash: string;
  readonly #onNotice: (notice: string) => void;
  readonly #changesNothing: boolean;

  /** `changesNothing`: garbage is thrown as RedisGarbageError, and stays where it is. */
  constructor(
    link: RedisLink,
    options: {
      readonly keyHash: string;
      readonly changesNothing?: boolean;
      onNotice(notice: string): void;
    },
  ) {
    this.#link = link;
    this.#keyHash = options.keyHash;
    this.#changesNothing = options.changesNothing ?? false;
    // Names of keys and fields are whatever somebody wrote there.
    this.#onNotice = (notice) => options.onNotice(printable(notice));
  }

  /** Runs a script, a second time when garbage was in its way. */
  run(
    script: string,
    { keys, args }: { keys: readonly KeyName[]; args: readonly (string | number)[] },
  ): Promise<unknown> {
    const full = keys.map((name) => this.#full(name));
    return this.#repaired(keys, () =>
      this.#link.call('EVAL', script, full.length, ...full, ...args),
    );
  }

  /** Every field of a hash, with its text. */
  async fields(name: KeyName): Promise<readonly (readonly [string, string])[]> {
    const flat = await this.#repaired([name], () => this.#link.call('HGETALL', this.#full(name)));
    if (!Array.isArray(flat)) return [];
    const texts = flat.map(String);
    return texts.flatMap((text, at) => (at % 2 === 0 ? [[text, texts[at + 1] ?? '']] : []));
  }

  async field(name: KeyName, field: string): Promise<string | undefined> {
    const text = await this.#repaired([name], () =>
      this.#link.call('HGET', this.#full(name), field),
    );
    return typeof text === 'string' ? text : undefined;
  }

  /** False when there was no such field. */
  async remove(name: KeyName, field: string): Promise<boolean> {
    const removed = await this.#repaired([name], () =>
      this.#link.call('HDEL', this.#full(name), field),
    );
    return removed === 1;
  }

  /** Milliseconds by Redis' clock. */
  async now(): Promise<number> {
    const time = await this.#link.call('TIME');
    const [seconds, micros] = Array.isArray(time) ? time.map(Number) : [];
    return (seconds ?? 0) * 1000 + Math.floor((micros ?? 0) / 1000);
  }

  /** Says that a field is unreadable, without touching it. */
  report(name: KeyName, field: string): void {
    this.#onNotice(`${this.#link.place.text}: ${this.#full(name)} has garbage under ${field}`);
  }

  /** Renames the key and says so. */
  async setAside(name: KeyName): Promise<void> {
    await this.#setAside(this.#full(name));
  }

  async #repaired<T>(keys: readonly KeyName[], work: () => Promise<T>): Promise<T> {
    // Each round puts at least one key aside, so there are no more rounds than keys.
    for (let left = keys.length; ; left -= 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof RedisGarbageError) || left === 0) throw error;
        if (this.#changesNothing) throw error;
        await this.#setAside(error.key ?? (await this.#ofAnotherType(keys)));
      }
    }
  }

  async #ofAnotherType(keys: readonly KeyName[]): Promise<string> {
    for (const name of keys) {
      const type = await this.#link.call('TYPE', this.#full(name));
      const ours = name === 'checkpoint-fence' ? 'string' : 'hash';
      if (type !== ours && type !== 'none') return this.#full(name);
    }
    throw new RedisGarbageError(undefined);
  }

  async #setAside(key: string): Promise<void> {
    const aside = await this.#link.call('EVAL', setAsideScript, 1, key);
    const where = this.#link.place.text;
    this.#onNotice(`${where}: the key ${key} held something else; it is now ${String(aside)}`);
  }

  #full(name: KeyName): string {
    return `${prefix}:{${this.#keyHash}}:${name}`;
  }
}

/** Hashes of all API keys that something is kept for in this Redis, in order. */
export async function keyHashesIn(link: RedisLink): Promise<readonly string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const match = `${prefix}:{*}:*`;
    const page = await link.call('SCAN', cursor, 'MATCH', match, 'COUNT', 1_000);
    const [next, keys] = Array.isArray(page) ? page : ['0', []];
    for (const key of Array.isArray(keys) ? keys : []) {
      const hash = ourKey.exec(String(key))?.[1];
      if (hash !== undefined) found.add(hash);
    }
    cursor = String(next);
  } while (cursor !== '0');
  return [...found].sort();
}
