/**
 * The lives of the daemon: when it started, when and why it stopped.
 *
 * Three starts in five minutes are a crash loop, and a life without a stop that is not running was
 * killed: `status` can tell both after the fact.
 */
import type { Ask } from './ask.ts';
import { wholeMs, withoutNulls } from './column-values.ts';
import type { Run } from './ports.ts';
import type { Trx } from './tables.ts';

/** Writes the run, or brings the one of the same instance up to date. */
export async function recordRun(trx: Trx, run: Run, databasePath: string): Promise<void> {
  const ending = {
    stopped_at_ms: run.stoppedAtMs === undefined ? null : wholeMs(run.stoppedAtMs),
    stop_reason: run.stopReason ?? null,
  };
  await trx
    .insertInto('runs')
    .values({
      instance: run.instance,
      version: run.version,
      pid: run.pid,
      database_path: databasePath,
      started_at_ms: wholeMs(run.startedAtMs),
      ...ending,
    })
    .onConflict((conflict) => conflict.column('instance').doUpdateSet(ending))
    .execute();
}

/** The run that was recorded last, whatever the wall clock said. */
export async function lastRun(ask: Ask): Promise<Run | undefined> {
  const [row] = await ask<StoredRun>(
    `select instance, version, pid, database_path as databasePath, started_at_ms as startedAtMs,
       stopped_at_ms as stoppedAtMs, stop_reason as stopReason
     from runs order by id desc limit 1`,
  );
  return row === undefined ? undefined : withoutNulls(row);
}

interface StoredRun {
  readonly instance: string;
  readonly version: string;
  readonly pid: number;
  readonly databasePath: string;
  readonly startedAtMs: number;
  readonly stoppedAtMs: number | null;
  readonly stopReason: string | null;
}

/**
 * A database is known by the first life that it has seen: a name that nobody has to invent, which a
 * copy keeps and no other database has. Undefined before the first.
 */
export async function storeId(trx: Trx): Promise<string | undefined> {
  const first = await trx
    .selectFrom('runs')
    .select('instance')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return first?.instance;
}

export async function runsSince(ask: Ask, sinceMs: number): Promise<number> {
  const [found] = await ask<{ count: number }>(
    'select count(*) as count from runs where started_at_ms >= ?',
    sinceMs,
  );
  return found?.count ?? 0;
}
