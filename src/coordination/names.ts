/**
 * Names of leases and checkpoints, the same in every implementation: they become keys elsewhere, so
 * blanks, quotes, braces and the wildcards of a key pattern have no place in them.
 */

const pattern = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}$/;

/** @throws RangeError for a name that is no such name. */
export function checkedName(name: string): string {
  if (pattern.test(name)) return name;
  throw new RangeError(`"${name}" is no name for a lease or a checkpoint`);
}

/** The lease of the one spender; one per API key. */
export function daemonLease(keyHash: string): string {
  return `daemon-${keyHash}`;
}

/** What a name guards: one that is no lease is a note, which guards nothing (notes.ts). */
export function isLease(name: string): boolean {
  return name === dataDirLease || name.startsWith('daemon-');
}

/** The note of a process that stands by; of several the second is `standby-2`, and so on. */
export const standbyNote = 'standby';

/** Whether it is the note of one that stands by. */
export function isStandbyNote(name: string): boolean {
  return /^standby(-\d+)?$/.test(name);
}

/** A name beside `name`, for the nth process that says the same; the first has the name itself. */
export function nthName(name: string, nth: number): string {
  return nth === 1 ? name : `${name}-${nth}`;
}

/** The lease of the one writer of a data directory's files, whatever its key. */
export const dataDirLease = 'data-dir';
