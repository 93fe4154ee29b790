/**
 * Whether this machine's clock can be believed, by what Keepa's says.
 *
 * With a clock that is wrong by years nothing is lost here: what must not be misjudged is judged by
 * time that passes, not by dates. But every date that is shown is wrong, and pages whose rows seem
 * to come from the future are not stored; so a person has to hear of it.
 */
import type { Log } from '../runtime/log.ts';

/** Beyond any delay of an answer, and below what makes a page's times implausible. */
const offsetMsMax = 5 * 60_000;

/** `offsetMs`: Keepa's clock minus ours. Undefined, before an answer, is no reason to doubt. */
export function isClockWrong(offsetMs: number | undefined): boolean {
  return Math.abs(offsetMs ?? 0) > offsetMsMax;
}

/** Says in the log when the clock turns out to be wrong, and when it is right again. */
export class ClockWatch {
  readonly #log: Log;
  #wasWrong = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** With the offset of each answer. */
  note(offsetMs: number): void {
    const isWrong = isClockWrong(offsetMs);
    if (isWrong !== this.#wasWrong) {
      if (isWrong) this.#log.warn('clock-wrong', { behindMinutes: Math.round(offsetMs / 60_000) });
      else this.#log.info('clock-right');
    }
    this.#wasWrong = isWrong;
  }
}
