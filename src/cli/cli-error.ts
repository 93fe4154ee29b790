/**
 * How a command ends badly: one line for the person, one number for the program.
 *
 * The numbers are those of sysexits.h where it has one, so that a service manager or a script can
 * tell a mistake that will not heal by itself (78, 77) from one that may (69, 75).
 */

export const exitCodes = {
  fine: 0,
  failed: 1,
  usage: 2,
  /** `status` and `doctor`: degraded, stalled or stopped. */
  unwell: 3,
  /** Something needed is not to be had: a service does not answer, a port is taken. */
  unavailable: 69,
  /** Already running, or the lock is held. */
  busy: 75,
  keyRefused: 77,
  badConfig: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  /** Without line breaks and without a secret: it is printed as it is. */
  constructor(
    exitCode: ExitCode,
    { what, why, todo }: { what: string; why: string; todo: string },
  ) {
    super(`${what}: ${why}; ${todo}`);
    this.exitCode = exitCode;
  }
}

/** Words for the operating system's codes that people meet; others speak for themselves. */
export function systemReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const words: Readonly<Record<string, string>> = {
    EACCES: 'permission denied',
    EPERM: 'not permitted',
    EROFS: 'the file system is read-only',
    ENOENT: 'there is no such file',
    ENOSPC: 'no space left',
    ENOTDIR: 'a part of the path is a file',
    EEXIST: 'there is a file of that name',
    EADDRINUSE: 'the port is taken',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'no such host',
  };
  if (code !== undefined) return words[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}
