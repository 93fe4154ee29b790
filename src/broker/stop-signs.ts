/**
 * Why nothing is spent, when nothing is: said once in the log when it begins and when it ends.
 *
 * One reason may give way to another, as where a lease is lost in a pause; only the end of the last
 * one has the spending go on.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { type Stop, type StopCause, stopCauses } from './request.ts';

export class StopSigns {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onStopped: () => void;
  readonly #signs = new Map<StopCause, Stop>();
  #freeSinceMs = Number.NEGATIVE_INFINITY;

  /** `onStopped` is called when spending stops, just before it does. */
  constructor({ clock, log, onStopped }: { clock: Clock; log: Log; onStopped(): void }) {
    this.#clock = clock;
    this.#log = log;
    this.#onStopped = onStopped;
  }

  /** Monotonic: since when spending is allowed, unless it is not; minus infinity: always was. */
  get freeSinceMs(): number {
    return this.#freeSinceMs;
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
    if (this.current === undefined) this.#onStopped();
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
    const afterMs = this.#clock.now() - sign.sinceMs;
    const still = this.current?.cause;
    if (still !== undefined) {
      this.#log.info('stop-replaced', { cause, still, afterMs });
      return;
    }
    this.#freeSinceMs = this.#clock.monotonic();
    this.#log.info('spending-resumed', { cause, afterMs });
  }

  /** What a person asked for is no warning. */
  #tell({ cause }: Stop, why: string): void {
    if (cause === 'paused') this.#log.info('spending-stopped', { cause, why });
    else this.#log.warn('spending-stopped', { cause, why });
  }
}
