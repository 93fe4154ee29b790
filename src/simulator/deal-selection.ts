/**
 * The JSON of a deal query, read the way Keepa reads it.
 *
 * Keepa knows two complaints: the text is no JSON object ("missing or invalid", also what a query
 * encoded twice gets), or one field has an impossible value ("invalid format", with its name). A
 * field it does not know it ignores without a word, and so does this. Ranges count only with
 * `isRangeEnabled`, filters only with `isFilterEnabled`.
 */
import { invalidParameter, type WireError } from './envelope.ts';

/** [min, max], both included. */
export type Range = readonly [number, number];

export interface DealSelection {
  readonly page: number;
  readonly domainId: number;
  readonly priceType: number;
  /** Index of the averages that drops are measured against. */
  readonly dateRange: number;
  readonly sortType: number;
  readonly ranges: {
    readonly current: Range | undefined;
    readonly delta: Range | undefined;
    readonly deltaPercent: Range | undefined;
    readonly deltaLast: Range | undefined;
    readonly salesRank: Range | undefined;
  };
  readonly includeCategories: readonly number[];
  readonly excludeCategories: readonly number[];
  readonly titleWords: readonly string[];
  readonly minRating: number;
  readonly flags: ReadonlySet<string>;
}

const domains = new Set([1, 2, 3, 4, 5, 6, 8, 9, 10, 11]);
const priceTypes = new Set([0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 18, 19, 20, 21, 22, 27, 32, 33]);
const sortTypes = new Set([1, 2, 3, 4, -1, -2, -3, -4]);
const flagNames = [
  'isLowest',
  'isLowest90',
  'isHighest',
  'isOutOfStock',
  'isBackInStock',
  'isPrimeExclusive',
  'hasReviews',
  'mustHaveAmazonOffer',
  'mustNotHaveAmazonOffer',
] as const;
/** Keepa lists nothing that dropped by less. */
export const dropPercentMin = 10;

/** Thrown inside this file only, to leave the reading at the first bad field. */
class BadField extends Error {
  readonly field: string;
  constructor(field: string) {
    super(field);
    this.field = field;
  }
}

/** The query in `text`, or Keepa's complaint about it. */
export function readSelection(text: string | undefined): DealSelection | WireError {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text ?? '');
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return invalidParameter('The queryJSON is missing or invalid.', '');
  }
  try {
    return selectionOf(new Map(Object.entries(parsed)));
  } catch (error) {
    if (!(error instanceof BadField)) throw error;
    return invalidParameter('The queryJSON is of invalid format.', error.field);
  }
}

/** Whether this is a complaint and no selection. */
export function isComplaint(reading: DealSelection | WireError): reading is WireError {
  return 'type' in reading;
}

function selectionOf(fields: ReadonlyMap<string, unknown>): DealSelection {
  const areRanges = flagOf(fields, 'isRangeEnabled');
  const areFilters = flagOf(fields, 'isFilterEnabled');
  const rangeOf = (field: string): Range | undefined => {
    const range = readRange(fields, field);
    return areRanges ? range : undefined;
  };
  const include = categoriesOf(fields, 'includeCategories');
  const exclude = categoriesOf(fields, 'excludeCategories');
  const rating = integerOf(fields, 'minRating', -1);
  const words = wordsOf(fields);
  return {
    page: integerOf(fields, 'page', 0, (page) => page >= 0),
    domainId: integerOf(fields, 'domainId', undefined, (id) => domains.has(id)),
    priceType: priceTypeOf(fields),
    dateRange: Math.min(
      integerOf(fields, 'dateRange', 0, (value) => value >= 0 && value <= 4),
      3,
    ),
    sortType: integerOf(fields, 'sortType', 4, (value) => sortTypes.has(value)),
    ranges: {
      current: rangeOf('currentRange'),
      delta: rangeOf('deltaRange'),
      deltaPercent: rangeOf('deltaPercentRange'),
      deltaLast: rangeOf('deltaLastRange'),
      salesRank: rangeOf('salesRankRange'),
    },
    includeCategories: areFilters ? include : [],
    excludeCategories: areFilters ? exclude : [],
    titleWords: areFilters ? words : [],
    minRating: areFilters ? rating : -1,
    flags: new Set(areFilters ? flagNames.filter((name) => flagOf(fields, name)) : []),
  };
}

/** A whole number, as such or as a decimal string; both are accepted. */
function integerOf(
  fields: ReadonlyMap<string, unknown>,
  field: string,
  fallback: number | undefined,
  isAllowed: (value: number) => boolean = () => true,
): number {
  const value = fields.get(field) ?? fallback;
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || !isAllowed(number)) {
    throw new BadField(field);
  }
  return number;
}

function flagOf(fields: ReadonlyMap<string, unknown>, field: string): boolean {
  const value = fields.get(field) ?? false;
  if (typeof value !== 'boolean') throw new BadField(field);
  return value;
}

function priceTypeOf(fields: ReadonlyMap<string, unknown>): number {
  const list = fields.get('priceTypes');
  const value: unknown = Array.isArray(list) && list.length === 1 ? list[0] : undefined;
  if (typeof value !== 'number' || !priceTypes.has(value)) throw new BadField('priceTypes');
  return value;
}

function categoriesOf(fields: ReadonlyMap<string, unknown>, field: string): number[] {
  const list = fields.get(field) ?? [];
  if (!Array.isArray(list) || list.length > 500) throw new BadField(field);
  return list.map((entry: unknown) => {
    if (typeof entry !== 'number') throw new BadField(field);
    return entry;
  });
}

/** An upper end of -1 is open. */
function readRange(fields: ReadonlyMap<string, unknown>, field: string): Range | undefined {
  const value = fields.get(field) ?? undefined;
  if (value === undefined) return undefined;
  const [low, high]: unknown[] = Array.isArray(value) && value.length === 2 ? value : [];
  if (typeof low !== 'number' || typeof high !== 'number') throw new BadField(field);
  return [low, high === -1 ? Number.POSITIVE_INFINITY : high];
}

function wordsOf(fields: ReadonlyMap<string, unknown>): string[] {
  const title = fields.get('titleSearch') ?? '';
  if (typeof title !== 'string') throw new BadField('titleSearch');
  const words = title.toLowerCase().split(/\s+/);
  const wanted = words.filter((word) => word !== '');
  if (wanted.length > 50) throw new BadField('titleSearch');
  return wanted;
}
