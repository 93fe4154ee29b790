/**
 * Re-runs the rules over all kept evidence and tells what that changed: how many rows went from
 * which state to which. For a person who has changed the costs or the limits, the rows that stayed
 * what they were are the least of the news.
 *
 * It works in steps of one bounded round and lets everything else have its turn in between: judging
 * is pure computing, and a process that only computes neither renews its lease nor answers.
 */
import type { DealKey } from '../store/judging-ports.ts';
import { type RejudgingOptions, rejudgeAll } from './kept-evidence.ts';

/** Rows that went from one state to another. */
interface StateChange {
  readonly from: string;
  readonly to: string;
  readonly rows: number;
}

export interface RejudgeOutcome {
  readonly judged: number;
  /** Rows whose kept evidence could not be read: as they were, and to be bought anew. */
  readonly unreadable: number;
  /** The most frequent first. */
  readonly changes: readonly StateChange[];
  /** False: it was stopped before it had seen all; what it had judged is stored. */
  readonly isComplete: boolean;
}

/** Judges all of it, step by step; `onStep` hears of the rows judged so far. */
export async function rejudgeAndCompare(
  options: RejudgingOptions & {
    readonly signal: AbortSignal;
    onStep?(judged: number): void;
  },
): Promise<RejudgeOutcome> {
  const { clock, signal, onStep } = options;
  const changes = new Map<string, StateChange>();
  const sums = { judged: 0, unreadable: 0 };
  let after: DealKey | undefined;
  let isComplete = false;
  while (!isComplete && !signal.aborted) {
    const step = await oneRound(options, { after, changes });
    sums.judged += step.processed - step.retry;
    sums.unreadable += step.retry;
    onStep?.(sums.judged);
    after = step.after;
    isComplete = after === undefined;
    if (!isComplete) await clock.sleep(0);
  }
  const ordered = [...changes.values()].sort((a, b) => b.rows - a.rows);
  return { ...sums, changes: ordered, isComplete };
}

/** Stops the work after its first round; without `after` in the result there was none any more. */
function oneRound(
  options: RejudgingOptions,
  { after, changes }: { after: DealKey | undefined; changes: Map<string, StateChange> },
): ReturnType<typeof rejudgeAll> {
  const round = new AbortController();
  return rejudgeAll({
    ...options,
    ...(after === undefined ? {} : { after }),
    signal: round.signal,
    onRound: () => round.abort(),
    onJudged: ({ state: from }, { verdict: to }) => {
      if (from === to) return;
      const key = `${from} ${to}`;
      changes.set(key, { from, to, rows: (changes.get(key)?.rows ?? 0) + 1 });
    },
  });
}
