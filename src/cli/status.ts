/**
 * `status`: asks the daemon, and reads the database where there is none to ask.
 *
 * A dead daemon must not look like a waiting one, nor like an error of this command: its state is
 * `stopped` (or `stalled`, if its process hangs), with the last that is known.
 */
import { systemClock } from '../runtime/clock.ts';
import type { StatusReport } from '../status/report-fields.ts';
import { StoreOpenError } from '../store/store-open-error.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { socketPath } from './data-dir.ts';
import { type PlaceFlags, readConfig, withFigures } from './reading.ts';
import { askDaemon, type DaemonAnswer } from './status-client.ts';

export interface StatusFlags extends PlaceFlags {
  readonly watch?: boolean;
  readonly json?: boolean;
}

const watchMs = 2_000;
const clearScreen = '\u001b[H\u001b[2J';

/** The exit code: 0 working or waiting, 3 anything that a person should look at. */
export async function status(flags: StatusFlags, context: CliContext): Promise<number> {
  const { terminal } = context;
  const { dataDir } = readConfig(flags, context);
  if (flags.watch === true && !terminal.isOutTty) {
    throw new CliError(exitCodes.usage, {
      what: '--watch',
      why: 'standard output is no terminal',
      todo: 'leave it out, or repeat the command',
    });
  }
  const clock = systemClock();
  for (;;) {
    const report = await reportOn(dataDir);
    if (flags.watch === true) terminal.out(clearScreen);
    await show(report, flags, context);
    if (flags.watch !== true) return codeOf(report);
    await clock.sleep(watchMs);
  }
}

function codeOf({ state }: StatusReport): number {
  const unwell: readonly StatusReport['state'][] = ['degraded', 'stalled', 'stopped'];
  return unwell.includes(state) ? exitCodes.unwell : exitCodes.fine;
}

async function show(
  report: StatusReport,
  { json }: StatusFlags,
  { terminal }: CliContext,
): Promise<void> {
  if (json === true) {
    terminal.out(`${JSON.stringify(report)}\n`);
    return;
  }
  const { statusLines } = await import('./status-text.ts');
  const lines = statusLines(report, { isColoured: terminal.hasOutColour });
  terminal.out(`${lines.join('\n')}\n`);
}

/** A daemon that we cannot understand or may not ask: it is not dead, and nothing else is known. */
function notAsked(
  dataDir: string,
  answer: Extract<DaemonAnswer, { kind: 'foreign' | 'denied' }>,
): CliError {
  const what = `the daemon behind ${socketPath(dataDir)}`;
  if (answer.kind === 'denied') {
    const why = 'permission denied';
    return new CliError(exitCodes.unavailable, { what, why, todo: 'ask as the user who runs it' });
  }
  const why = `it is of another version: ${answer.why}`;
  const todo = 'use the keepa-deals that it runs from, or restart it with this one';
  return new CliError(exitCodes.unavailable, { what, why, todo });
}

async function reportOn(dataDir: string): Promise<StatusReport> {
  const clock = systemClock();
  const answer = await askDaemon(socketPath(dataDir), clock);
  if (answer.kind === 'answered') return answer.report;
  if (answer.kind === 'foreign' || answer.kind === 'denied') throw notAsked(dataDir, answer);
  const { buildSilentReport, emptyReport } = await import('../status/silent-report.ts');
  const silent = {
    nowMs: clock.now(),
    dataDir,
    hangs: answer.kind === 'silent' ? answer.why : undefined,
  };
  try {
    return await withFigures(dataDir, (reader) => buildSilentReport({ ...silent, reader }));
  } catch (error) {
    const isUnborn = error instanceof StoreOpenError && error.reason === 'missing';
    if (!isUnborn) throw error;
    return emptyReport(silent);
  }
}
