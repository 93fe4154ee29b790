/**
 * Time, as an argument.
 *
 * Everything that waits or dates something gets a Clock, so the whole daemon runs in virtual time
 * from one seed. Wall time and monotonic time are kept apart: the wall clock names an instant and
 * may jump; the monotonic one measures a span and never goes back. Durations, deadlines and leases
 * use the second, whatever is written down for people or compared with Keepa uses the first.
 */

/** A pending call; cancelling one that has fired or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, Unix milliseconds. May jump in either direction. */
  now(): number;
  /** Milliseconds since an arbitrary origin of this process; never goes back. */
  monotonic(): number;
  /** Calls `fn` once, `ms` from now (at the earliest the next turn; negative counts as 0). */
  after(ms: number, fn: () => void): Timer;
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** setTimeout clamps longer delays to 1 ms, so a longer wait is walked in steps. */
const timerMsMax = 2 ** 31 - 1;

/** The machine's own time. */
export function systemClock(): Clock {
  const after = (ms: number, fn: () => void): Timer => {
    let left = Math.max(0, ms);
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const step = Math.min(left, timerMsMax);
      left -= step;
      handle = setTimeout(() => (left > 0 ? arm() : fn()), step);
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  };
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after,
    sleep: (ms, signal) => sleepOn({ after }, ms, signal),
  };
}

/** `sleep` in terms of `after`, for every implementation of Clock. */
export function sleepOn(
  clock: Pick<Clock, 'after'>,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
