/**
 * Checkpoints in Redis, each one JSON text with the time it was written.
 *
 * As in the embedded file, the fence is compared over all names: a writer that was taken over must
 * not bring back what its successor has removed. A value that cannot be read counts as none, for
 * the deals database alone then says what it holds.
 */
import { z } from 'zod';
import { checkedName } from './names.ts';
import type { Checkpoints } from './ports.ts';
import type { RedisKeys } from './redis-keys.ts';
import { advanceScript } from './redis-scripts.ts';

// The value passes as it is: a checked copy would lose what zod has no place for.
const writtenSchema = z
  .object({ writtenAtMs: z.number(), value: z.unknown() })
  .refine(({ value }) => value !== undefined);
type Written = z.infer<typeof writtenSchema>;

export class RedisCheckpoints implements Checkpoints {
  readonly #keys: RedisKeys;

  constructor(keys: RedisKeys) {
    this.#keys = keys;
  }

  async read(name: string): Promise<unknown> {
    const text = await this.#keys.field('checkpoints', checkedName(name));
    if (text === undefined) return undefined;
    const written = readWritten(text);
    if (written === undefined) await this.#keys.setAside('checkpoints');
    return written?.value;
  }

  async write(name: string, value: unknown, fence: number): Promise<boolean> {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`checkpoint "${name}": not a JSON value`);
    const args = [checkedName(name), text, fence];
    const keys = ['checkpoints', 'checkpoint-fence'] as const;
    return (await this.#keys.run(advanceScript, { keys, args })) === 1;
  }

  async list(): Promise<
    readonly { readonly name: string; readonly value: unknown; readonly writtenAtMs: number }[]
  > {
    const fields = await this.#keys.fields('checkpoints');
    const entries = fields.flatMap(([name, text]) => {
      const written = readWritten(text);
      if (written === undefined) this.#keys.report('checkpoints', name);
      return written === undefined ? [] : { name, ...written };
    });
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async remove(name: string): Promise<boolean> {
    return await this.#keys.remove('checkpoints', checkedName(name));
  }
}

function readWritten(text: string): Written | undefined {
  try {
    return writtenSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
