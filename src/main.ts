/**
 * The command line: what there is to say, and which file answers it.
 *
 * Each command's work is imported only when it is asked for, because `status` has to answer in a
 * blink and the daemon's libraries take longer than that to load. What goes wrong anywhere ends
 * here, as one line for the person and an exit code for the program (cli/cli-error.ts).
 */
import { Command, CommanderError } from 'commander';
import { exitCodes } from './cli/cli-error.ts';
import type { CommandRun } from './cli/command-parts.ts';
import { addDeals, addJudgements } from './cli/commands-deals.ts';
import { addPausing, addReckoning, addRunning } from './cli/commands-running.ts';
import { addCoordination, addDoctor, addOutside } from './cli/commands-upkeep.ts';
import type { CliContext } from './cli/context.ts';
import { describeFailure } from './cli/failure.ts';
import { processTerminal } from './cli/terminal.ts';
import { readVersion } from './cli/version.ts';

const context: CliContext = {
  env: process.env,
  cwd: process.cwd(),
  terminal: processTerminal(process.env),
  secrets: new Set(process.env.KEEPA_API_KEY === undefined ? [] : [process.env.KEEPA_API_KEY]),
};
const version = readVersion();
const program = new Command('keepa-deals')
  .description('Keeps a local database of Amazon deals fresh from the Keepa API.')
  .version(version, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'show this help')
  .helpCommand(false)
  // Or `deals` would take the options of `deals rejudge` for its own.
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ writeErr: context.terminal.write, outputError: () => undefined });

const run: CommandRun = { context, version, finish };
addRunning(program, run);
addPausing(program, run);
addDeals(program, run);
addJudgements(program, run);
addReckoning(program, run);
addCoordination(program, run);
addDoctor(program, run);
addOutside(program, run);

/** The exit code is set, not taken: what is still being written gets written. */
async function finish(code: Promise<number>): Promise<void> {
  process.exitCode = await code;
}

function fail(error: unknown): number {
  if (error instanceof CommanderError) {
    // Help and version are no failures, and help has said all there is to say.
    if (error.exitCode === 0) return exitCodes.fine;
    if (error.code === 'commander.help') return exitCodes.usage;
  }
  const { exitCode, lines } = describeFailure(error, context.secrets);
  for (const line of lines) context.terminal.say(line);
  return exitCode;
}

// A fault outside every promise would print a stack, and the key may be in it.
process.on('uncaughtException', (error) => process.exit(fail(error)));
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = fail(error);
}
