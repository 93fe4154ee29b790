/**
 * A log that becomes one hash: two runs of one seed are the same when their hashes are.
 */
import { createHash } from 'node:crypto';
import type { Log, LogFields, LogLevel } from '../../src/runtime/log.ts';

export interface TraceLine {
  readonly atMs: number;
  readonly level: LogLevel;
  readonly scope: string;
  readonly event: string;
  readonly fields: LogFields;
}

/** Everything that happened, in order; what was said last is kept to be shown. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #listeners: ((line: TraceLine) => void)[] = [];
  #root: string | undefined;

  /** A directory that has another name in each run of a seed. */
  leaveOut(root: string): void {
    this.#root = root;
  }

  note(text: string): void {
    const same = this.#root === undefined ? text : text.replaceAll(this.#root, '');
    this.#hash.update(same).update('\n');
  }

  onLine(listener: (line: TraceLine) => void): void {
    this.#listeners.push(listener);
  }

  say(line: TraceLine): void {
    this.note(`${line.atMs} ${line.scope} ${line.event} ${JSON.stringify(line.fields)}`);
    for (const listener of this.#listeners) listener(line);
  }

  digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}

/** The log of one life; a dead one says nothing. */
export function traceLog(options: {
  readonly trace: Trace;
  readonly nowMs: () => number;
  readonly isSilent: () => boolean;
  readonly scope?: string;
}): Log {
  const { trace, nowMs, isSilent, scope = '' } = options;
  const say =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (!isSilent()) trace.say({ atMs: nowMs(), level, scope, event, fields });
    };
  return {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    scoped: (inner) => traceLog({ ...options, scope: inner }),
  };
}
