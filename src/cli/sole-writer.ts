/**
 * Writes to the deals database when no daemon runs, as its only writer.
 *
 * The command holds the data directory's lease for the while: a daemon that starts meanwhile stands
 * by, and one that runs already keeps the command out. It spends nothing, so it needs no key.
 */
import { leaseTimes } from '../coordination/lease-keeper.ts';
import { LeaseSet } from '../coordination/lease-set.ts';
import { dataDirLease } from '../coordination/names.ts';
import { CoordinationAwayError, type LeaseEntry } from '../coordination/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { systemRandom } from '../runtime/random.ts';
import { type DealReader, type DealWriter, StaleFenceError } from '../store/ports.ts';
import { CliError, exitCodes } from './cli-error.ts';
import { openData } from './open-data-dir.ts';

export interface SoleWriterOptions {
  readonly dataDir: string;
  /** What the holder of the lease is doing, for people who ask. */
  readonly doing: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SoleWriting {
  readonly reader: DealReader;
  readonly writer: DealWriter;
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal;
}

/**
 * Runs `work` as the only writer.
 *
 * @throws CliError (75) when another is at work, or took over meanwhile; CoordinationAwayError
 * while the lease cannot be asked for; what `work` throws.
 */
export async function asSoleWriter<T>(
  options: SoleWriterOptions,
  work: (parts: SoleWriting) => Promise<T>,
): Promise<T> {
  const { dataDir, clock, log, doing } = options;
  const data = await openData(dataDir, { clock, random: systemRandom(), log });
  const lease = new LeaseSet([dataDirLease], {
    leases: data.coordination.leases,
    owner: data.owner,
    clock,
    log,
    times: leaseTimes,
    doing: () => doing,
    onTurned: () => undefined,
  });
  const over = new AbortController();
  try {
    const fence = await take(lease, data.store.reader);
    await data.store.prepareToWrite();
    void lease.run(over.signal);
    void lease.lost.then(() => over.abort());
    const writer = data.store.writer(fence);
    await writer.adoptFence();
    return await work({ reader: data.store.reader, writer, signal: over.signal });
  } catch (error) {
    throw error instanceof StaleFenceError ? takenOver() : error;
  } finally {
    over.abort();
    try {
      // What is committed is done: a lease that cannot be given back now runs out.
      await lease.giveBack();
    } finally {
      await data.close();
    }
  }
}

/** @throws CliError (75) when somebody alive holds it. */
async function take(lease: LeaseSet, reader: DealReader): Promise<number> {
  const taken = await lease.take({
    fenceFloor: () => reader.newestFence(),
    onAway: giveUp,
    signal: new AbortController().signal,
  });
  if (taken.kind === 'taken') return taken.fence;
  throw busy(taken.kind === 'held' ? holderText(taken.holder) : 'it was interrupted');
}

/** A person is there to try again, so a command waits for no store of leases. */
function giveUp(why: string | undefined, todo?: string): void {
  if (why !== undefined) throw new CoordinationAwayError(why, todo);
}

function holderText({ owner, doing }: LeaseEntry): string {
  return `process ${owner.pid} on host ${owner.host.slice(0, 12)} holds it (${doing})`;
}

/** Somebody else writes; nothing was changed by us, or only what is whole. */
export function busy(why: string): CliError {
  return new CliError(exitCodes.busy, {
    what: 'the deals database',
    why,
    todo: 'try again when it has ended, or ask it (see keepa-deals status)',
  });
}

function takenOver(): CliError {
  return busy('a daemon has taken over meanwhile; what was done until then is kept');
}
