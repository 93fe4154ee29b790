/**
 * `pause` and `resume`: a person's wish that nothing be spent, kept by the store until it ends.
 *
 * Asked of the running daemon where there is one, else written down for the next. Either way what
 * is answered holds already: after `pause` no further request is sent.
 */
import { systemClock } from '../runtime/clock.ts';
import { actionPaths, type PauseResult } from '../status/actions.ts';
import { type PauseReport, pauseReport } from '../status/report-fields.ts';
import type { Pause, PauseOrder } from '../store/ports.ts';
import { getDone } from './at-work.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import type { PlaceFlags } from './reading.ts';
import { clockText, relativeText } from './words.ts';

export interface PauseFlags extends PlaceFlags {
  /** Milliseconds. */
  readonly for?: number;
  /** Unix milliseconds. */
  readonly until?: number;
  readonly reason?: string;
  readonly json?: boolean;
}

/** @throws CliError (2) for an end in the past, and as `getDone`. */
export async function pause(flags: PauseFlags, context: CliContext): Promise<number> {
  const { terminal } = context;
  const clock = systemClock();
  const order = orderOf(flags, clock.now());
  const result = await getDone<PauseResult>(flags, context, {
    path: `${actionPaths.pause}?${queryOf(order)}`,
    doing: 'pause',
    resultIn: (line) => (line.event === 'paused' ? line.result : undefined),
    doHere: async ({ writer }) => {
      return { pause: await writer.beginPause({ ...order, atMs: clock.now() }), underWay: null };
    },
  });
  if (flags.json === true) {
    const { underWay } = result;
    terminal.out(`${JSON.stringify({ schema: 1, pause: pauseReport(result.pause), underWay })}\n`);
  } else {
    terminal.out(`${pauseText(result, clock.now())}\n`);
  }
  return exitCodes.fine;
}

/** Fine also when nothing was paused: what was wanted is so. @throws as `getDone`. */
export async function resume(
  flags: PlaceFlags & { readonly json?: boolean },
  context: CliContext,
): Promise<number> {
  const { terminal } = context;
  const clock = systemClock();
  const ended = await getDone<{ readonly pause: Pause | undefined }>(flags, context, {
    path: actionPaths.resume,
    doing: 'resume',
    resultIn: (line) => (line.event === 'resumed' ? { pause: line.pause ?? undefined } : undefined),
    doHere: async ({ writer }) => ({ pause: await writer.endPause(clock.now()) }),
  });
  const was: PauseReport | null = pauseReport(ended.pause);
  if (flags.json === true) {
    terminal.out(`${JSON.stringify({ schema: 1, pause: null, ended: was })}\n`);
  } else if (ended.pause === undefined) {
    terminal.out('it was not paused\n');
  } else {
    terminal.out(`resumed; it was paused ${relativeText(ended.pause.sinceMs, clock.now())}\n`);
  }
  return exitCodes.fine;
}

function orderOf({ for: spanMs, until, reason }: PauseFlags, nowMs: number): PauseOrder {
  const untilMs = until ?? (spanMs === undefined ? undefined : nowMs + spanMs);
  if (untilMs !== undefined && untilMs <= nowMs) {
    throw new CliError(exitCodes.usage, {
      what: until === undefined ? '--for' : '--until',
      why: 'the pause would be over already',
      todo: 'name a later end, or none',
    });
  }
  return {
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function queryOf({ untilMs, reason }: PauseOrder): string {
  const query = new URLSearchParams();
  if (untilMs !== undefined) query.set('until', String(untilMs));
  if (reason !== undefined) query.set('reason', reason);
  return query.toString();
}

function pauseText({ pause: { untilMs, reason }, underWay }: PauseResult, nowMs: number): string {
  const until =
    untilMs === undefined
      ? 'until keepa-deals resume'
      : `until ${clockText(untilMs, nowMs)} (${relativeText(untilMs, nowMs)})`;
  const why = reason === undefined ? '' : ` (${reason})`;
  const rest = underWay === null ? '' : `; what is under way (${underWay}) is finished first`;
  return `paused ${until}${why}: no token is spent${rest}`;
}
