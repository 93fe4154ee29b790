/**
 * Who this process is, exactly enough that another one can later prove it dead.
 *
 * A pid alone proves nothing: it is reused, means something else in each pid namespace, and starts
 * again at every boot. So the start time, the namespace and the boot go with it, and all of them
 * are compared before "no such process" counts. Machine ids are cloned with the images they lie
 * in, so the host's name belongs to its id.
 *
 * Invariants:
 * - what could not be read is '', and '' never proves anything;
 * - in every doubt the owner counts as alive: a wrong "dead" makes two spenders, a wrong "alive"
 *   costs one lease time.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly host: string;
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly pid: number;
  /** Kernel ticks since boot, as the kernel writes them. */
  readonly startedAt: string;
}

/** Where to look; other places than the machine's own are for tests. */
export interface ProcessTable {
  readonly procRoot: string;
  readonly machineIdPath: string;
  /** Whether the kernel knows the pid, also when /proc hides it (mount option hidepid). */
  knows(pid: number): boolean;
}

const machineTable: ProcessTable = {
  procRoot: '/proc',
  machineIdPath: '/etc/machine-id',
  knows: (pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return codeOf(error) !== 'ESRCH';
    }
  },
};

/** Reads who we are; never throws. */
export function readProcessIdentity(table: ProcessTable = machineTable): ProcessIdentity {
  const { procRoot, machineIdPath } = table;
  const own = parseStat(readOrEmpty(() => readFileSync(`${procRoot}/self/stat`, 'utf8')));
  const machineId = readOrEmpty(() => readFileSync(machineIdPath, 'utf8'));
  return {
    host: [machineId, hostname()].filter((part) => part !== '').join('@'),
    bootId: readOrEmpty(() => readFileSync(`${procRoot}/sys/kernel/random/boot_id`, 'utf8')),
    pidNamespace: readOrEmpty(() => readlinkSync(`${procRoot}/self/ns/pid`)),
    pid: process.pid,
    // Another pid there means that this /proc belongs to another namespace than we do.
    startedAt: own?.pid === process.pid ? own.startedAt : '',
  };
}

/** True only if `owner` was a process of this host and namespace and cannot be running now. */
export function isProvablyDead(
  owner: ProcessIdentity,
  self: ProcessIdentity,
  table: ProcessTable = machineTable,
): boolean {
  const isComparable =
    isSame(owner.host, self.host) &&
    isSame(owner.pidNamespace, self.pidNamespace) &&
    owner.bootId !== '' &&
    self.bootId !== '';
  if (!isComparable) return false;
  if (owner.bootId !== self.bootId) return true;
  if (owner.startedAt === '' || self.startedAt === '') return false;
  return isGone(owner, table);
}

function isGone(owner: ProcessIdentity, table: ProcessTable): boolean {
  let text: string;
  try {
    text = readFileSync(`${table.procRoot}/${owner.pid}/stat`, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    return (code === 'ENOENT' || code === 'ESRCH') && !table.knows(owner.pid);
  }
  const found = parseStat(text);
  if (found === undefined || found.pid !== owner.pid) return false;
  return found.startedAt !== owner.startedAt || found.isZombie;
}

interface Stat {
  readonly pid: number;
  readonly startedAt: string;
  /** Killed and not yet collected by its parent; a zombie with threads left is still running. */
  readonly isZombie: boolean;
}

/** `pid (name) state ...`: the name may hold spaces and parentheses, so the last one counts. */
function parseStat(text: string): Stat | undefined {
  const [pid = ''] = text.split(' ', 1);
  const rest = text
    .slice(text.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  // The state is field 3, the number of threads field 20, the start time field 22.
  const [state, threads, startedAt] = [rest[0], rest[17], rest[19]];
  if (!/^\d+$/.test(pid) || startedAt === undefined || !/^\d+$/.test(startedAt)) return undefined;
  return { pid: Number(pid), startedAt, isZombie: state === 'Z' && Number(threads) <= 1 };
}

function isSame(a: string, b: string): boolean {
  return a !== '' && a === b;
}

function readOrEmpty(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
