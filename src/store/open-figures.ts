/**
 * Opens the deals database for the status report alone, when no daemon answers.
 *
 * A person who asks what is wrong should not wait, and the report needs a dozen figures: so it goes
 * without kysely and the rest of the store, whose loading would take longer than all else.
 */
import { resolve } from 'node:path';
import type { Ask, AskedValue } from './ask.ts';
import { openErrorFor, openFileForReading } from './database-file.ts';
import { figuresOn } from './figures.ts';
import type { FigureReader } from './ports.ts';
import { checkSchema } from './schema-steps.ts';

export interface OpenFigures {
  /** All it reads until it is closed is of one instant. */
  readonly figures: FigureReader;
  close(): void;
}

/** @throws StoreOpenError, reason `missing` when there is no database yet. */
export async function openFigures(path: string): Promise<OpenFigures> {
  const absolute = resolve(path);
  const { file, close } = openFileForReading(absolute);
  const ask: Ask = async <Row>(text: string, ...values: readonly AskedValue[]) =>
    file.prepare<unknown[], Row>(text).all(...values);
  try {
    file.exec('begin');
    await checkSchema(ask, absolute);
  } catch (error) {
    close();
    throw openErrorFor(absolute, error);
  }
  return { figures: figuresOn((questions) => questions(ask)), close };
}
