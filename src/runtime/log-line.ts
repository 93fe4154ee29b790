/**
 * How one log line looks: to a machine a JSON object, to a person a short sentence.
 *
 * Invariants:
 * - the text is one line whatever the values hold, without terminal control characters;
 * - in JSON a field never replaces one of the heads (`time`, `level`, `scope`, `event`).
 */
import type { LogFields, LogLevel, LogValue } from './log.ts';

export interface LogLine {
  readonly level: LogLevel;
  /** '' when no part in particular speaks. */
  readonly scope: string;
  readonly event: string;
  readonly fields: LogFields;
  /** How many more of the same were said and not written since this line was last written. */
  readonly repeated: number;
  /** How many other lines were left out before this one, to keep the volume bounded. */
  readonly suppressed: number;
}

const colours = { debug: 2, info: 36, warn: 33, error: 31 } as const satisfies Record<
  LogLevel,
  number
>;

/** One JSON object, with its newline. */
export function renderJson(line: LogLine, atMs: number): string {
  const heads = {
    time: new Date(atMs).toISOString(),
    level: line.level,
    scope: line.scope,
    event: line.event,
  };
  const tails = {
    ...(line.repeated > 0 ? { repeated: line.repeated } : {}),
    ...(line.suppressed > 0 ? { suppressed: line.suppressed } : {}),
  };
  const reserved = new Set([...Object.keys(heads), 'repeated', 'suppressed']);
  const fields = Object.entries(line.fields).map(([name, value]) => [
    reserved.has(name) ? `${name}_` : name,
    // JSON turns NaN and the infinities into null, which would look like "absent".
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  ]);
  return `${JSON.stringify({ ...heads, ...Object.fromEntries(fields), ...tails })}\n`;
}

/**
 * `2026-05-01 12:00:00Z info  upserter pass rows=150`, with its newline. `redact` sees the text
 * as a whole, so that what only the spaces between two fields complete is struck out too.
 */
export function renderHuman(
  line: LogLine,
  atMs: number,
  options: { readonly colour: boolean; readonly redact: (text: string) => string },
): string {
  const fields = Object.entries(line.fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${quote(value)}`);
  const counts = [
    ...(line.repeated > 0 ? [`(repeated ${times(line.repeated)})`] : []),
    ...(line.suppressed > 0 ? [`(${line.suppressed} lines left out before this)`] : []),
  ];
  const said = [line.scope, line.event, ...fields, ...counts].filter((part) => part !== '');
  const text = escapeControls(options.redact(said.join(' ')));
  const time = new Date(atMs).toISOString().replace('T', ' ').replace(/\..*/, 'Z');
  const level = line.level.padEnd(5);
  if (!options.colour) return `${time} ${level} ${text}\n`;
  return `${paint(time, 2)} ${paint(level, colours[line.level])} ${text}\n`;
}

function quote(value: LogValue): string {
  if (typeof value !== 'string') return String(value);
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function paint(text: string, colour: number): string {
  return `\u001b[${colour}m${text}\u001b[0m`;
}
