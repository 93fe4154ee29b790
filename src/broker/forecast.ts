/**
 * Looks ahead: when will the next admission be possible if nothing else happens?
 *
 * It deals the coming lumps by the very rules that will deal them, so what `status` prints as the
 * next action is what will be done.
 */
import { borrowerIn, creditCaps, isAdmissible, type Situation } from './admission.ts';
import { dealLump, hundredthsPerToken } from './credits.ts';
import { spendClasses } from './request.ts';
import { advanceBucket } from './token-bucket.ts';

export interface Forecast {
  /** On the clock of `nowMs`. */
  readonly atMs: number;
  /** The balance by then: what there is now, and the lumps that are waited for. */
  readonly balance: number;
}

/** The longest saving that the smallest plan needs, after the deepest debt ever seen. */
export const forecastHours = 10;
const ticksMax = 60 * forecastHours;

/**
 * Undefined without a head, or when none can be admitted within ten hours. In the past when the
 * situation is one of the past in which something could have been admitted.
 */
export function forecastAdmission<P>(now: Situation<P>): Forecast | undefined {
  const heads = spendClasses.flatMap((name) => now.queue.head(name) ?? []);
  if (heads.length === 0) return undefined;
  let situation = now;
  for (let tick = 0; tick <= ticksMax; tick += 1) {
    const { bucket, nowMs } = situation;
    const isNext = heads.some((head) => isAdmissible(situation, head));
    if (isNext || borrowerIn(situation) !== undefined) {
      return { atMs: nowMs, balance: bucket.balance };
    }
    situation = afterNextLump(situation);
  }
  return undefined;
}

function afterNextLump<P>(situation: Situation<P>): Situation<P> {
  const { bucket, lumps } = advanceBucket(situation.bucket, situation.bucket.nextLumpAtMs);
  const next = { ...situation, bucket, nowMs: situation.bucket.nextLumpAtMs };
  const credits = lumps.reduce(
    (dealt, lump) =>
      dealLump(dealt, {
        shares: situation.policy.shares,
        caps: creditCaps(next),
        amount: lump * hundredthsPerToken,
      }),
    situation.credits,
  );
  return { ...next, credits };
}
