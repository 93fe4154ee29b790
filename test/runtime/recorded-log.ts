/** A log that keeps what was said, for tests that assert on it. */
import type { Log, LogFields, LogLevel } from '../../src/runtime/log.ts';

export interface Said {
  readonly level: LogLevel;
  readonly scope: string;
  readonly event: string;
  readonly fields: LogFields;
}

/** What all scopes of one log share. */
interface Record {
  readonly said: Said[];
  readonly listeners: ((said: Said) => void)[];
}

export class RecordedLog implements Log {
  readonly #record: Record;
  readonly #scope: string;

  constructor(record: Record = { said: [], listeners: [] }, scope = '') {
    this.#record = record;
    this.#scope = scope;
  }

  get said(): readonly Said[] {
    return this.#record.said;
  }

  /** Calls the listener with every line from now on, of whatever scope, as it is said. */
  listen(listener: (said: Said) => void): void {
    this.#record.listeners.push(listener);
  }

  debug(event: string, fields: LogFields = {}): void {
    this.#say('debug', event, fields);
  }

  info(event: string, fields: LogFields = {}): void {
    this.#say('info', event, fields);
  }

  warn(event: string, fields: LogFields = {}): void {
    this.#say('warn', event, fields);
  }

  error(event: string, fields: LogFields = {}): void {
    this.#say('error', event, fields);
  }

  scoped(scope: string): Log {
    return new RecordedLog(this.#record, scope);
  }

  #say(level: LogLevel, event: string, fields: LogFields): void {
    const said = { level, scope: this.#scope, event, fields };
    this.#record.said.push(said);
    for (const listener of this.#record.listeners) listener(said);
  }
}
