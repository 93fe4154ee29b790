/**
 * Stores what was paid for, again and again until it is stored.
 *
 * Spending on while the store cannot write would pile up answers in memory, to be lost with the
 * process. So the broker buys nothing meanwhile, and says why.
 *
 * That is right for what can pass: a lock, a full disk. An answer that cannot be stored for what
 * it says is tried a few times and then let go, or it would stop all spending for ever, after a
 * restart as well.
 */
import { backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Random } from '../runtime/random.ts';

export type Stored =
  | { readonly kind: 'stored' }
  /** It never will be: a newer process writes now, or we had to stop. */
  | { readonly kind: 'given-up'; readonly why: string }
  /** It was tried a few times and failed for nothing that could pass. */
  | { readonly kind: 'unstorable'; readonly why: string };

const backoff = { firstMs: 500, capMs: 30_000 };
/** A fault of ours may be one of the moment; seven seconds are enough to know. */
const lastingFailuresMax = 5;

/**
 * Repeats `write` until it succeeds, `isFinal` says that it never will, the signal aborts, or it
 * failed five times with what `canPass` does not excuse.
 * `onFailure` hears of every failure that is followed by another try. Never rejects.
 */
export async function storeUntilDone(
  write: () => Promise<void>,
  options: {
    readonly clock: Clock;
    readonly random: Random;
    readonly isFinal: (error: unknown) => boolean;
    readonly canPass: (error: unknown) => boolean;
    readonly onFailure: (why: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<Stored> {
  const { clock, random, isFinal, canPass, onFailure, signal } = options;
  let lastingFailures = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await write();
      return { kind: 'stored' };
    } catch (error) {
      const why = describeError(error);
      if (isFinal(error) || signal.aborted) return { kind: 'given-up', why };
      if (!canPass(error)) lastingFailures += 1;
      if (lastingFailures >= lastingFailuresMax) return { kind: 'unstorable', why };
      onFailure(why);
    }
    try {
      await clock.sleep(backoffMs(attempt, { ...backoff, random }), signal);
    } catch {
      return { kind: 'given-up', why: 'stopped before it could be stored' };
    }
  }
}
