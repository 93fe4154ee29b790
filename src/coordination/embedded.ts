/**
 * Leases and checkpoints in one SQLite file: the coordination of a single machine, without Redis.
 *
 * It has a file of its own beside the deals. With both in one file, a lease renewal would wait for
 * an open transaction of the deals on the same thread, which could then never end. The file can be
 * lost at any time: that costs repeated work, never a deal, and the deals remember the fence.
 */
import type { BootClock } from '../runtime/boot-clock.ts';
import type { Clock } from '../runtime/clock.ts';
import { EmbeddedCheckpoints } from './embedded-checkpoints.ts';
import { behind, EmbeddedDoor } from './embedded-door.ts';
import {
  type CoordinationFile,
  openCoordinationFile,
  openCoordinationForReading,
} from './embedded-file.ts';
import { EmbeddedLeases } from './embedded-leases.ts';
import type { Coordination, Owner } from './ports.ts';

export interface EmbeddedOptions {
  readonly path: string;
  /** Dates entries for people. */
  readonly clock: Pick<Clock, 'now'>;
  /** Judges every expiry. */
  readonly bootClock: BootClock;
  /** Stable id of this machine, as in `Owner`. */
  readonly host: string;
  /** Whether the owner cannot be running any more; in doubt false. */
  isProvablyDead(owner: Owner): boolean;
  /** Told, in one line, when an unreadable file was set aside. */
  onNotice(notice: string): void;
  /** For who can wait: one that is locked, or has no room, is opened by a later call. */
  readonly waits?: boolean;
}

/**
 * Opens the file at `path`, making it if need be. One that cannot be read as ours is renamed to
 * `<path>.corrupt-<n>`, with a notice, and a fresh one takes its place. While it is locked or its
 * disk is full, each call throws CoordinationAwayError.
 *
 * @throws CoordinationOpenError when no file can be opened or made there, or it is of a newer
 * version.
 */
export async function openEmbeddedCoordination(options: EmbeddedOptions): Promise<Coordination> {
  const { path, clock, onNotice, waits = false } = options;
  const door = new EmbeddedDoor(path, (busyMs) => {
    const compose = (opened: CoordinationFile) => ({
      leases: new EmbeddedLeases(opened, options),
      checkpoints: new EmbeddedCheckpoints(opened, clock),
    });
    const { file, parts } = openCoordinationFile({ path, busyMs, onNotice, compose });
    const setBusyMs = (ms: number): void => void file.pragma(`busy_timeout = ${ms}`);
    return { ...parts, setBusyMs, close: () => file.close() };
  });
  door.open({ waits });
  return behind(door);
}

/**
 * Leases and checkpoints of a file that is there, for who only looks: nothing is made, upgraded or
 * set aside. `acquire` and whatever else writes fails.
 *
 * @throws CoordinationOpenError when it cannot be read, or holds something else.
 */
export function lookIntoEmbedded(options: Omit<EmbeddedOptions, 'onNotice'>): Coordination {
  const { file, parts } = openCoordinationForReading(options.path, (opened) => ({
    leases: new EmbeddedLeases(opened, options),
    checkpoints: new EmbeddedCheckpoints(opened, options.clock),
  }));
  return {
    ...parts,
    async close() {
      file.close();
    },
  };
}
