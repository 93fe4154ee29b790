/**
 * P11: the key appears in no output: no line of the log, no file of the database, no status.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { TraceLine } from '../trace-log.ts';
import type { Checker, Watched } from './checker.ts';
import { statusDocument } from './status-document.ts';

export class SecretsChecker implements Checker {
  readonly #run: Watched;

  constructor(run: Watched) {
    this.#run = run;
  }

  said({ scope, event, fields }: TraceLine): void {
    if (!JSON.stringify({ event, fields }).includes(this.#run.key)) return;
    this.#run.fail('P11-key', `the key is in a line of the log: ${scope} ${event}`);
  }

  async look(): Promise<void> {
    const report = await statusDocument(this.#run);
    if (!JSON.stringify(report ?? {}).includes(this.#run.key)) return;
    this.#run.fail('P11-key', 'the key is in the status');
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
