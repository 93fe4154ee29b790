/**
 * P2: no checkpoint is ever ahead of the store.
 *
 * Whenever a cursor is written, the sweep that it names is in the database, and as far on: the
 * database is read from the disk at that very instant, by another connection.
 */
import type { PortCall } from '../fault-life.ts';
import type { Checker, Watched } from './checker.ts';

export class CheckpointChecker implements Checker {
  readonly #run: Watched;

  constructor(run: Watched) {
    this.#run = run;
  }

  done({ name, args }: PortCall, value: unknown): void {
    if (name !== 'checkpoints.write' || value !== true) return;
    const [checkpoint, cursor] = args as [string, { sweep: number; page: number }];
    const feed = checkpoint.replace(/^sweep\//, '');
    const stored = this.#run.tables()?.newestSweep(feed);
    const isAhead =
      stored === undefined ||
      cursor.sweep > stored.number ||
      (cursor.sweep === stored.number && cursor.page > stored.nextPage);
    if (!isAhead) return;
    const there = stored === undefined ? 'none' : `sweep ${stored.number} page ${stored.nextPage}`;
    this.#run.fail(
      'P2-checkpoint-ahead',
      `${checkpoint} says sweep ${cursor.sweep} page ${cursor.page}, the store has ${there}`,
    );
  }
}
