/**
 * The log's implementation: consola sorts by level and scope, and what passes is redacted,
 * throttled and written as one line.
 *
 * consola's own throttling is off: it runs on the real clock and would hold lines back by a timer.
 * Its `core` is used because it reads no environment and comes without a reporter of its own.
 *
 * Invariants:
 * - no secret leaves in a line, in whatever field, name or spelling (redaction comes before
 *   shortening: half a secret would not be recognised);
 * - every call to `write` carries one whole line with its newline.
 */
import { type ConsolaInstance, createConsola, LogLevels } from 'consola/core';
import type { Clock } from './clock.ts';
import type { Log, LogFields, LogLevel, LogValue } from './log.ts';
import { type LogLine, renderHuman, renderJson } from './log-line.ts';
import { LogThrottle } from './log-throttle.ts';
import { redactorOf } from './redaction.ts';

/** A longer text is a payload; the log wants its beginning. */
const charactersMax = 1_000;

export interface LogOptions {
  readonly clock: Clock;
  /** Gets one line, newline included. */
  write(text: string): void;
  readonly format: 'human' | 'json';
  /** Lines below it are not written. At `debug`, which a person chose, no line is left out. */
  readonly level: LogLevel;
  /** What must never be written; empty strings are ignored. */
  readonly secrets: readonly string[];
  /** Terminal colours, in the human format only. */
  readonly colour: boolean;
}

export interface FlushableLog extends Log {
  /** From now on lines below it are not written, in whatever scope. */
  setLevel(level: LogLevel): void;
  /** Writes the counts of repeated lines that are still held back. Call it before the end. */
  flush(): void;
}

export function createLog(options: LogOptions): FlushableLog {
  const { clock, colour, format } = options;
  const redact = redactorOf(options.secrets);
  // Not consola's own level: each scope would keep the one that it was made with.
  let level = options.level;
  const throttle = new LogThrottle({
    clock,
    write: options.write,
    hasBudget: () => level !== 'debug',
    render: (line) =>
      format === 'json'
        ? renderJson(line, clock.now())
        : renderHuman(line, clock.now(), { colour, redact }),
  });
  const logger = createConsola({
    level: LogLevels.debug,
    // Consola compares with the time since its last line, negative when the clock stepped back.
    throttle: Number.NEGATIVE_INFINITY,
    reporters: [
      {
        log: ({ type, level: rank, tag, args: [event, fields] }) => {
          if (rank > LogLevels[level]) return;
          throttle.offer(cleanLine({ level: type as LogLevel, scope: tag, event, fields }, redact));
        },
      },
    ],
  });
  const setLevel = (next: LogLevel): void => {
    level = next;
  };
  return { ...logOn(logger), setLevel, flush: () => throttle.flush() };
}

function logOn(logger: ConsolaInstance): Log {
  // Two arguments, always: a single object with a `message` would be taken apart by consola.
  return {
    debug: (event, fields) => logger.debug(event, fields ?? {}),
    info: (event, fields) => logger.info(event, fields ?? {}),
    warn: (event, fields) => logger.warn(event, fields ?? {}),
    error: (event, fields) => logger.error(event, fields ?? {}),
    scoped: (scope) => logOn(logger.withTag(scope)),
  };
}

function cleanLine(
  said: Pick<LogLine, 'level' | 'scope' | 'event' | 'fields'>,
  redact: (text: string) => string,
): LogLine {
  return {
    level: said.level,
    scope: redact(said.scope),
    event: redact(said.event),
    fields: cleanFields(said.fields, redact),
    repeated: 0,
    suppressed: 0,
  };
}

function cleanFields(fields: LogFields, redact: (text: string) => string): LogFields {
  const clean = ([name, value]: [string, LogValue]): [string, LogValue] => [
    redact(name),
    cleanValue(value, redact),
  ];
  return Object.fromEntries(Object.entries(fields).map(clean));
}

function cleanValue(value: LogValue, redact: (text: string) => string): LogValue {
  if (typeof value === 'number') {
    const text = String(value);
    return redact(text) === text ? value : redact(text);
  }
  if (typeof value !== 'string') return value;
  const safe = redact(value);
  return safe.length > charactersMax ? `${safe.slice(0, charactersMax)}…` : safe;
}
