/**
 * The documented fields of a deal query and what each may hold.
 *
 * Keepa ignores a misspelt field without a word and answers a wrong value with "invalid format":
 * the first costs tokens for the wrong rows, the second an evening. So both are caught here, as
 * text for the person who wrote the query.
 *
 * A reader returns the value as Keepa should get it (numbers as numbers: its web page exports some
 * as strings), or what is wrong with it and what is allowed.
 */
import { dealPriceTypes } from './price-type.ts';

type FieldReading =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string };
type FieldReader = (value: unknown) => FieldReading;

/** Keepa's numbers are Java ints; its web page writes the largest for "no upper end". */
const intMax = 2 ** 31 - 1;
const categoriesMax = 500;
const titleWordsMax = 50;

/** An integer written as such, or as a decimal string; undefined for anything else. */
function wholeNumber(value: unknown): number | undefined {
  const isText = typeof value === 'string' && /^-?\d{1,16}$/.test(value);
  const number = isText ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}

function good(value: unknown): FieldReading {
  return { ok: true, value };
}

function bad(value: unknown, allowed: string): FieldReading {
  const text = JSON.stringify(value) ?? String(value);
  const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  return { ok: false, problem: `${shown} is not allowed; allowed: ${allowed}` };
}

const flag: FieldReader = (value) =>
  typeof value === 'boolean' ? good(value) : bad(value, 'true or false');

function whole(min: number, max: number, allowed = `a whole number from ${min} to ${max}`) {
  return (value: unknown): FieldReading => {
    const number = wholeNumber(value);
    return number !== undefined && number >= min && number <= max
      ? good(number)
      : bad(value, allowed);
  };
}

function wholes(options: { min: number; max: number; countMax: number; allowed: string }) {
  return (value: unknown): FieldReading => {
    if (!Array.isArray(value) || value.length > options.countMax) {
      return bad(value, options.allowed);
    }
    const numbers = value.map(wholeNumber);
    const isFine = numbers.every(
      (number) => number !== undefined && number >= options.min && number <= options.max,
    );
    return isFine ? good(numbers) : bad(value, options.allowed);
  };
}

const names: FieldReader = (value) =>
  Array.isArray(value) && value.every((name) => typeof name === 'string' && name.trim() !== '')
    ? good(value)
    : bad(value, 'a list of texts');

const titleWords: FieldReader = (value) => {
  const allowed = `a text of at most ${titleWordsMax} words`;
  if (typeof value !== 'string') return bad(value, allowed);
  const count = value.split(/\s+/).filter((word) => word !== '').length;
  return count <= titleWordsMax ? good(value) : bad(`${count} words`, allowed);
};

/** `[min, max]` in order; with `openTop` a max of -1 means no upper end. */
function range(min: number, options: { openTop: boolean } = { openTop: false }): FieldReader {
  const top = options.openTop ? ', or -1 as max for no upper end' : '';
  const allowed = `[min, max] with ${min} <= min <= max <= ${intMax}${top}`;
  return (value) => {
    if (!Array.isArray(value) || value.length !== 2) return bad(value, allowed);
    const [low, high] = value.map(wholeNumber);
    if (low === undefined || high === undefined) return bad(value, allowed);
    const isOpen = options.openTop && high === -1;
    const isOrdered = low >= min && high <= intMax && (isOpen || low <= high);
    return isOrdered ? good([low, high]) : bad(value, allowed);
  };
}

const categories = wholes({
  min: 1,
  max: Number.MAX_SAFE_INTEGER,
  countMax: categoriesMax,
  allowed: `a list of at most ${categoriesMax} category numbers`,
});

/** Exactly one: Keepa takes a list and refuses a longer one. */
const onePriceType: FieldReader = (value) => {
  const allowed = `a list with exactly one of ${[...dealPriceTypes].join(', ')}`;
  if (!Array.isArray(value) || value.length !== 1) return bad(value, allowed);
  const priceType = wholeNumber(value[0]);
  return priceType !== undefined && dealPriceTypes.has(priceType)
    ? good([priceType])
    : bad(value, allowed);
};

/** 1 is newest first and cannot be turned round; 0 is nothing. */
const order: FieldReader = (value) => {
  const number = wholeNumber(value);
  const isFine = number !== undefined && Math.abs(number) <= 4 && number !== 0 && number !== -1;
  const allowed =
    '1 newest first (not invertible), 2 absolute drop, 3 sales rank, 4 percent drop, ' +
    'or -2, -3, -4 for the reverse';
  return isFine ? good(number) : bad(value, allowed);
};

function allOf(fields: readonly string[], reader: FieldReader): [string, FieldReader][] {
  return fields.map((field) => [field, reader]);
}

/** What `isFilterEnabled` switches on and off. */
export const filterReaders: ReadonlyMap<string, FieldReader> = new Map<string, FieldReader>([
  ['excludeCategories', categories],
  ['includeCategories', categories],
  ['minRating', whole(-1, 50)],
  ...allOf(
    [
      ...['isLowest', 'isLowest90', 'isLowestOffer', 'isHighest', 'isOutOfStock', 'isBackInStock'],
      ...['hasReviews', 'filterErotic', 'singleVariation', 'isRisers', 'isPrimeExclusive'],
      ...['mustHaveAmazonOffer', 'mustNotHaveAmazonOffer'],
    ],
    flag,
  ),
  [
    'warehouseConditions',
    wholes({ min: 1, max: 5, countMax: 5, allowed: 'a list of conditions from 1 to 5' }),
  ],
  ['titleSearch', titleWords],
  ...allOf(
    [
      ...['material', 'type', 'manufacturer', 'brand', 'productGroup', 'model', 'color', 'size'],
      ...['unitType', 'scent', 'itemForm', 'pattern', 'style', 'itemTypeKeyword'],
      ...['targetAudienceKeyword', 'edition', 'format', 'author', 'binding', 'languages'],
      ...['brandStoreName', 'brandStoreUrlName', 'websiteDisplayGroup'],
      ...['websiteDisplayGroupName', 'salesRankDisplayGroup'],
    ],
    names,
  ),
]);

/** What `isRangeEnabled` switches on and off. A price can rise, so a difference can be negative. */
export const rangeReaders: ReadonlyMap<string, FieldReader> = new Map<string, FieldReader>([
  ['currentRange', range(0)],
  ['deltaRange', range(-intMax)],
  ['deltaPercentRange', range(0)],
  ['deltaLastRange', range(-intMax)],
  ['salesRankRange', range(0, { openTop: true })],
]);

export const fieldReaders: ReadonlyMap<string, FieldReader> = new Map<string, FieldReader>([
  ['page', whole(0, intMax, 'a page from 0 (it is set by the sweep)')],
  ['domainId', whole(1, 12)],
  ['priceTypes', onePriceType],
  ['dateRange', whole(0, 3, '0 day, 1 week, 2 month, 3 quarter (Keepa refuses any other)')],
  ['sortType', order],
  ['isFilterEnabled', flag],
  ['isRangeEnabled', flag],
  ...filterReaders,
  ...rangeReaders,
]);
