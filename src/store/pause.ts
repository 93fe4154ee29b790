/**
 * The pause: while it is in force the daemon spends nothing, however often it starts anew.
 *
 * A pause that has an end is over at that instant, whether or not somebody was there to strike it
 * out; so whoever reads it says what time it is.
 *
 * Invariant: at most one pause, and pausing again moves its end and its reason, not its beginning.
 */
import type { Ask } from './ask.ts';
import { wholeMs, withoutNulls } from './column-values.ts';
import type { Pause, PauseOrder } from './ports.ts';
import type { Trx } from './tables.ts';

interface PauseRow {
  readonly sinceMs: number;
  readonly untilMs: number | null;
  readonly reason: string | null;
}

/** The pause that is in force at `nowMs`; undefined when there is none, or it is over. */
export async function pauseOf(ask: Ask, nowMs: number): Promise<Pause | undefined> {
  const [row] = await ask<PauseRow>(
    'select since_ms as sinceMs, until_ms as untilMs, reason from pause',
  );
  if (row === undefined) return undefined;
  const pause: Pause = withoutNulls(row);
  return pause.untilMs !== undefined && pause.untilMs <= nowMs ? undefined : pause;
}

/** One transaction, to write in and to ask. */
interface Asking {
  readonly trx: Trx;
  readonly ask: Ask;
}

/** Begins a pause, or changes the end and the reason of the one in force. */
export async function beginPause(
  { trx, ask }: Asking,
  { atMs, untilMs, reason }: PauseOrder & { readonly atMs: number },
): Promise<Pause> {
  const known = await pauseOf(ask, atMs);
  // A wall clock that was set back would make the pause end before it began.
  const sinceMs = wholeMs(Math.min(known?.sinceMs ?? atMs, atMs));
  const values = {
    since_ms: sinceMs,
    until_ms: untilMs === undefined ? null : wholeMs(untilMs),
    reason: reason ?? null,
  };
  await trx
    .insertInto('pause')
    .values({ id: 1, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute();
  return withoutNulls({ sinceMs, untilMs: values.until_ms, reason: values.reason });
}

/** Ends the pause; returns the one that was in force at `atMs`. */
export async function endPause({ trx, ask }: Asking, atMs: number): Promise<Pause | undefined> {
  const known = await pauseOf(ask, atMs);
  await trx.deleteFrom('pause').execute();
  return known;
}
