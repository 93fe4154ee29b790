/**
 * The schema's history by name: an append-only list, and how far along it a file is.
 *
 * A file that knows a step which is not in the list was made by a newer version. It is refused, for
 * reading too: what its columns mean is not known here. The steps themselves are in migrations.ts,
 * apart, because who reads takes none of them.
 */
import type { Ask } from './ask.ts';
import { StoreOpenError } from './store-open-error.ts';

/** Add at the end; each sorts after those before it and never changes. */
export const schemaStepNames = [
  '0001-first-schema',
  '0002-price-bands',
  '0003-judging',
  '0004-marks-of-work',
  '0005-learned-costs',
  '0006-lacking-offers',
  '0007-pause',
] as const;
export type SchemaStepName = (typeof schemaStepNames)[number];

/** Where the steps that were taken are written down. */
export const tableNames = {
  migrationTableName: 'schema_migrations',
  migrationLockTableName: 'schema_migrations_lock',
} as const;

/**
 * Makes sure that the schema is the one that this version reads.
 *
 * @throws StoreOpenError `newer-schema`, `older-schema`, or `missing` where there is none at all.
 */
export async function checkSchema(ask: Ask, path: string): Promise<void> {
  const applied = await appliedSteps(ask);
  refuseNewer(path, applied, schemaStepNames);
  if (applied.length === schemaStepNames.length) return;
  const newest = applied.at(-1);
  // For a moment, as the first start makes it.
  if (newest === undefined) {
    throw new StoreOpenError(path, { reason: 'missing', why: 'it holds no tables yet' });
  }
  const why = `its schema is older: ${newest} where ${schemaStepNames.at(-1)} is needed`;
  throw new StoreOpenError(path, { reason: 'older-schema', why });
}

/** Whether this version can read it; an older one has to be upgraded first. @throws newer-schema */
export async function isCurrent(ask: Ask, path: string): Promise<boolean> {
  try {
    await checkSchema(ask, path);
    return true;
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error;
    if (error.reason === 'older-schema' || error.reason === 'missing') return false;
    throw error;
  }
}

/** @throws StoreOpenError `newer-schema` when a step was taken that is not among `names`. */
export function refuseNewer(
  path: string,
  applied: readonly string[],
  names: readonly string[],
): void {
  const unknown = applied.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const why = `its schema is newer: ${unknown} is not known to this version of keepa-deals`;
  throw new StoreOpenError(path, { reason: 'newer-schema', why });
}

/** Whether any step was ever taken on the file: then the tables of the first schema are there. */
export async function holdsTables(ask: Ask): Promise<boolean> {
  return (await appliedSteps(ask)).length > 0;
}

/** The names of the steps that the file has been through, in order; none for an empty file. */
export async function appliedSteps(ask: Ask): Promise<readonly string[]> {
  const table = tableNames.migrationTableName;
  const tables = await ask<{ name: string }>(
    "select name from sqlite_schema where type = 'table' and name = ?",
    table,
  );
  if (tables.length === 0) return [];
  const applied = await ask<{ name: string }>(`select name from ${table} order by name`);
  return applied.map(({ name }) => name);
}
