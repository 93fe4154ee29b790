/**
 * What the running daemon does when it is asked to, beside its standing work.
 *
 * It uses the daemon's own writer, broker and rules, so an action is fenced, paid and judged like
 * everything else. Of each action one runs at a time: a second person who asks for the same gains
 * nothing by doing it twice.
 */
import type { Rules } from './actors/judging.ts';
import { buyOnDemand } from './actors/on-demand.ts';
import type { PurchaseParts } from './actors/product-purchase.ts';
import { rejudgeAndCompare } from './actors/rejudge-changes.ts';
import type { WorkPause } from './daemon-pause.ts';
import { describePause } from './daemon-pause.ts';
import type { Log } from './runtime/log.ts';
import {
  ActionRefusedError,
  type ControlActions,
  type PauseResult,
  type RefreshOrder,
  type RefreshResult,
} from './status/actions.ts';
import type { PauseOrder } from './store/ports.ts';

export interface ActingParts extends PurchaseParts {
  readonly rules: Rules;
  readonly pause: WorkPause;
  readonly log: Log;
  /** Aborts when the daemon stops. */
  readonly signal: AbortSignal;
}

/**
 * The actions. `parts` is asked for anew each time and throws ActionRefusedError while the daemon
 * does not work.
 */
export function daemonActions(parts: () => ActingParts): ControlActions {
  const running = new Set<string>();
  const alone = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (running.has(name)) throw new ActionRefusedError(`${name}: it is at it already`);
    running.add(name);
    try {
      return await work();
    } finally {
      running.delete(name);
    }
  };
  return {
    rejudge: (onProgress) =>
      alone('rejudge', async () => {
        const { log, ...own } = parts();
        const outcome = await rejudgeAndCompare({ ...own, onStep: onProgress });
        const { judged, unreadable, isComplete } = outcome;
        log.info('rejudged', { judged, unreadable, isComplete });
        return outcome;
      }),
    confirmHeld: () =>
      alone('confirm-held', async () => {
        const { log, writer } = parts();
        const rows = await writer.confirmHeld();
        log.info('held-confirmed', { rows });
        return rows;
      }),
    refresh: (order, onQueued) =>
      alone(`refresh of ${order.asin}`, () => refresh(parts(), order, onQueued)),
    pause: (order) => alone('pause or resume', () => begin(parts(), order)),
    resume: () =>
      alone('pause or resume', () => {
        const { pause, writer } = parts();
        return pause.end(writer);
      }),
  };
}

async function begin(
  { pause, writer, broker, clock }: ActingParts,
  order: PauseOrder,
): Promise<PauseResult> {
  if (order.untilMs !== undefined && order.untilMs <= clock.now()) {
    throw new ActionRefusedError('the end of the pause is in the past');
  }
  const begun = await pause.begin(writer, order);
  return { pause: begun, underWay: broker.snapshot().inFlight?.purpose ?? null };
}

async function refresh(
  parts: ActingParts,
  order: RefreshOrder,
  onQueued: (waitBoundMs: number | undefined) => void,
): Promise<RefreshResult> {
  const { broker, log, rules, signal } = parts;
  const pause = parts.pause.current();
  if (pause !== undefined) throw new ActionRefusedError(`it is ${describePause(pause)}`);
  const { stopped } = broker.snapshot();
  if (stopped?.cause === 'payment-required') {
    throw new ActionRefusedError(`no token is spent: ${stopped.why}`);
  }
  const bought = await buyOnDemand(parts, {
    ...order,
    rules,
    signal,
    onQueued: () => onQueued(boundOf(broker)),
  });
  if ('refused' in bought) throw new ActionRefusedError(bought.refused);
  const costTokens = Number(bought.counts.tokens ?? 0);
  if (costTokens === 0 && signal.aborted) throw new ActionRefusedError('it was told to stop');
  const why = whyUndecided(bought);
  log.info('refreshed', { asin: order.asin, costTokens, why: why ?? null });
  return { costTokens, why: why ?? null };
}

/** The bound is that of the class's head; behind it each waits for those before it. */
function boundOf(broker: ActingParts['broker']): number | undefined {
  const { queued, waitBoundMs } = broker.snapshot().classes.interactive;
  return waitBoundMs === undefined ? undefined : waitBoundMs * Math.max(1, queued);
}

function whyUndecided({
  counts,
  trouble,
  fitsItems,
}: Exclude<Awaited<ReturnType<typeof buyOnDemand>>, { readonly refused: string }>):
  | string
  | undefined {
  if (trouble !== undefined) return trouble.why;
  if (fitsItems !== undefined) return 'it costs more than the class interactive can ever save';
  return Number(counts.retry ?? 0) > 0 ? 'the answer was not complete' : undefined;
}
