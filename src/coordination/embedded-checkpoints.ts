/**
 * Checkpoints in the embedded file, each one JSON text.
 *
 * The fence is compared over all names, not per name: a writer that was taken over must not bring
 * back a checkpoint that its successor has removed, or has not written yet.
 *
 * Invariant: the newest fence seen never goes down, and no write under an older one happens.
 */
import type { Clock } from '../runtime/clock.ts';
import type { CoordinationFile } from './embedded-file.ts';
import { checkedName } from './names.ts';
import type { Checkpoints } from './ports.ts';

interface CheckpointRow {
  name: string;
  value: string;
  written_at_ms: number;
}

export class EmbeddedCheckpoints implements Checkpoints {
  readonly #file: CoordinationFile;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(file: CoordinationFile, clock: Pick<Clock, 'now'>) {
    this.#file = file;
    this.#clock = clock;
    this.#statements = prepare(file);
  }

  async read(name: string): Promise<unknown> {
    const row = this.#statements.get.get(checkedName(name));
    return row === undefined ? undefined : JSON.parse(row.value);
  }

  async write(name: string, value: unknown, fence: number): Promise<boolean> {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`checkpoint "${name}": not a JSON value`);
    const row = { name: checkedName(name), value: text, written_at_ms: this.#clock.now() };
    const write = this.#file.transaction(() => {
      const newest = this.#statements.newestFence.get()?.newest;
      if (newest !== undefined && newest > fence) return false;
      this.#statements.putFence.run(fence);
      this.#statements.put.run(row);
      return true;
    });
    return write.immediate();
  }

  async list(): Promise<
    readonly { readonly name: string; readonly value: unknown; readonly writtenAtMs: number }[]
  > {
    return this.#statements.all.all().map(({ name, value, written_at_ms }) => ({
      name,
      value: JSON.parse(value),
      writtenAtMs: written_at_ms,
    }));
  }

  async remove(name: string): Promise<boolean> {
    return this.#statements.remove.run(checkedName(name)).changes === 1;
  }
}

function prepare(file: CoordinationFile) {
  return {
    get: file.prepare<[string], CheckpointRow>('select * from checkpoints where name = ?'),
    all: file.prepare<[], CheckpointRow>('select * from checkpoints order by name'),
    put: file.prepare<[CheckpointRow]>(
      'insert or replace into checkpoints values (@name, @value, @written_at_ms)',
    ),
    remove: file.prepare<[string]>('delete from checkpoints where name = ?'),
    newestFence: file.prepare<[], { newest: number }>('select newest from checkpoint_fence'),
    putFence: file.prepare<[number]>(
      'insert or replace into checkpoint_fence (id, newest) values (1, ?)',
    ),
  };
}
