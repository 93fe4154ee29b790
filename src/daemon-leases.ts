/**
 * What the daemon makes of the leases: for whom it stands by, what it says of a holder, and how the
 * deals database takes part when a lease has to be taken anew.
 *
 * Standing by makes sense for a process that works on the same deals: then the one that waits goes
 * on where the other ended. Who uses the same key on another database would only spend its tokens a
 * second time, so that one is told to leave, unless it was said that this is meant.
 */
import type { FencedStore, LeaseSet } from './coordination/lease-set.ts';
import { dataDirLease, isLease, isStandbyNote } from './coordination/names.ts';
import type { LeaseEntry, Leases } from './coordination/ports.ts';
import type { Clock } from './runtime/clock.ts';
import { type DealReader, type DealWriter, StaleFenceError } from './store/ports.ts';

/** `status` answers in 150 ms; a store of leases that takes longer is left out of it. */
const listMsMax = 100;

export interface Heir {
  /** Which deals database this process would write. */
  readonly storeId: string;
  /** Whether it was said that this database is meant beside the holder's. */
  readonly isOwnStore: boolean;
}

/** Whether to wait for this holder to end. One that does not say what it writes is waited for. */
export function isHeirOf(holder: LeaseEntry, heir: Heir): boolean {
  return !writesAnother(holder, heir) || heir.isOwnStore;
}

function writesAnother({ name, store }: LeaseEntry, { storeId }: Heir): boolean {
  // A data directory has one database, also before its first life.
  return name !== dataDirLease && store !== '' && store !== storeId;
}

export function describeHolder({ owner }: LeaseEntry): string {
  return `process ${owner.pid} on host ${owner.host.split('@').at(-1)}`;
}

/** Why this process does not run. */
export function whyHeld(holder: LeaseEntry, heir: Heir): string {
  const who = describeHolder(holder);
  if (!writesAnother(holder, heir)) return `already running: ${who}`;
  return (
    `already running: ${who} uses this key with another deals database, and two of them would ` +
    'spend its tokens twice; to have this one wait until that one ends: --own-store'
  );
}

/** Why a daemon that is at work may not spend. */
export function whyUnconfirmed({ trouble }: Pick<LeaseSet, 'trouble'>): string {
  if (trouble === undefined) return 'the daemon lease is not confirmed';
  const since = new Date(trouble.sinceMs).toISOString();
  return `the lease cannot be renewed since ${since}: ${trouble.why}`;
}

/** The deals database, for whoever takes a lease anew; before it is open nothing is fenced yet. */
export function fencedBy(reader: DealReader, writer: () => DealWriter | undefined): FencedStore {
  return {
    newestFence: () => reader.newestFence(),
    async raiseFence(fence) {
      try {
        await writer()?.raiseFence(fence);
        return true;
      } catch (error) {
        if (error instanceof StaleFenceError) return false;
        throw error;
      }
    },
  };
}

/**
 * The leases and who stands by for them; what the actors are doing is told by their loops. None
 * rather than late or not at all: who asks how things are must get an answer now.
 */
export async function listInTime(leases: Leases, clock: Clock): Promise<readonly LeaseEntry[]> {
  const answered = new AbortController();
  const late = clock.sleep(listMsMax, answered.signal).then(
    () => [],
    () => [],
  );
  const listed = leases.list().catch(() => []);
  const entries = await Promise.race([listed, late]);
  answered.abort();
  // Who stood by and was killed has left its note.
  return entries.filter(
    ({ name, remainingMs }) => isLease(name) || (isStandbyNote(name) && remainingMs > 0),
  );
}
