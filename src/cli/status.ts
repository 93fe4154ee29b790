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
import { describeFailure } from './failure.ts';
import { type PlaceFlags, readConfig, withFigures } from './reading.ts';
import { askDaemon, type DaemonAnswer } from './status-client.ts';
import type { ScreenSize } from './terminal.ts';

export interface StatusFlags extends PlaceFlags {
  readonly watch?: boolean;
  readonly json?: boolean;
}

const watchMs = 2_000;
const clearScreen = '\u001b[H\u001b[2J';

/**
 * The exit code: 0 working or waiting, 3 anything that a person should look at. With `watch` it is
 * shown anew until the person has seen enough, whatever one look meets.
 */
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
  if (flags.watch === true) return await watch(dataDir, flags, context);
  const report = await reportOn(dataDir);
  const isColoured = terminal.hasOutColour;
  terminal.out(flags.json === true ? asJson(report) : await asText(report, { isColoured }));
  return codeOf(report);
}

async function watch(dataDir: string, { json }: StatusFlags, context: CliContext): Promise<never> {
  const clock = systemClock();
  for (;;) {
    const shown = await seen(dataDir, { isJson: json === true, context });
    context.terminal.out(clearScreen + shown);
    await clock.sleep(watchMs);
  }
}

/** One look; also what kept us from it, for the next may go well. */
async function seen(
  dataDir: string,
  { isJson, context }: { readonly isJson: boolean; readonly context: CliContext },
): Promise<string> {
  const { terminal, secrets } = context;
  const size = { columns: terminal.columns(), rows: terminal.rows() };
  try {
    const report = await reportOn(dataDir);
    const isColoured = terminal.hasOutColour;
    return isJson ? asJson(report) : await asText(report, { isColoured, size });
  } catch (error) {
    if (!(error instanceof CliError) && !(error instanceof StoreOpenError)) throw error;
    const { fitted } = await import('./status-screen.ts');
    return `${fitted(describeFailure(error, secrets).lines, size).join('\n')}\n`;
  }
}

function codeOf({ state }: StatusReport): number {
  const unwell: readonly StatusReport['state'][] = ['degraded', 'stalled', 'stopped'];
  return unwell.includes(state) ? exitCodes.unwell : exitCodes.fine;
}

function asJson(report: StatusReport): string {
  return `${JSON.stringify(report)}\n`;
}

/** The whole of it, or as much as a screen of that size takes. */
async function asText(
  report: StatusReport,
  { isColoured, size }: { readonly isColoured: boolean; readonly size?: ScreenSize },
): Promise<string> {
  const { stateText, statusLines } = await import('./status-text.ts');
  if (size === undefined) return `${statusLines(report, { isColoured }).join('\n')}\n`;
  const { fitted } = await import('./status-screen.ts');
  const rows = fitted(statusLines(report, { isColoured: false }), size).join('\n');
  // Colour takes no room, so it comes last.
  return `${rows.replace(report.state, stateText(report, { isColoured }))}\n`;
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
