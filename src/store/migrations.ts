/**
 * The schema's history: an append-only list, run in order when the database is opened for writing.
 *
 * All pending migrations are one transaction: the file gets the new schema or stays untouched. A
 * file that knows a migration which is not in the list was made by a newer version. It is refused,
 * for reading too: what its columns mean is not known here.
 */
import { type Kysely, sql } from 'kysely';
import { firstSchema } from './migrations/0001-first-schema.ts';
import { priceBands } from './migrations/0002-price-bands.ts';
import { judging } from './migrations/0003-judging.ts';
import { marksOfWork } from './migrations/0004-marks-of-work.ts';
import { learnedCosts } from './migrations/0005-learned-costs.ts';
import { lackingOffers } from './migrations/0006-lacking-offers.ts';
import { pause } from './migrations/0007-pause.ts';
import { StoreOpenError } from './store-open-error.ts';
import type { StoreDatabase } from './tables.ts';

/** One step; its name sorts after those before it and never changes. */
export interface SchemaStep {
  readonly name: string;
  up(db: Kysely<unknown>): Promise<void>;
}

/** Add at the end; never change what was released. */
const schemaSteps: readonly SchemaStep[] = [
  { name: '0001-first-schema', up: firstSchema },
  { name: '0002-price-bands', up: priceBands },
  { name: '0003-judging', up: judging },
  { name: '0004-marks-of-work', up: marksOfWork },
  { name: '0005-learned-costs', up: learnedCosts },
  { name: '0006-lacking-offers', up: lackingOffers },
  { name: '0007-pause', up: pause },
];

const tableNames = {
  migrationTableName: 'schema_migrations',
  migrationLockTableName: 'schema_migrations_lock',
} as const;

/**
 * Brings the schema up to date. Afterwards it is exactly that of the last step.
 *
 * @throws StoreOpenError `newer-schema`; or the error of the step that failed; nothing changed.
 */
export async function migrate(
  db: StoreDatabase,
  path: string,
  steps: readonly SchemaStep[] = schemaSteps,
): Promise<void> {
  // Reading never loads it, and `status` has little time.
  const { Migrator } = await import('kysely/migration');
  const migrations = Object.fromEntries(steps.map(({ name, up }) => [name, { up }]));
  await db.transaction().execute(async (trx) => {
    refuseNewer(path, await appliedSteps(trx), steps);
    const provider = { getMigrations: () => Promise.resolve(migrations) };
    const { error } = await new Migrator({ db: trx, provider, ...tableNames }).migrateToLatest();
    if (error !== undefined) throw error;
  });
}

/**
 * Makes sure that the schema is the one that this version reads.
 *
 * @throws StoreOpenError `newer-schema` or `older-schema`.
 */
export async function checkSchema(db: StoreDatabase, path: string): Promise<void> {
  const applied = await appliedSteps(db);
  refuseNewer(path, applied, schemaSteps);
  if (applied.length === schemaSteps.length) return;
  const why =
    applied.length === 0
      ? 'it holds no tables yet'
      : `its schema is older: ${applied.at(-1)} where ${schemaSteps.at(-1)?.name} is needed`;
  throw new StoreOpenError(path, { reason: 'older-schema', why });
}

/** The steps that the file has been through, and those that this version knows, in order. */
export async function schemaState(
  db: StoreDatabase,
): Promise<{ readonly applied: readonly string[]; readonly known: readonly string[] }> {
  return { applied: await appliedSteps(db), known: schemaSteps.map(({ name }) => name) };
}

/** Whether this version can read it; an older one has to be upgraded first. @throws newer-schema */
export async function isCurrent(db: StoreDatabase, path: string): Promise<boolean> {
  try {
    await checkSchema(db, path);
    return true;
  } catch (error) {
    if (error instanceof StoreOpenError && error.reason === 'older-schema') return false;
    throw error;
  }
}

function refuseNewer(path: string, applied: readonly string[], steps: readonly SchemaStep[]): void {
  const known = new Set(steps.map(({ name }) => name));
  const unknown = applied.find((name) => !known.has(name));
  if (unknown === undefined) return;
  const why = `its schema is newer: ${unknown} is not known to this version of keepa-deals`;
  throw new StoreOpenError(path, { reason: 'newer-schema', why });
}

/** Whether any step was ever taken on the file: then the tables of the first schema are there. */
export async function holdsTables(db: StoreDatabase): Promise<boolean> {
  return (await appliedSteps(db)).length > 0;
}

/** The names of the steps that the file has been through, in order; none for an empty file. */
async function appliedSteps(db: StoreDatabase): Promise<readonly string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === tableNames.migrationTableName)) return [];
  const table = sql.table(tableNames.migrationTableName);
  const applied = await sql<{ name: string }>`select name from ${table} order by name`.execute(db);
  return applied.rows.map(({ name }) => name);
}
