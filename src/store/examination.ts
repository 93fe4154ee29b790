/**
 * Looks at the deals database as a file, for who asks whether it is sound: its schema, and whether
 * its pages fit together. Nothing is changed, and a daemon may write meanwhile.
 *
 * `openStore` refuses a schema that it does not read; here that is the answer and no failure.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { sql } from 'kysely';
import { askingIn, openForReading } from './database.ts';
import { openErrorFor } from './database-file.ts';
import { appliedSteps, schemaStepNames } from './schema-steps.ts';
import { StoreOpenError } from './store-open-error.ts';
import type { StoreDatabase } from './tables.ts';

/** What the file has been through, and what this version knows; in order. */
export interface SchemaFacts {
  readonly applied: readonly string[];
  readonly known: readonly string[];
}

export interface Soundness {
  /** The quick check leaves out whether every index agrees with its table. */
  readonly check: 'integrity_check' | 'quick_check';
  /** In SQLite's words, one a line; empty: it is sound. */
  readonly problems: readonly string[];
}

/** What is wrong is wrong on the first lines, too. */
const problemsMax = 10;

/** @throws StoreOpenError when the file cannot be opened; what it holds does not matter. */
export async function readSchemaFacts(path: string): Promise<SchemaFacts> {
  const applied = await looking(path, (db) => appliedSteps(askingIn(db)));
  return { applied, known: schemaStepNames };
}

/**
 * Reads every page; the whole check up to `wholeBytesMax` of file, the quick one beyond. It is
 * one reading transaction, during which the log of a daemon at work cannot be cut.
 *
 * @throws StoreOpenError when the file cannot be opened for another reason than damage.
 */
export async function checkSoundness(
  path: string,
  { wholeBytesMax }: { readonly wholeBytesMax: number },
): Promise<Soundness> {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const check = bytes <= wholeBytesMax ? 'integrity_check' : 'quick_check';
  try {
    const problems = await looking(path, async (db) => {
      const pragma = sql.raw(`pragma ${check}(${problemsMax})`);
      const { rows } = await sql<Readonly<Record<string, unknown>>>`${pragma}`.execute(db);
      return rows.flatMap((row) => Object.values(row).map(String));
    });
    return { check, problems: problems.filter((problem) => problem !== 'ok') };
  } catch (error) {
    const isDamage = error instanceof StoreOpenError && error.reason === 'corrupt';
    if (!isDamage) throw error;
    return { check, problems: [error.message] };
  }
}

async function looking<T>(path: string, look: (db: StoreDatabase) => Promise<T>): Promise<T> {
  const absolute = resolve(path);
  const database = openForReading(absolute);
  try {
    return await look(database.db);
  } catch (error) {
    throw openErrorFor(absolute, error);
  } finally {
    await database.close();
  }
}
