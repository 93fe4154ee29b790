/**
 * The step between the values of the program and those of a column.
 *
 * In the program an unknown figure is absent, in a column it is null; in the program a time may
 * carry a fraction (monotonic spans do), in a column it is a whole millisecond.
 */

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
