/**
 * Keeps the log small whatever happens: a fault that repeats for a week must not fill a disk.
 *
 * Two rules. A line that says the same as the last one of its kind (level, scope and event) is
 * counted instead of written, and the count is written after a quiet time that doubles from one
 * minute to one hour. Whatever is still too much meets a budget of bytes: once it is used up, lines
 * are left out and the next one that is written says how many. Routine lines may not use the last
 * part of the budget, so that a chatty hour cannot hide an error.
 *
 * Nothing here owns a timer: a count is written when something is next said, or on `flush`.
 *
 * Invariants:
 * - every line offered is written, counted in a `repeated`, or counted in a `suppressed`;
 * - at most `burstBytes` + `bytesPerDay` are written within any 24 hours, and one line at a flush.
 */
import type { Clock } from './clock.ts';
import type { LogLine } from './log-line.ts';

/** Together 640 KiB in the worst day, and about 110 lines an hour without end. */
const burstBytes = 192 * 1024;
const bytesPerDay = 448 * 1024;
/** What only warnings and errors may use. */
const reservedBytes = 64 * 1024;
const dayMs = 24 * 60 * 60_000;

const quietMsFirst = 60_000;
const quietMsMax = 60 * 60_000;
/** Events are literals in the code, so their kinds are few; this bounds a mistake. */
const kindsMax = 500;

export interface LogThrottleOptions {
  readonly clock: Clock;
  render(line: LogLine): string;
  write(text: string): void;
  /** False: repeated lines are still folded, but nothing is left out. */
  hasBudget(): boolean;
}

interface Kind {
  readonly line: LogLine;
  readonly sameness: string;
  readonly quietMs: number;
  readonly quietUntilMs: number;
  repeated: number;
}

export class LogThrottle {
  readonly #options: LogThrottleOptions;
  readonly #kinds = new Map<string, Kind>();
  #budgetBytes = burstBytes;
  #budgetAtMs: number;
  #suppressed = 0;

  constructor(options: LogThrottleOptions) {
    this.#options = options;
    this.#budgetAtMs = options.clock.monotonic();
  }

  /** Writes the line, or counts it. */
  offer(line: LogLine): void {
    const nowMs = this.#options.clock.monotonic();
    this.#writeDueCounts(nowMs);
    const key = JSON.stringify([line.level, line.scope, line.event]);
    const sameness = samenessOf(line);
    const last = this.#kinds.get(key);
    if (last?.sameness === sameness && nowMs < last.quietUntilMs) {
      last.repeated += 1;
      return;
    }
    if (last) this.#writeCount(last);
    this.#remember(key, { line, sameness, quietMs: quietMsFirst, nowMs });
    this.#write(line);
  }

  /** Writes every count that is still held back. Call it once nothing more will be said. */
  flush(): void {
    for (const kind of this.#kinds.values()) this.#writeCount(kind);
    this.#kinds.clear();
    if (this.#suppressed === 0) return;
    const line = { level: 'warn', scope: 'log', event: 'lines-left-out', fields: {} } as const;
    const { render, write } = this.#options;
    write(render({ ...line, repeated: 0, suppressed: this.#suppressed }));
    this.#suppressed = 0;
  }

  #writeDueCounts(nowMs: number): void {
    for (const [key, kind] of this.#kinds) {
      if (kind.repeated === 0 || nowMs < kind.quietUntilMs) continue;
      this.#writeCount(kind);
      const quietMs = Math.min(quietMsMax, kind.quietMs * 2);
      this.#remember(key, { line: kind.line, sameness: kind.sameness, quietMs, nowMs });
    }
  }

  #remember(
    key: string,
    said: {
      readonly line: LogLine;
      readonly sameness: string;
      readonly quietMs: number;
      readonly nowMs: number;
    },
  ): void {
    const { line, sameness, quietMs, nowMs } = said;
    this.#kinds.set(key, { line, sameness, quietMs, quietUntilMs: nowMs + quietMs, repeated: 0 });
    if (this.#kinds.size <= kindsMax) return;
    const [oldest] = this.#kinds;
    if (oldest === undefined) return;
    this.#kinds.delete(oldest[0]);
    this.#writeCount(oldest[1]);
  }

  #writeCount(kind: Kind): void {
    if (kind.repeated > 0) this.#write({ ...kind.line, repeated: kind.repeated });
    kind.repeated = 0;
  }

  #write(line: LogLine): void {
    const text = this.#options.render({ ...line, suppressed: this.#suppressed });
    if (this.#options.hasBudget() && !this.#spend(Buffer.byteLength(text), line)) {
      this.#suppressed += Math.max(1, line.repeated);
      return;
    }
    this.#suppressed = 0;
    this.#options.write(text);
  }

  #spend(bytes: number, line: LogLine): boolean {
    const nowMs = this.#options.clock.monotonic();
    const earned = ((nowMs - this.#budgetAtMs) * bytesPerDay) / dayMs;
    this.#budgetBytes = Math.min(burstBytes, this.#budgetBytes + earned);
    this.#budgetAtMs = nowMs;
    const isUrgent = line.level === 'warn' || line.level === 'error';
    if (this.#budgetBytes - bytes < (isUrgent ? 0 : reservedBytes)) return false;
    this.#budgetBytes -= bytes;
    return true;
  }
}

/** Everything a line says, apart from durations: the same work never takes the same time twice. */
function samenessOf(line: LogLine): string {
  return JSON.stringify(Object.entries(line.fields).filter(([name]) => !/^ms$|Ms$/.test(name)));
}
