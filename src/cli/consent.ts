/**
 * Asks before something is spent or cannot be undone.
 *
 * Where nobody can be asked (a script, a timer) consent is an argument: a question that waits for
 * ever in a log file helps nobody, and an assumed yes is none.
 */
import { CliError, exitCodes } from './cli-error.ts';
import type { Terminal } from './terminal.ts';

/**
 * True when `--yes` was given or the person says so. `what` will happen is said in every case.
 *
 * @throws CliError (2) when nobody can be asked.
 */
export async function hasConsent(
  what: string,
  { isGiven, terminal }: { readonly isGiven: boolean; readonly terminal: Terminal },
): Promise<boolean> {
  if (!isGiven && !terminal.isInTty) {
    throw new CliError(exitCodes.usage, {
      what,
      why: 'nobody can be asked here',
      todo: 'say --yes',
    });
  }
  terminal.say(what);
  if (isGiven) return true;
  const answer = await terminal.ask('Go on? [y/N] ');
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}
