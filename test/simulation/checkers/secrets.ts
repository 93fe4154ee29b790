/**
 * P11: the key appears in no output: no line of the log, no file of the database, no status.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { TraceLine } from '../trace-log.ts';
import type { Checker, Watched } from './checker.ts';

export class SecretsChecker implements Checker {
  readonly #run: Watched;

  constructor(run: Watched) {
    this.#run = run;
  }

  said({ scope, event, fields }: TraceLine): void {
    if (!JSON.stringify({ event, fields }).includes(this.#run.key)) return;
    this.#run.fail('P11-key', `the key is in a line of the log: ${scope} ${event}`);
  }

  end(): void {
    const { dealsPath } = this.#run.host;
    for (const path of [dealsPath, `${dealsPath}-wal`]) {
      if (existsSync(path) && readFileSync(path).includes(this.#run.key)) {
        this.#run.fail('P11-key', 'the key is in the database');
      }
    }
  }
}
