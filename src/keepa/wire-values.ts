/**
 * Keepa's numbers, one at a time: what is absent, what is a figure, what is neither.
 *
 * Keepa says "none" in four ways: -1, -2, null and a missing key; and lists grew from 34 to 36
 * entries without notice. Here all of that becomes `undefined`, at the one door, so that no sum
 * further in can ever meet a -1 (a shipping of -1 once made books cheaper than free).
 *
 * Invariants:
 * - absent never becomes 0;
 * - what is neither a figure nor a known way of saying "none" is a ShapeError, which names its
 *   place; whoever decodes an item catches it and fails that item alone.
 */
import { z } from 'zod';

/** Something on the wire that is not what Keepa documents; the message names the place. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

export type WireList = readonly unknown[];

/**
 * A list whose elements are read one by one, where they are needed: a schema over each of the
 * 90,000 numbers of a page would cost more than all the rest.
 */
export const wireList = z.custom<WireList>(Array.isArray, 'is not a list');

/** A field that may be missing, null or anything, and is read by hand where it is needed. */
export const unread = z.unknown().optional();

/** A field that only decorates: of the wrong type it is absent, and costs no row its place. */
export function decoration<S extends z.ZodType>(schema: S) {
  return schema.nullish().catch(undefined);
}

/** Minutes from 1970 to 2011, where Keepa's count of minutes begins. */
const keepaEpochMinutes = 21_564_000;
/** So that Unix minutes fit an Int32Array; far beyond any real date. */
const keepaMinutesMax = 2 ** 31 - 1 - keepaEpochMinutes;
const minuteMs = 60_000;

/** The element, or undefined beyond the end: lists have 34 entries or 36. */
export function elementAt(list: WireList | null | undefined, index: number): unknown {
  return list?.[index];
}

/**
 * A whole number from 0, or undefined for Keepa's ways of saying "none". Negatives other than -1
 * and -2 mean nothing where this is used, and no figure of ours is ever negative: absent as well.
 */
export function readCount(value: unknown, place: string): number | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'number') {
    throw new ShapeError(`${place}: ${kindOf(value)} instead of a number`);
  }
  if (value < 0) return undefined;
  const whole = Math.round(value);
  if (!Number.isSafeInteger(whole)) throw new ShapeError(`${place}: ${value} is out of range`);
  return whole;
}

/**
 * A price in cents, or a rank: a whole number above 0. No offer is free and no rank is 0; Keepa
 * writes 0 for an unknown list price, and a price of 0 would look like the best deal of all.
 */
export function readPositive(value: unknown, place: string): number | undefined {
  const whole = readCount(value, place);
  return whole === 0 ? undefined : whole;
}

/** Keepa minutes as Unix milliseconds; 0 and below mean unknown or never. */
export function readTimeMs(value: unknown, place: string): number | undefined {
  const minutes = readPositive(value, place);
  return minutes === undefined ? undefined : toUnixMinutes(minutes, place) * minuteMs;
}

/** Keepa minutes as Unix minutes, for the points of a series; these always have a time. */
export function toUnixMinutes(value: unknown, place: string): number {
  const isMinute = typeof value === 'number' && Number.isInteger(value);
  if (!isMinute || value < 0 || value > keepaMinutesMax) {
    throw new ShapeError(`${place}: not a time in Keepa minutes`);
  }
  return value + keepaEpochMinutes;
}

/**
 * A category number. An unknown category is 0 or Java's largest long, which no JavaScript number
 * holds: it arrives rounded, and a rounded id would name some other category.
 */
export function readCategory(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** What a schema found wrong first, in one line that names the place and quotes no content. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'not of the documented shape';
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}

/** The parts of a decoded object without the absent ones: an optional key is there or it isn't. */
export type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

export function withoutAbsent<T extends object>(fields: T): Present<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Present<T>;
}

/** Any JSON object, by its keys. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
