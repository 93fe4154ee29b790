/**
 * Puts whatever was thrown into one line per problem and an exit code.
 *
 * Nothing that comes from elsewhere is trusted to be free of the key: it is struck out here once
 * more, in case an error carries a URL (promise P11). A stack is no answer to a person; the one
 * fault that would need it, a bug of ours, names its kind and message.
 */
import { CommanderError } from 'commander';
import { ConfigError } from '../config-problem.ts';
import { CoordinationAwayError, CoordinationRefusedError } from '../coordination/ports.ts';
import { describeError } from '../runtime/describe-error.ts';
import { redactorOf } from '../runtime/redaction.ts';
import { StoreOpenError, type StoreOpenReason } from '../store/store-open-error.ts';
import { CliError, type ExitCode, exitCodes } from './cli-error.ts';
import { problemLine } from './problem-line.ts';

/** What a person can mend in the configuration or on the disk is 78; the rest may heal or is 1. */
const storeCodes: Readonly<Record<StoreOpenReason, ExitCode>> = {
  missing: exitCodes.badConfig,
  'directory-missing': exitCodes.badConfig,
  'not-writable': exitCodes.badConfig,
  unreadable: exitCodes.badConfig,
  'not-a-database': exitCodes.badConfig,
  'not-ours': exitCodes.badConfig,
  'newer-schema': exitCodes.badConfig,
  'older-schema': exitCodes.badConfig,
  locked: exitCodes.busy,
  corrupt: exitCodes.failed,
  'disk-full': exitCodes.failed,
  failed: exitCodes.failed,
};

export interface Failure {
  readonly exitCode: ExitCode;
  readonly lines: readonly string[];
}

export function describeFailure(error: unknown, secrets: ReadonlySet<string>): Failure {
  const redact = redactorOf([...secrets]);
  const { exitCode, lines } = failureOf(error);
  return {
    exitCode,
    lines: lines.map((line) => `keepa-deals: ${redact(line).replace(/\s*[\r\n]+\s*/g, ' ')}`),
  };
}

function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) {
    return { exitCode: exitCodes.usage, lines: [usageLine(error.message)] };
  }
  if (error instanceof ConfigError) {
    return { exitCode: exitCodes.badConfig, lines: error.problems.map(problemLine) };
  }
  if (error instanceof CliError) return { exitCode: error.exitCode, lines: [error.message] };
  if (error instanceof CoordinationRefusedError) {
    const exitCode = error.isMisconfigured ? exitCodes.badConfig : exitCodes.unavailable;
    return { exitCode, lines: [`${error.message}; ${error.todo}`] };
  }
  if (error instanceof CoordinationAwayError) {
    return { exitCode: exitCodes.unavailable, lines: [`${error.message}; ${error.todo}`] };
  }
  if (error instanceof StoreOpenError) {
    return { exitCode: storeCodes[error.reason], lines: [error.message] };
  }
  const kind = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
  return { exitCode: exitCodes.failed, lines: [`unexpected: ${kind}${describeError(error)}`] };
}

/** What follows an equals sign is left out: it may be the key, given to an option of no name. */
function usageLine(message: string): string {
  const what = message.replace(/^error: /, '').replace(/(unknown option '[^'=]*)=[^']*/, '$1');
  return `${what} (see keepa-deals --help)`;
}
