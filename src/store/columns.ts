/**
 * The step between the values of the program and those of a column.
 *
 * In the program an unknown figure is absent, in a column it is null; in the program a time may
 * carry a fraction (monotonic spans do), in a column it is a whole millisecond.
 */
import { sql } from 'kysely';
import type { DealState, SweepOutcome } from './ports.ts';

/** T with every nullable field turned into an optional one. */
export type Known<T> = {
  readonly [K in keyof T as null extends T[K] ? never : K]: T[K];
} & {
  readonly [K in keyof T as null extends T[K] ? K : never]?: NonNullable<T[K]>;
};

/** The record without its null fields. */
export function withoutNulls<T extends object>(record: T): Known<T> {
  const known = Object.entries(record).filter(([, value]) => value !== null);
  return Object.fromEntries(known) as Known<T>;
}

/** An instant or a span in whole milliseconds. */
export function wholeMs(ms: number): number {
  return Math.floor(ms);
}

/** Written out in a query, not bound: only so do the indexes over just those rows apply. */
export const accepted = sql.lit<DealState>('accepted');
export const candidate = sql.lit<DealState>('candidate');
export const ended = sql.lit<DealState>('ended');
export const complete = sql.lit<SweepOutcome>('complete');
export const yes = sql.lit(1);

/** Begins the reason of a rejection by a feed's screen, which the next listing may lift. */
export const screenPrefix = 'screen:';
