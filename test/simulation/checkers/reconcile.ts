/**
 * total = the sum over the states, wherever deals are counted, and both are what is in the table.
 */
import { AssertionError } from 'node:assert';
import { dealStates } from '../../../src/store/ports.ts';
import type { Tables } from '../fault-tables.ts';
import type { Checker, Watched } from './checker.ts';

export class ReconcileChecker implements Checker {
  readonly #run: Watched;

  constructor(run: Watched) {
    this.#run = run;
  }

  async look(tables: Tables): Promise<void> {
    const counts = await this.#counts();
    if (counts === undefined) return;
    const sum = dealStates.reduce((total, state) => total + counts[state], 0);
    const there = tables.deals().length;
    if (counts.total === sum && sum === there) return;
    this.#run.fail(
      'reconcile',
      `total ${counts.total}, sum of the states ${sum}, rows in the table ${there}`,
    );
  }

  /** The store compares them itself, and throws when they differ. */
  async #counts() {
    try {
      return await this.#run.host.current?.store?.reader.countByState();
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      this.#run.fail('reconcile', error.message);
      return undefined;
    }
  }
}
