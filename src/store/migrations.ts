/**
 * The schema's history at work: run in order when the database is opened for writing.
 *
 * All pending migrations are one transaction: the file gets the new schema or stays untouched.
 */
import type { Kysely } from 'kysely';
import { askingIn } from './database.ts';
import { firstSchema } from './migrations/0001-first-schema.ts';
import { priceBands } from './migrations/0002-price-bands.ts';
import { judging } from './migrations/0003-judging.ts';
import { marksOfWork } from './migrations/0004-marks-of-work.ts';
import { learnedCosts } from './migrations/0005-learned-costs.ts';
import { lackingOffers } from './migrations/0006-lacking-offers.ts';
import { pause } from './migrations/0007-pause.ts';
import {
  appliedSteps,
  refuseNewer,
  type SchemaStepName,
  schemaStepNames,
  tableNames,
} from './schema-steps.ts';
import type { StoreDatabase } from './tables.ts';

/** One step; its name sorts after those before it and never changes. */
export interface SchemaStep {
  readonly name: string;
  up(db: Kysely<unknown>): Promise<void>;
}

/** Never change what was released. */
const ups: Readonly<Record<SchemaStepName, SchemaStep['up']>> = {
  '0001-first-schema': firstSchema,
  '0002-price-bands': priceBands,
  '0003-judging': judging,
  '0004-marks-of-work': marksOfWork,
  '0005-learned-costs': learnedCosts,
  '0006-lacking-offers': lackingOffers,
  '0007-pause': pause,
};
const schemaSteps: readonly SchemaStep[] = schemaStepNames.map((name) => ({ name, up: ups[name] }));

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
  // Only a writer needs it.
  const { Migrator } = await import('kysely/migration');
  const migrations = Object.fromEntries(steps.map(({ name, up }) => [name, { up }]));
  await db.transaction().execute(async (trx) => {
    const names = steps.map(({ name }) => name);
    refuseNewer(path, await appliedSteps(askingIn(trx)), names);
    const provider = { getMigrations: () => Promise.resolve(migrations) };
    const { error } = await new Migrator({ db: trx, provider, ...tableNames }).migrateToLatest();
    if (error !== undefined) throw error;
  });
}
