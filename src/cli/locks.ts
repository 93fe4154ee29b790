/**
 * `locks`: who holds what, and taking a lock away from whom it outlived.
 *
 * A lock that outlives its owner ends by itself, so clearing one is for the case that nobody
 * thought of. It deletes exactly what was named, refuses the living, and looks afterwards whether
 * it is really gone: a maintenance command that fails silently is worse than none.
 *
 * Beside the locks stand notes of what each actor is doing. They guard nothing: to clear one of a
 * living owner takes `--force` as well, and costs it nothing. And in a Redis anything may stand in
 * a lock's place: nobody can tell whose it is, so that takes `--force` too.
 */
import { isLease } from '../coordination/names.ts';
import {
  CoordinationAwayError,
  CoordinationRefusedError,
  type LeaseEntry,
} from '../coordination/ports.ts';
import { systemClock } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import { nearestName } from '../runtime/nearest-name.ts';
import { printable } from '../runtime/printable.ts';
import {
  isProvablyDead,
  type ProcessIdentity,
  readProcessIdentity,
} from '../runtime/process-identity.ts';
import { leaseReport } from '../status/report-fields.ts';
import { CliError, exitCodes } from './cli-error.ts';
import { hasConsent } from './consent.ts';
import type { CliContext } from './context.ts';
import {
  askEach,
  type CoordinationFlags,
  type CoordinationPlace,
  type OnUnread,
  type Places,
  tellUnread,
  withPlaces,
} from './coordination-places.ts';
import { databasePath } from './data-dir.ts';
import { clockText, columnsText, spanText } from './words.ts';

export interface LocksFlags extends CoordinationFlags {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly force?: boolean;
  readonly yes?: boolean;
}

/** A lease, and the place it was found in. */
interface Lock {
  readonly lease: LeaseEntry;
  readonly place: CoordinationPlace;
}

/** What stands in the place of a lock, and is none. */
interface Garbage {
  readonly name: string;
  readonly place: CoordinationPlace;
}

/**
 * Prints every lock with its owner; none is an answer, not an error.
 *
 * @throws when a place could not be read, after those of the others were printed.
 */
export async function listLocks(flags: LocksFlags, context: CliContext): Promise<number> {
  const unread: unknown[] = [];
  const onUnread: OnUnread = (error) => void unread.push(error);
  const look = async (places: Places) => ({
    locks: await locksIn(places, onUnread),
    garbage: unread.length === 0 ? await garbageIn(places) : [],
  });
  const { locks, garbage } = await withPlaces(flags, context, look, onUnread);
  printLocks(locks, { garbage, unread, isJson: flags.json === true, context });
  tellUnread(unread, context);
  return exitCodes.fine;
}

function printLocks(
  locks: readonly Lock[],
  options: {
    readonly garbage: readonly Garbage[];
    readonly unread: readonly unknown[];
    readonly isJson: boolean;
    readonly context: CliContext;
  },
): void {
  const { garbage, unread, isJson, context } = options;
  const { terminal } = context;
  const self = readProcessIdentity();
  if (isJson) {
    const told = locks.map(({ lease, place }) => ({
      ...leaseReport(lease),
      owner: ownerState(lease, self),
      isAlive: isLive(lease, self),
      expiresAt: new Date(systemClock().now() + lease.remainingMs).toISOString(),
      kept: place.name,
    }));
    const unreadable = garbage.map(({ name, place }) => ({ name, kept: place.name }));
    const report = { schema: 1, locks: told, unreadable, unread: unread.map(describeError) };
    terminal.out(`${JSON.stringify(report)}\n`);
    return;
  }
  if (locks.length > 0) terminal.out(`${tableOf(locks, self).join('\n')}\n`);
  else if (unread.length === 0 && garbage.length === 0) terminal.say('no locks are held');
  for (const { name } of garbage) {
    terminal.say(`to delete what is no lock: keepa-deals locks clear ${argumentsFor(name)}`);
  }
}

/**
 * What a person can paste to have it deleted. Anybody who writes to that Redis chooses the name, so
 * it must be no more than one argument to the shell, and no option to us. One that a terminal does
 * not show as it is can be named by nobody.
 */
