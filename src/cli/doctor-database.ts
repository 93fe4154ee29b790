/**
 * `doctor` on the database as a file: its schema, whether its pages fit together, its log.
 */
import { statSync } from 'node:fs';
import { StoreOpenError } from '../store/store-open-error.ts';
import { databasePath } from './data-dir.ts';
import { bytesText } from './doctor-disk.ts';
import type { Facts } from './doctor-facts.ts';
import { broken, type Finding, fine, note, skipped, warning } from './doctor-finding.ts';

const mib = 2 ** 20;
/** The whole check reads some 100 MiB a second; a person waits for seconds, not for minutes. */
const wholeCheckBytesMax = 256 * mib;
/** The daemon cuts its log to 16 MiB; four times that means that it cannot. */
const logBytesMax = 64 * mib;

export async function checkSchema({ loaded, stored, daemon }: Facts): Promise<readonly Finding[]> {
  const id = 'schema';
  const path = databasePath(loaded.config.dataDir);
  if (stored === undefined) {
    const what = `there is no database in ${loaded.config.dataDir}`;
    const why = 'start makes it; if there was one, this is another directory';
    return [note(id, { what, why, todo: 'begin with keepa-deals start, or set --data-dir' })];
  }
  try {
    const { readSchemaFacts } = await import('../store/examination.ts');
    const { applied, known } = await readSchemaFacts(path);
    const newer = applied.filter((name) => !known.includes(name));
    if (newer.length > 0) {
      const what = `${path} was upgraded by a newer version: ${newer.join(', ')}`;
      const why = 'this version refuses it, and leaves it as it is';
      return [broken(id, { what, why, todo: 'run the newer version of keepa-deals again' })];
    }
    if (applied.length === known.length) return [fine(id, `up to date: ${applied.at(-1)}`)];
    const what = `${path} is older: ${applied.at(-1) ?? 'empty'}, of ${known.at(-1)}`;
    const isInUse = daemon.kind === 'answered';
    const todo = isInUse ? 'restart the daemon: an older version runs' : 'start upgrades it';
    return [warning(id, { what, why: 'commands of this version cannot read it', todo })];
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error;
    return [unopened(id, error)];
  }
}

/** Whatever is wrong with the file as such is one finding, of this check. */
function unopened(id: string, { message }: StoreOpenError): Finding {
  const at = message.lastIndexOf('; ');
  return broken(id, {
    what: message.slice(0, at),
    why: 'no deal can be shown, and none stored',
    todo: message.slice(at + 2),
  });
}

export async function checkIntegrity({ loaded, stored }: Facts): Promise<readonly Finding[]> {
  const id = 'integrity';
  if (stored === undefined) return [skipped(id, 'there is no database yet')];
  const path = databasePath(loaded.config.dataDir);
  const { checkSoundness } = await import('../store/examination.ts');
  try {
    const { check, problems } = await checkSoundness(path, { wholeBytesMax: wholeCheckBytesMax });
    const size = bytesText(statSync(path).size);
    if (problems.length === 0) return [fine(id, `${check} finds nothing in ${size}`)];
    return [
      broken(id, {
        what: `${path} is damaged (${check}): ${problems.join('; ').replace(/\s+/g, ' ')}`,
        why: 'reads and writes fail wherever they meet it, and it spreads',
        todo: 'stop the daemon, then restore a backup or move the file away to begin anew',
      }),
    ];
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error;
    return [skipped(id, 'the database cannot be opened')];
  }
}

/** `-wal`, SQLite's log of what is not yet in the file. */
export function checkLog({ loaded }: Facts): readonly Finding[] {
  const path = `${databasePath(loaded.config.dataDir)}-wal`;
  const bytes = statSync(path, { throwIfNoEntry: false })?.size;
  if (bytes === undefined) return [fine('wal', 'there is no log: all is in the file')];
  if (bytes <= logBytesMax) return [fine('wal', `the log has ${bytesText(bytes)}`)];
  return [
    warning('wal', {
      what: `${path} has grown to ${bytesText(bytes)}`,
      why: 'every read takes longer, and it takes up the disk',
      todo: 'end what has the database open for long (a backup, an sqlite3 shell)',
    }),
  ];
}
