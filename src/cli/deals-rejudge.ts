/**
 * `deals rejudge`: runs the rules over all kept evidence again, after the costs or the limits were
 * changed or with a new version of the rules. It costs no token.
 */
import { type RejudgeOutcome, rejudgeAndCompare } from '../actors/rejudge-changes.ts';
import { systemClock } from '../runtime/clock.ts';
import { actionPaths } from '../status/actions.ts';
import { getDone } from './at-work.ts';
import { exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { type PlaceFlags, readConfig, withStore } from './reading.ts';
import type { Terminal } from './terminal.ts';

export interface RejudgeFlags extends PlaceFlags {
  readonly json?: boolean;
}

/** The exit code is 1 when it was stopped before the end, or evidence could not be read. */
export async function rejudge(flags: RejudgeFlags, context: CliContext): Promise<number> {
  const { terminal } = context;
  const { dataDir, costs, acceptance } = readConfig(flags, context);
  // A data directory without a database is told as such, and not made into one.
  await withStore(dataDir, async () => undefined);
  const tell = progressTeller(terminal);
  let isByDaemon = false;
  const outcome = await getDone<RejudgeOutcome>(flags, context, {
    path: actionPaths.rejudge,
    doing: 'deals rejudge',
    onLine: (line) => {
      isByDaemon = true;
      if (line.event === 'progress') tell(line.judged);
    },
    resultIn: (line) => (line.event === 'rejudged' ? line.outcome : undefined),
    doHere: (parts) => {
      const clock = systemClock();
      return rejudgeAndCompare({ ...parts, clock, rules: { costs, acceptance }, onStep: tell });
    },
  });
  if (terminal.isTalkTty) terminal.write(clearLine);
  terminal.out(flags.json === true ? jsonOf(outcome) : textOf(outcome));
  if (isByDaemon) {
    terminal.say('judged by the rules that the daemon works by; a reload (SIGHUP) changes them');
  }
  if (!outcome.isComplete) terminal.say('keepa-deals: it was stopped before the end; run it again');
  return outcome.isComplete && outcome.unreadable === 0 ? exitCodes.fine : exitCodes.failed;
}

const clearLine = '\r\u001b[K';

/** Progress is for who looks at it. */
function progressTeller(terminal: Terminal): (judged: number) => void {
  return (judged) => {
    if (terminal.isTalkTty) terminal.write(`${clearLine}${judged} rows judged`);
  };
}

function jsonOf({ judged, unreadable, changes, isComplete }: RejudgeOutcome): string {
  return `${JSON.stringify({ schema: 1, judged, unreadable, complete: isComplete, changes })}\n`;
}

function textOf({ judged, unreadable, changes }: RejudgeOutcome): string {
  const changed = changes.reduce((sum, { rows }) => sum + rows, 0);
  const lines = [
    `${judged} rows judged again, ${changed} of them changed`,
    ...changes.map(({ from, to, rows }) => `  ${from} -> ${to}: ${rows}`),
  ];
  if (unreadable > 0) {
    lines.push(`${unreadable} rows have evidence that cannot be read; it is bought anew`);
  }
  return `${lines.join('\n')}\n`;
}
