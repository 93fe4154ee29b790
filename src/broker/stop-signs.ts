/**
 * Why nothing is spent, when nothing is: said once in the log when it begins and when it ends.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Stop } from './request.ts';

type Cause = NonNullable<Stop['cause']>;

/** The gravest first: the one that is shown. */
const causes: readonly Cause[] = ['invalid-key', 'payment-required', 'store', 'gate'];

export class StopSigns {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #signs = new Map<Cause, Stop>();

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** The gravest reason; undefined: spending is allowed. */
  get current(): Stop | undefined {
    const cause = causes.find((name) => this.#signs.has(name));
    return cause && this.#signs.get(cause);
  }

  /** True once Keepa refused the key or the plan: only a new start can end that. */
  get isHalted(): boolean {
    return this.#signs.has('invalid-key') || this.#signs.has('payment-required');
  }

  raise(cause: Cause, why: string): Stop {
    const sinceMs = this.#signs.get(cause)?.sinceMs;
    const sign: Stop = { cause, why, sinceMs: sinceMs ?? this.#clock.now() };
    this.#signs.set(cause, sign);
    if (sinceMs === undefined) this.#log.warn('spending-stopped', { cause, why });
    return sign;
  }

  lift(cause: 'gate' | 'store'): void {
    const sign = this.#signs.get(cause);
    if (sign === undefined) return;
    this.#signs.delete(cause);
    this.#log.info('spending-resumed', { cause, afterMs: this.#clock.now() - sign.sinceMs });
  }
}
