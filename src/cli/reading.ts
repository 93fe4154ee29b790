/**
 * Opens what the reading commands read: the configuration for its data directory, and the deals
 * database for reading only, whether a daemon runs or not.
 */
import { type Config, loadConfig } from '../config.ts';
import type { FigureReader, Store } from '../store/ports.ts';
import type { CliContext } from './context.ts';
import { databasePath } from './data-dir.ts';

export interface PlaceFlags {
  readonly config?: string;
  readonly dataDir?: string;
}

/** @throws ConfigError */
export function readConfig({ config, dataDir }: PlaceFlags, { env, cwd }: CliContext): Config {
  return loadConfig({ flags: { config, dataDir }, env, cwd }).config;
}

/**
 * Runs `work` on the database and closes it after. kysely is loaded here, so that what needs no
 * database does not wait for it.
 *
 * @throws StoreOpenError, reason `missing` when there is no database yet; what `work` throws.
 */
export async function withStore<T>(
  dataDir: string,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const { openStore } = await import('../store/open-store.ts');
  const store = await openStore({ path: databasePath(dataDir), mode: 'read' });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/**
 * Runs `work` on the figures of the status report alone and closes the database after: that loads
 * in a fraction of the time.
 *
 * @throws StoreOpenError, reason `missing` when there is no database yet; what `work` throws.
 */
export async function withFigures<T>(
  dataDir: string,
  work: (figures: FigureReader) => Promise<T>,
): Promise<T> {
  const { openFigures } = await import('../store/open-figures.ts');
  const { figures, close } = await openFigures(databasePath(dataDir));
  try {
    return await work(figures);
  } finally {
    close();
  }
}
