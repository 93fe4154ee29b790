/**
 * Has something written: by the running daemon where there is one, else by this process as the only
 * writer. Either way one process writes at a time, and the command says the same.
 */
import { loadConfig } from '../config.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLog } from '../runtime/log-writer.ts';
import type { ActionLine } from '../status/actions.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { askToAct } from './daemon-client.ts';
import { socketPath } from './data-dir.ts';
import type { PlaceFlags } from './reading.ts';
import { asSoleWriter, busy, type SoleWriting } from './sole-writer.ts';

export interface Errand<T> {
  readonly path: string;
  /** What the lease says while this process does it. */
  readonly doing: string;
  onLine?(line: ActionLine): void;
  /** The result in the daemon's answer; undefined when the line is no result. */
  resultIn(line: ActionLine): T | undefined;
  /** Does it here, without a daemon. */
  doHere(parts: SoleWriting): Promise<T>;
}

/**
 * The result, whoever got it.
 *
 * @throws CliError 75 when another process writes and cannot be asked, 1 when the daemon failed.
 */
export async function getDone<T>(
  flags: PlaceFlags,
  context: CliContext,
  errand: Errand<T>,
): Promise<T> {
  const { env, cwd, terminal } = context;
  const { config } = loadConfig({ flags, env, cwd });
  const { dataDir } = config;
  const clock = systemClock();
  const { path, onLine } = errand;
  const answer = await askToAct({
    socketPath: socketPath(dataDir),
    path,
    clock,
    ...(onLine === undefined ? {} : { onLine }),
  });
  switch (answer.kind) {
    case 'answered':
      return resultOf(answer.line, errand);
    case 'silent':
      throw busy(`the daemon hangs: ${answer.why}`);
    case 'denied':
      throw notOurs(dataDir);
    case 'broken':
      throw failed(answer.why, 'what it had done is kept; try again');
    case 'absent': {
      const log = createLog({
        clock,
        write: terminal.write,
        format: 'human',
        level: 'warn',
        secrets: [...context.secrets],
        colour: terminal.hasTalkColour,
      });
      const { doing } = errand;
      return asSoleWriter({ dataDir, doing, clock, log }, (parts) => errand.doHere(parts));
    }
  }
}

/** The daemon of another user, who alone may ask it and write its data. */
export function notOurs(dataDir: string): CliError {
  return new CliError(exitCodes.unavailable, {
    what: `the daemon behind ${socketPath(dataDir)}`,
    why: 'permission denied',
    todo: 'ask as the user who runs it',
  });
}

function resultOf<T>(line: ActionLine, errand: Errand<T>): T {
  if (line.event === 'failed') throw failed(line.why, 'see keepa-deals status');
  const result = errand.resultIn(line);
  if (result === undefined) throw failed('it answered something else', 'is it of this version?');
  return result;
}

function failed(why: string, todo: string): CliError {
  return new CliError(exitCodes.failed, { what: 'the daemon', why, todo });
}
