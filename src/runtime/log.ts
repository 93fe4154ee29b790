/**
 * The log, as a port: an event name and flat fields, one line each.
 *
 * On a terminal a person reads it, elsewhere a machine does (one JSON object a line). Secrets are
 * struck out here, at the door, so no caller can leak one by forgetting (promise P11).
 */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogValue = string | number | boolean | null | undefined;
export type LogFields = Readonly<Record<string, LogValue>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log, every line marked with the part that speaks (for example `upserter`). */
  scoped(scope: string): Log;
}
