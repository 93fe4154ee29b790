/**
 * What all commands are made of: how one is declared, the options that many share, and how a number
 * is read. Every command has a description and examples that can be pasted.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext } from './context.ts';

/** What the work behind a command is given, and the end it reports to. */
export interface CommandRun {
  readonly context: CliContext;
  readonly version: string;
  /** Sets the exit code that the work ends with. */
  finish(code: Promise<number>): Promise<void>;
}

/** A command below `parent`; an example is a line, and perhaps what it is for. */
export function command(
  parent: Command,
  name: string,
  description: string,
  examples: readonly (readonly string[])[],
): Command {
  const lines = examples.map(([line = '', note]) =>
    note === undefined ? `  ${line}` : `  ${line}   # ${note}`,
  );
  return parent
    .command(name)
    .description(description)
    .helpCommand(false)
    .addHelpText('before', `Examples:\n${lines.join('\n')}\n`);
}

/** One of a family that works on the same configuration, data directory and Redis. */
export function subcommand(
  parent: Command,
  name: string,
  { description, example }: { description: string; example: string },
): Command {
  return parent
    .command(name)
    .description(description)
    .addHelpText('before', `Examples:\n  ${example}\n`)
    .addOption(configFile())
    .addOption(dataDir())
    .addOption(redisUrl())
    .option('--json', 'print one JSON object');
}

export function configFile(): Option {
  return new Option('--config <file>', 'configuration file (default: ./keepa-deals.toml)');
}

export function dataDir(description = 'where the database is'): Option {
  return new Option('--data-dir <directory>', description);
}

export function redisUrl(): Option {
  const what = 'where leases and checkpoints are (a password is safer in KEEPA_DEALS_REDIS_URL)';
  return new Option('--redis-url <url>', what);
}

export function logLevel(): Option {
  const levels = ['debug', 'info', 'warn', 'error'];
  return new Option('--log-level <level>', 'how much to say').choices(levels);
}

/** Reads a whole number within the bounds, and says which they are. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
