/**
 * `deals confirm-held`: a person's yes to the ending of rows that were held, because one run would
 * have ended more than a fifth of the table.
 */
import { actionPaths } from '../status/actions.ts';
import { getDone } from './at-work.ts';
import { exitCodes } from './cli-error.ts';
import { hasConsent } from './consent.ts';
import type { CliContext } from './context.ts';
import { type PlaceFlags, readConfig, withStore } from './reading.ts';

export interface ConfirmHeldFlags extends PlaceFlags {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** The exit code is 1 when the person says no. @throws CliError (2) when nobody can be asked. */
export async function confirmHeld(flags: ConfirmHeldFlags, context: CliContext): Promise<number> {
  const { terminal } = context;
  const { dataDir } = readConfig(flags, context);
  const held = await withStore(dataDir, ({ reader }) => reader.heldRows());
  if (held > 0) {
    const what = `${rowsText(held)} would end`;
    if (!(await hasConsent(what, { isGiven: flags.yes === true, terminal }))) {
      terminal.say('nothing was changed');
      return exitCodes.failed;
    }
  }
  const confirmed = held === 0 ? 0 : await confirm(flags, context);
  if (flags.json === true) terminal.out(`${JSON.stringify({ schema: 1, confirmed })}\n`);
  else terminal.out(`${confirmedText(confirmed)}\n`);
  return exitCodes.fine;
}

function confirm(flags: ConfirmHeldFlags, context: CliContext): Promise<number> {
  return getDone(flags, context, {
    path: actionPaths.confirmHeld,
    doing: 'deals confirm-held',
    resultIn: (line) => (line.event === 'confirmed' ? line.rows : undefined),
    doHere: ({ writer }) => writer.confirmHeld(),
  });
}

function confirmedText(rows: number): string {
  return rows === 0 ? 'no row is held' : `${rowsText(rows)} may end in the daemon's next round`;
}

function rowsText(rows: number): string {
  return rows === 1 ? '1 held row' : `${rows} held rows`;
}
