/**
 * `doctor` on the data directory: whether it can be used, by whom, and how much room it has.
 *
 * Nothing is tried out by writing: modes, owners and what the file system says of itself tell.
 */
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  type Stats,
  statfsSync,
  statSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { systemReason } from './cli-error.ts';
import { databasePath } from './data-dir.ts';
import type { Facts } from './doctor-facts.ts';
import { broken, type Finding, fine, note, orFine, warning } from './doctor-finding.ts';
import { stateDirectoryIn } from './doctor-unit.ts';

const mib = 2 ** 20;
/** The log before it is folded in, an upgrade of the schema, and some days of rows. */
const freeBytesMin = 64 * mib;
const freeBytesWanted = 512 * mib;
/** Bits of a mode that let others change what is in a directory, or read a file. */
const othersWriteBits = 0o022;
const othersReadBits = 0o044;

export function checkDataDir({ loaded, units }: Facts): readonly Finding[] {
  const id = 'data-dir';
  const { dataDir } = loaded.config;
  const ofService = units.map(({ text }) => stateDirectoryIn(text)).find(Boolean);
  const isChosen = loaded.origins.data_dir !== 'default';
  if (ofService !== undefined && !isChosen && dataDir !== ofService) {
    return [notOfService(dataDir, ofService)];
  }
  const stats = statsOf(dataDir);
  if (stats === undefined) return [beforeItIsMade(dataDir)];
  if (!stats.isDirectory()) {
    const what = `${dataDir} is no directory`;
    return [broken(id, { what, why: 'there is no place for the data', todo: anotherPlace })];
  }
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const what = `${dataDir} cannot be written by ${whoami()}: ${systemReason(error)}`;
    const why = 'a daemon of this user ends with exit code 78 there';
    const todo = 'make it writable, set another, or run doctor as the user of the service';
    return [broken(id, { what, why, todo })];
  }
  const mode = (stats.mode & 0o777).toString(8);
  const found = [...openToOthers(dataDir, stats.mode), ...strangersIn(dataDir, stats.uid)];
  return orFine(found, fine(id, `${dataDir} can be written, mode ${mode}`));
}

const anotherPlace = 'set another with --data-dir, KEEPA_DEALS_DATA_DIR or data_dir';

/** Of what a link leads to; undefined where nothing is. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Below a file, or in a directory that is closed to us: nothing of ours is there.
    return undefined;
  }
}

/** A shell has another default than systemd gives to the service. */
function notOfService(dataDir: string, ofService: string): Finding {
  return warning('data-dir', {
    what: `${dataDir} was looked at, and the installed service keeps its data in ${ofService}`,
    why: 'nothing that is said here of the daemon and its data is about the service',
    todo: `keepa-deals doctor --data-dir ${ofService}, as root`,
  });
}

/** `start` makes it, where it may. */
function beforeItIsMade(dataDir: string): Finding {
  let above = dirname(dataDir);
  while (!existsSync(above) && above !== dirname(above)) above = dirname(above);
  try {
    accessSync(above, constants.W_OK | constants.X_OK);
    if (!statSync(above).isDirectory()) throw new Error('a part of the path is a file');
  } catch (error) {
    const what = `${dataDir} does not exist and cannot be made: ${systemReason(error)}`;
    const why = 'start ends with exit code 78';
    return broken('data-dir', { what, why, todo: anotherPlace });
  }
  return note('data-dir', {
    what: `${dataDir} does not exist yet`,
    why: 'start makes it; if deals were kept before, they are elsewhere',
    todo: `or ${anotherPlace}`,
  });
}

function openToOthers(dataDir: string, mode: number): Finding[] {
  if ((mode & othersWriteBits) !== 0) {
    return [
      warning('data-dir', {
        what: `${dataDir} can be written by others (mode ${(mode & 0o777).toString(8)})`,
        why: 'whoever writes there can replace the database and the control socket',
        todo: `chmod 700 ${dataDir}`,
      }),
    ];
  }
  if ((mode & othersReadBits) === 0) return [];
  return [
    note('data-dir', {
      what: `${dataDir} can be read by others (mode ${(mode & 0o777).toString(8)})`,
      why: 'the deals are there to be read; the key is not among them',
      todo: `chmod 700 ${dataDir}, unless that is meant`,
    }),
  ];
}

/** A command that was run as root may leave files that the service cannot write. */
function strangersIn(dataDir: string, uid: number): Finding[] {
  const strangers = readdirSync(dataDir).filter((name) => {
    const stats = lstatSync(join(dataDir, name), { throwIfNoEntry: false });
    return stats !== undefined && stats.uid !== uid;
  });
  if (strangers.length === 0) return [];
  return [
    warning('data-dir', {
      what: `${strangers.join(', ')} in ${dataDir} belong to another user than the directory`,
      why: 'the daemon may not be able to write them',
      todo: `chown --reference=${dataDir} them`,
    }),
  ];
}

function whoami(): string {
  const { username, uid } = userInfo();
  return username === '' ? `user ${uid}` : username;
}

export function checkDiskSpace({ loaded }: Facts): readonly Finding[] {
  const { dataDir } = loaded.config;
  let place = dataDir;
  while (!existsSync(place) && place !== dirname(place)) place = dirname(place);
  const { bavail, bsize, ffree, files } = statfsSync(place);
  const path = databasePath(dataDir);
  const sizes = [path, `${path}-wal`].map((file) => statsOf(file)?.size ?? 0);
  const databaseBytes = sizes.reduce((sum, size) => sum + size, 0);
  // Some file systems count no files.
  const filesFree = files === 0 ? undefined : ffree;
  return [spaceFinding({ freeBytes: bavail * bsize, filesFree, databaseBytes })];
}

/** What the free space of the data's file system means. */
export function spaceFinding(space: {
  readonly freeBytes: number;
  readonly filesFree: number | undefined;
  readonly databaseBytes: number;
}): Finding {
  const { freeBytes, filesFree, databaseBytes } = space;
  const shown = `${bytesText(freeBytes)} free, the database has ${bytesText(databaseBytes)}`;
  const todo = 'free some space, or move the data directory';
  if (freeBytes < freeBytesMin || (filesFree !== undefined && filesFree < 100)) {
    const what =
      filesFree !== undefined && filesFree < 100 ? `${shown}, ${filesFree} files` : shown;
    return broken('disk', { what, why: 'nothing is bought while nothing can be stored', todo });
  }
  if (freeBytes < Math.max(freeBytesWanted, databaseBytes)) {
    const why = 'there is no room for a copy of the database, and soon none for rows';
    return warning('disk', { what: shown, why, todo });
  }
  return fine('disk', shown);
}

/** `812 KiB`, `1.4 GiB`. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const at = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** at;
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}
