/** A log that keeps what was said, for tests that assert on it. */
import type { Log, LogFields, LogLevel } from '../../src/runtime/log.ts';

export interface Said {
  readonly level: LogLevel;
  readonly scope: string;
  readonly event: string;
  readonly fields: LogFields;
}

export class RecordedLog implements Log {
  readonly said: Said[];
  readonly #scope: string;

  constructor(said: Said[] = [], scope = '') {
    this.said = said;
    this.#scope = scope;
  }

  debug(event: string, fields: LogFields = {}): void {
    this.said.push({ level: 'debug', scope: this.#scope, event, fields });
  }

  info(event: string, fields: LogFields = {}): void {
    this.said.push({ level: 'info', scope: this.#scope, event, fields });
  }

  warn(event: string, fields: LogFields = {}): void {
    this.said.push({ level: 'warn', scope: this.#scope, event, fields });
  }

  error(event: string, fields: LogFields = {}): void {
    this.said.push({ level: 'error', scope: this.#scope, event, fields });
  }

  scoped(scope: string): Log {
    return new RecordedLog(this.said, scope);
  }
}
