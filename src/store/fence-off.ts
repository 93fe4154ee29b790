/**
 * Has the database refuse what a process still writes whose lease is about to be deleted.
 *
 * That process may be alive and of another version than ours, so nothing but the fence is touched:
 * a schema that was upgraded under it would break what it is allowed to finish. The fence and the
 * list of lives are the same in every schema that this version knows.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { askingIn, openForWriting } from './database.ts';
import { openErrorFor } from './database-file.ts';
import { adoptFence, newestFence } from './fence.ts';
import { lastRun } from './runs.ts';
import { holdsTables, isCurrent } from './schema-steps.ts';

export interface FenceOff {
  readonly path: string;
  /** The fence that is to be refused. */
  readonly fence: number;
  /** Whether the process that began its life here last is the one that is meant. */
  isWriter(instance: string | undefined): boolean;
}

/**
 * Afterwards, for `fenced`, a write under that fence or an older one is refused. `another`: the one
 * that is meant does not write here. `nothing`: there is no database yet. Then nothing was changed.
 *
 * @throws StoreOpenError
 */
export async function fenceOff(options: FenceOff): Promise<'fenced' | 'another' | 'nothing'> {
  const path = resolve(options.path);
  if (!statSync(path, { throwIfNoEntry: false })?.size) return 'nothing';
  const { db, close } = openForWriting(path);
  try {
    if (!(await holdsTables(askingIn(db)))) return 'nothing';
    // Throws for a newer schema: what its columns mean is not known here.
    await isCurrent(askingIn(db), path);
    return await db.transaction().execute(async (trx) => {
      if (!options.isWriter((await lastRun(askingIn(trx)))?.instance)) return 'another';
      await adoptFence(trx, Math.max(await newestFence(trx), options.fence) + 1);
      return 'fenced';
    });
  } catch (error) {
    throw openErrorFor(path, error);
  } finally {
    await close();
  }
}
