/**
 * One round of an actor that has several kinds of work, each in a stage of its own.
 *
 * The first stage that finds something to do does one piece of it, and that was the pass: so the
 * order of the stages is the order of importance, asked anew after every piece. A stage that runs
 * into trouble steps back for a while and the others go on, because one endpoint that fails must
 * not stand in the way of work that could be done.
 */
import { tickMs } from '../broker/token-bucket.ts';
import type { PassReport } from '../runtime/actor.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log, LogFields } from '../runtime/log.ts';

/** What a piece of work came to. */
export interface Round {
  readonly counts: LogFields;
  /** Something went wrong: what, and how long the stage steps back. */
  readonly trouble?: { readonly why: string; readonly pauseMs: number };
}

export interface Stage {
  readonly name: string;
  /** Does one piece of its work; undefined: there is none. */
  work(signal: AbortSignal): Promise<Round | undefined>;
}

/** After a request that died; the broker has backed off already. */
export const deadPauseMs = 2 * tickMs;
/** Before something that Keepa refuses as it is gets another chance. */
export const hopelessPauseMs = 3_600_000;
/** While there is nothing to do: looking costs a query, and news come every few minutes. */
const idleWaitMs = 60_000;
/** Two rounds never share an instant: the store knows an answer that it has already by its time. */
const nextRoundMs = 1;

/** Makes the pass: one piece of work of the first stage that has any. */
export function passOver(
  stages: readonly Stage[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): (signal: AbortSignal) => Promise<PassReport> {
  const pausedUntilMs = new Map<string, number>();
  return async (signal) => {
    for (const { name, work } of stages) {
      if (signal.aborted) break;
      if ((pausedUntilMs.get(name) ?? 0) > clock.monotonic()) continue;
      const round = await work(signal);
      if (round === undefined) continue;
      const { counts, trouble } = round;
      if (trouble === undefined)
        return { counts: { stage: name, ...counts }, nextInMs: nextRoundMs };
      pausedUntilMs.set(name, clock.monotonic() + trouble.pauseMs);
      if (!signal.aborted) log.warn('stage-paused', { stage: name, ...trouble });
      return { counts: { stage: name, ...counts, why: trouble.why }, nextInMs: nextRoundMs };
    }
    return { counts: { stage: 'none' }, nextInMs: idleWaitMs };
  };
}
