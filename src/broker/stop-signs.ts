/**
 * Why nothing is spent, when nothing is: said once in the log when it begins and when it ends.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { type Stop, type StopCause, stopCauses } from './request.ts';

export class StopSigns {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #signs = new Map<StopCause, Stop>();

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** The gravest reason; undefined: spending is allowed. */
  get current(): Stop | undefined {
    const cause = stopCauses.find((name) => this.#signs.has(name));
    return cause && this.#signs.get(cause);
  }

  /** True once Keepa refused the key: only a new start can end that. */
  get isHalted(): boolean {
    return this.#signs.has('invalid-key');
  }

  /** True while nothing but an unpaid plan is in the way: that is tried again now and then. */
  get isTrying(): boolean {
    return this.#signs.size === 1 && this.#signs.has('payment-required');
  }

  raise(cause: StopCause, why: string): Stop {
    const sinceMs = this.#signs.get(cause)?.sinceMs;
    const sign: Stop = { cause, why, sinceMs: sinceMs ?? this.#clock.now() };
    this.#signs.set(cause, sign);
    if (sinceMs === undefined) this.#tell(sign, why);
    return sign;
  }

  lift(cause: Exclude<StopCause, 'invalid-key'>): void {
    const sign = this.#signs.get(cause);
    if (sign === undefined) return;
    this.#signs.delete(cause);
    this.#log.info('spending-resumed', { cause, afterMs: this.#clock.now() - sign.sinceMs });
  }

  /** What a person asked for is no warning. */
  #tell({ cause }: Stop, why: string): void {
    if (cause === 'paused') this.#log.info('spending-stopped', { cause, why });
    else this.#log.warn('spending-stopped', { cause, why });
  }
}