function argumentsFor(name: string): string {
  if (printable(name) !== name) return '--all --force';
  const quoted = /^[\w.:@/-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
  return name.startsWith('-') ? `--force -- ${quoted}` : `${quoted} --force`;
}

function tableOf(locks: readonly Lock[], self: ProcessIdentity): string[] {
  const nowMs = systemClock().now();
  const heads = ['lock', 'pid', 'owner', 'host', 'held since', 'renewed', 'left', 'fence', 'doing'];
  const rows = locks.map(({ lease }) => [
    lease.name,
    String(lease.owner.pid),
    ownerState(lease, self),
    lease.owner.host.split('@').at(-1) ?? '',
    clockText(lease.acquiredAtMs, nowMs),
    clockText(lease.renewedAtMs, nowMs),
    lease.remainingMs > 0 ? spanText(lease.remainingMs) : 'expired',
    String(lease.fence),
    lease.doing,
  ]);
  return columnsText([heads, ...rows.map((row) => row.map(printable))], []);
}

/**
 * Deletes the named locks, or with `--all` every one, and makes sure that they are gone. With
 * `--force` also those of an owner that may be alive: it ends at its next renewal, and what it
 * writes to this data directory's database is refused from then on.
 *
 * @throws CliError 1 when there is no such lock or it is still there, 75 when its owner may be
 * alive, 2 without names, or when nobody can be asked.
 */
export async function clearLocks(
  names: readonly string[],
  flags: LocksFlags,
  context: CliContext,
): Promise<number> {
  const { terminal } = context;
  if (names.length > 0 === (flags.all === true)) throw namesOrAll();
  return await withPlaces(flags, context, async (places) => {
    const held = await locksIn(places);
    const found = await garbageIn(places);
    const bad = found.filter(({ name }) => flags.all === true || names.includes(name));
    const chosen = flags.all === true ? held : names.flatMap((name) => named(name, { held, bad }));
    for (const one of bad) if (flags.force !== true) throw unknownOwner(one);
    const live = chosen.filter(({ lease }) => isLive(lease, readProcessIdentity()));
    for (const { lease } of live) if (flags.force !== true) throw aliveOwner(lease);
    const cleared = [...chosen.map(({ lease }) => lease.name), ...bad.map(({ name }) => name)];
    if (cleared.length > 0 && !(await agrees(cleared, { live, flags, context }))) {
      terminal.say('nothing was changed');
      return exitCodes.failed;
    }
    const fenced = new Set<Lock>();
    for (const lock of live) {
      if (isLease(lock.lease.name) && (await fenceOff(lock, places, context))) fenced.add(lock);
    }
    for (const lock of chosen) await deleteLock(lock, { isFenced: fenced.has(lock) });
    for (const { name, place } of bad) await place.garbage?.clearUnreadable(name);
    assertGone(chosen, await locksIn(places));
    assertNoGarbage(bad, await garbageIn(places));
    if (flags.json === true) terminal.out(`${JSON.stringify({ schema: 1, cleared })}\n`);
    else terminal.say(cleared.length === 0 ? 'no locks are held' : `cleared: ${listed(cleared)}`);
    return exitCodes.fine;
  });
}

function listed(names: readonly string[]): string {
  return printable(names.join(', '));
}

function agrees(
  names: readonly string[],
  { live, flags, context }: { live: readonly Lock[]; flags: LocksFlags; context: CliContext },
): Promise<boolean> {
  const alive =
    live.length === 0 ? '' : `, ${live.length} of them of a live owner, which then stops`;
  const what = `these locks would be deleted: ${listed(names)}${alive}`;
  return hasConsent(what, { isGiven: flags.yes === true, terminal: context.terminal });
}

function locksIn(places: Places, onUnread?: OnUnread): Promise<readonly Lock[]> {
  const question = async (place: CoordinationPlace): Promise<readonly Lock[]> =>
    (await place.leases.list()).map((lease) => ({ lease, place }));
  return askEach(places, question, onUnread);
}

function garbageIn(places: Places): Promise<readonly Garbage[]> {
  const question = async (place: CoordinationPlace): Promise<readonly Garbage[]> =>
    ((await place.garbage?.unreadable()) ?? []).map((name) => ({ name, place }));
  return askEach(places, question);
}

/** @throws CliError where its owner was fenced off: that stands, whatever became of the lock. */
async function deleteLock(
  { lease, place }: Lock,
  { isFenced }: { readonly isFenced: boolean },
): Promise<void> {
  try {
    await place.leases.clear(lease.name);
  } catch (error) {
    if (!isFenced) throw error;
    const isRefused = error instanceof CoordinationRefusedError;
    const isAway = error instanceof CoordinationAwayError;
    const code = isRefused && error.isMisconfigured ? exitCodes.badConfig : exitCodes.unavailable;
    throw new CliError(isRefused || isAway ? code : exitCodes.failed, {
      what: lease.name,
      why:
        `it could not be deleted (${describeError(error)}); the lock stands, and the database ` +
        'refuses what its owner writes from now on',
      todo: `${isRefused ? `${error.todo}, and ` : ''}clear it again`,
    });
  }
}

/**
 * Has the database refuse what the owner still writes: a fence above its own is adopted there. It
 * is done before the lock is deleted, so that whoever takes it next starts above that. Answers
 * whether it does; if not, it has said why.
 */
async function fenceOff(
  { lease, place }: Lock,
  { config: { dataDir } }: Places,
  { terminal }: CliContext,
): Promise<boolean> {
  const path = databasePath(dataDir);
  const { fenceOff: refuseItsWrites } = await import('../store/fence-off.ts');
  const done = await refuseItsWrites({
    path,
    fence: lease.fence,
    isWriter: (instance) => place.keyHash === undefined || instance === lease.owner.instance,
  });
  if (done === 'fenced') return true;
  terminal.say(
    done === 'another'
      ? `keepa-deals: ${lease.name}: its owner writes to another database than ${path}: it stops ` +
          'when it next renews the lock, and until then spends and stores there what it buys'
      : `keepa-deals: ${lease.name}: there is no database ${path} that could refuse what its ` +
          'owner writes: it stops when it next renews the lock, and until then spends and writes',
  );
  return false;
}

/** Gone is the entry that was there; a standby may have taken the name the moment it was free. */
function assertGone(chosen: readonly Lock[], left: readonly Lock[]): void {
  for (const { lease, place } of chosen) {
    const again = left.find(
      (other) => other.place === place && other.lease.name === lease.name,
    )?.lease;
    if (again !== undefined && again.fence === lease.fence) throw thereAgain(lease.name);
  }
}

function assertNoGarbage(cleared: readonly Garbage[], left: readonly Garbage[]): void {
  for (const { name, place } of cleared) {
    if (left.some((other) => other.place === place && other.name === name)) throw thereAgain(name);
  }
}

function thereAgain(name: string): CliError {
  return new CliError(exitCodes.failed, {
    what: printable(name),
    why: 'it was deleted and is there again',
    todo: 'somebody alive writes it: see keepa-deals status',
  });
}

/**
 * The locks of that name wherever they are kept; none where nothing but garbage has it.
 *
 * @throws CliError (1) naming the lock that was probably meant.
 */
function named(
  name: string,
  { held, bad }: { readonly held: readonly Lock[]; readonly bad: readonly Garbage[] },
): readonly Lock[] {
  const found = held.filter(({ lease }) => lease.name === name);
  if (found.length > 0 || bad.some((one) => one.name === name)) return found;
  const names = held.map(({ lease }) => lease.name);
  const meant = nearestName(name, names);
  const others = names.length === 0 ? 'none is held' : `held: ${names.join(', ')}`;
  throw new CliError(exitCodes.failed, {
    what: name,
    why: 'there is no lock of that name',
    todo: meant === undefined ? others : `did you mean ${meant}?`,
  });
}

function aliveOwner({ name, owner }: LeaseEntry): CliError {
  return new CliError(exitCodes.busy, {
    what: name,
    why: `process ${owner.pid} on ${owner.host.split('@').at(-1)} holds it and may be alive`,
    todo: 'stop that process, or add --force: then it ends, and may write nothing here',
  });
}

function unknownOwner({ name, place }: Garbage): CliError {
  return new CliError(exitCodes.busy, {
    what: printable(name),
    why: `what stands there in ${place.name} is no lock, so nobody can tell whose it is`,
    todo: 'add --force to delete it: an owner that is alive then stops',
  });
}

function namesOrAll(): CliError {
  return new CliError(exitCodes.usage, {
    what: 'locks clear',
    why: 'it needs the names of locks, or --all, and not both',
    todo: 'see keepa-deals locks list',
  });
}

/** In doubt alive: a wrong "dead" makes two spenders. */
function isLive(lease: LeaseEntry, self: ProcessIdentity): boolean {
  return lease.remainingMs > 0 && !isProvablyDead(lease.owner, self);
}

function ownerState({ owner }: LeaseEntry, self: ProcessIdentity): 'alive' | 'dead' | 'elsewhere' {
  if (isProvablyDead(owner, self)) return 'dead';
  const isHere = owner.host === self.host && owner.pidNamespace === self.pidNamespace;
  return isHere ? 'alive' : 'elsewhere';
}
