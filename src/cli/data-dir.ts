/**
 * What lies where in the data directory, and how it comes to be.
 */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CliError, exitCodes, systemReason } from './cli-error.ts';

export function databasePath(dataDir: string): string {
  return join(dataDir, 'deals.sqlite');
}

/** Leases and checkpoints: a file of its own, which may be lost at any time. */
export function coordinationPath(dataDir: string): string {
  return join(dataDir, 'coordination.sqlite');
}

export function socketPath(dataDir: string): string {
  return join(dataDir, 'control.sock');
}

/**
 * Creates the directory, for its user alone, unless it is there.
 *
 * @throws CliError (78) when it cannot be made or written.
 */
export function prepareDataDir(dataDir: string): void {
  try {
    makeDirectory(dataDir);
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new CliError(exitCodes.badConfig, {
      what: `data directory ${dataDir}`,
      why: `cannot be written: ${systemReason(error)}`,
      todo: 'make it writable for this user, or set another with --data-dir',
    });
  }
}

/**
 * Level by level, each tried once: Node's own recursive mkdir never returns below a directory, such
 * as /proc, that says "no such file" to whatever is made in it.
 */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}
