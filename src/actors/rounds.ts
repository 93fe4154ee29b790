/**
 * One round of an actor that has several kinds of work, each in a stage of its own.
 *
 * The first stage that finds something to do does one piece of it, and that was the pass: so the
 * order of the stages is the order of importance, asked anew after every piece. A stage that runs
 * into trouble steps back for a while and the others go on, because one endpoint that fails must
 * not stand in the way of work that could be done.
 *
 * While there is nothing to do it looks again soon, then ever more rarely: what was just stored
 * often makes more work, and who has just started the program waits for the first verdict. Such a
 * look asks the store for nothing unless something was written since the last one, or five minutes
 * have passed, in which work may have come due by itself (a retry, an age; they are reckoned in
 * hours); and only the first that finds nothing is told.
 */
import { tickMs } from '../broker/token-bucket.ts';
import type { PassReport } from '../runtime/actor.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log, LogFields } from '../runtime/log.ts';
import type { DealReader } from '../store/ports.ts';

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
/** While there is nothing to do; it doubles: news come at once or every few minutes. */
const idleWaitMsFirst = 1_000;
const idleWaitMsMax = 60_000;
/** Until work that came due by itself is looked for. */
const dueWaitMs = 5 * idleWaitMsMax;
/** Two rounds never share an instant: the store knows an answer that it has already by its time. */
const nextRoundMs = 1;

interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly reader: Pick<DealReader, 'writes'>;
}

/** The last look into the store, which found nothing to do. */
interface Idle {
  /** What had been written when it began. */
  readonly writes: number;
  /** When to look again although nothing was written, monotonic. */
  readonly untilMs: number;
  readonly waitMs: number;
}

/** Makes the pass: one piece of work of the first stage that has any. */
export function passOver(
  stages: readonly Stage[],
  { clock, log, reader }: Surroundings,
): (signal: AbortSignal) => Promise<PassReport> {
  const pausedUntilMs = new Map<string, number>();
  let idle: Idle | undefined;
  return async (signal) => {
    const writes = reader.writes();
    const nowMs = clock.monotonic();
    if (idle !== undefined && idle.writes === writes && nowMs < idle.untilMs) {
      idle = { ...idle, waitMs: Math.min(idleWaitMsMax, 2 * idle.waitMs) };
      return idleReport(idle);
    }
    for (const { name, work } of stages) {
      if (signal.aborted) break;
      if ((pausedUntilMs.get(name) ?? 0) > clock.monotonic()) continue;
      const round = await work(signal);
      if (round === undefined) continue;
      idle = undefined;
      const { counts, trouble } = round;
      if (trouble === undefined)
        return { counts: { stage: name, ...counts }, nextInMs: nextRoundMs };
      pausedUntilMs.set(name, clock.monotonic() + trouble.pauseMs);
      if (!signal.aborted) log.warn('stage-paused', { stage: name, ...trouble });
      return { counts: { stage: name, ...counts, why: trouble.why }, nextInMs: nextRoundMs };
    }
    const waitMs = idle === undefined ? idleWaitMsFirst : Math.min(idleWaitMsMax, 2 * idle.waitMs);
    const steppedBack = [...pausedUntilMs.values()].filter((untilMs) => untilMs > nowMs);
    idle = { writes, untilMs: Math.min(nowMs + dueWaitMs, ...steppedBack), waitMs };
    return idleReport(idle);
  };
}

function idleReport({ waitMs }: Idle): PassReport {
  return { counts: { stage: 'none' }, nextInMs: waitMs, isQuiet: waitMs > idleWaitMsFirst };
}
