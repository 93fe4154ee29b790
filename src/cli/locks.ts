/**
 * `locks` and `checkpoints`: what coordination holds, and taking a lock away from whom it outlived.
 *
 * A lock that outlives its owner ends by itself, so clearing one is for the case that nobody
 * thought of. It deletes exactly what was named, refuses the living, and looks afterwards whether
 * it is really gone: a maintenance command that fails silently is worse than none.
 */
import { existsSync } from 'node:fs';
import type { Coordination, LeaseEntry, Owner } from '../coordination/ports.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { isProvablyDead, readProcessIdentity } from '../runtime/process-identity.ts';
import { leaseReport } from '../status/report-fields.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { coordinationPath } from './data-dir.ts';
import { openLeases } from './open-data-dir.ts';
import { type PlaceFlags, readConfig } from './reading.ts';
import { clockText, columnsText, spanText } from './words.ts';

export interface LocksFlags extends PlaceFlags {
  readonly json?: boolean;
  readonly force?: boolean;
}

/** Prints every lock with its owner; none is an answer, not an error. */
export async function listLocks(flags: LocksFlags, context: CliContext): Promise<number> {
  const held = await withCoordination(flags, context, ({ leases }) => leases.list());
  const self = readProcessIdentity();
  const locks = (held ?? []).map((lease) => ({
    ...leaseReport(lease),
    isAlive: isLive(lease, self),
  }));
  if (flags.json === true) {
    context.terminal.out(`${JSON.stringify({ schema: 1, locks })}\n`);
    return exitCodes.fine;
  }
  if (locks.length === 0) context.terminal.say('no locks are held');
  const rows = locks.map((lock) => [
    lock.name,
    String(lock.pid),
    lock.isAlive ? 'alive' : 'dead',
    lock.remainingMs > 0 ? spanText(lock.remainingMs) : 'expired',
    String(lock.fence),
    lock.doing,
  ]);
  if (rows.length > 0)
    printTable(['lock', 'pid', 'owner', 'left', 'fence', 'doing'], rows, context);
  return exitCodes.fine;
}

/**
 * Deletes the named locks and makes sure that they are gone.
 *
 * @throws CliError 1 when there is no such lock or it is still there, 75 when its owner is alive.
 */
export async function clearLocks(
  names: readonly string[],
  flags: LocksFlags,
  context: CliContext,
): Promise<number> {
  const cleared = await withCoordination(flags, context, async ({ leases }) => {
    const held = await leases.list();
    for (const name of names) checkClearable(name, held, flags);
    for (const name of names) await leases.clear(name);
    const left = (await leases.list()).filter(({ name }) => names.includes(name));
    for (const { name } of left) throw stillThere(name);
    return names;
  });
  if (cleared === undefined) throw noSuchLock(names[0] ?? '', []);
  if (flags.json === true) context.terminal.out(`${JSON.stringify({ schema: 1, cleared })}\n`);
  else context.terminal.say(`cleared: ${cleared.join(', ')}`);
  return exitCodes.fine;
}

/** Prints the saved progress of each part. */
export async function listCheckpoints(flags: LocksFlags, context: CliContext): Promise<number> {
  const stored = await withCoordination(flags, context, (found) => found.checkpoints.list());
  const nowMs = systemClock().now();
  const checkpoints = (stored ?? []).map(({ name, value, writtenAtMs }) => ({
    name,
    value,
    writtenAt: new Date(writtenAtMs).toISOString(),
  }));
  if (flags.json === true) {
    context.terminal.out(`${JSON.stringify({ schema: 1, checkpoints })}\n`);
    return exitCodes.fine;
  }
  if (checkpoints.length === 0) context.terminal.say('no progress is saved');
  const rows = checkpoints.map(({ name, value, writtenAt }) => [
    name,
    clockText(Date.parse(writtenAt), nowMs),
    JSON.stringify(value),
  ]);
  if (rows.length > 0) printTable(['checkpoint', 'written', 'value'], rows, context);
  return exitCodes.fine;
}

function checkClearable(name: string, held: readonly LeaseEntry[], { force }: LocksFlags): void {
  const lease = held.find((entry) => entry.name === name);
  if (lease === undefined) throw noSuchLock(name, held);
  if (force === true || !isLive(lease, readProcessIdentity())) return;
  throw new CliError(exitCodes.busy, {
    what: name,
    why: `process ${lease.owner.pid} holds it and may be alive`,
    todo: 'stop that process, or add --force to have two of them',
  });
}

/** In doubt alive: a wrong "dead" makes two spenders. */
function isLive(lease: LeaseEntry, self: Omit<Owner, 'instance'>): boolean {
  return lease.remainingMs > 0 && !isProvablyDead(lease.owner, self);
}

function noSuchLock(name: string, held: readonly LeaseEntry[]): CliError {
  const names = held.map((entry) => entry.name);
  return new CliError(exitCodes.failed, {
    what: name,
    why: 'there is no lock of that name',
    todo: names.length === 0 ? 'none is held' : `held: ${names.join(', ')}`,
  });
}

function stillThere(name: string): CliError {
  return new CliError(exitCodes.failed, {
    what: name,
    why: 'it was deleted and is there again',
    todo: 'somebody alive takes it: see keepa-deals status',
  });
}

/** Undefined when nothing was ever kept there: looking must not make a file. */
async function withCoordination<T>(
  flags: LocksFlags,
  context: CliContext,
  work: (coordination: Coordination) => Promise<T>,
): Promise<T | undefined> {
  const { dataDir } = readConfig(flags, context);
  if (!existsSync(coordinationPath(dataDir))) return undefined;
  const owner = { ...readProcessIdentity(), instance: 'command-line' };
  const log = noticesOnly(context);
  const coordination = await openLeases(dataDir, owner, { clock: systemClock(), log });
  try {
    return await work(coordination);
  } finally {
    await coordination.close();
  }
}

/** Only the notice of a file that was set aside is of interest here. */
function noticesOnly({ terminal }: CliContext): Pick<Log, 'warn'> {
  return { warn: (event, fields) => terminal.say(`keepa-deals: ${fields?.notice ?? event}`) };
}

function printTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  { terminal }: CliContext,
): void {
  terminal.out(`${columnsText([heads, ...rows], []).join('\n')}\n`);
}
