/**
 * What in an exported deal query does not mean what people take it for.
 *
 * Keepa's page exports its own form, and its numbers have meanings that nobody guesses: an order
 * that is no time, a range in cents, a percentage against an average that another field chooses.
 * The reader of these lines has just exported a query and is about to leave it alone for a year.
 */
import { priceIndex } from './price-type.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What Keepa documents last: the average of 90 days. */
const longestDateRange = 3;
const undocumentedDateRange = 4;

/** The query that can be configured, and what was changed in it or may surprise; a line each. */
export interface Advice {
  readonly selection: Fields;
  readonly warnings: readonly string[];
}

/** `exported` is any JSON object; what is wrong beyond advice stays for the parser to name. */
export function adviseOn(exported: Fields): Advice {
  const { page, ...rest } = exported;
  const selection = { ...rest };
  const changes: string[] = [];
  if (page !== undefined && numberIn(page) !== 0) {
    changes.push(`page ${JSON.stringify(page)}: left out, every sweep begins at page 0 by itself`);
  }
  if (numberIn(rest.dateRange) === undocumentedDateRange) {
    selection.dateRange = longestDateRange;
    changes.push(
      'dateRange 4: not documented, and not "all time"; written as 3 (90 days), the longest',
    );
  }
  const numbers = textsForNumbers(selection);
  const notes = [...orderNotes(rest.sortType), ...rangeNotes(selection), ...filterNotes(selection)];
  return { selection, warnings: [...changes, ...numbers, ...notes] };
}

/** Fields of text, where digits are words and no numbers. */
const textFields = new Set(['titleSearch']);

function textsForNumbers(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const isText = typeof value === 'string' && numberIn(value) !== undefined;
    if (!isText || textFields.has(name)) return [];
    return [`${name} "${value}": a text where Keepa documents a number; written as ${value}`];
  });
}

function orderNotes(sortType: unknown): string[] {
  const order = numberIn(sortType);
  if (order === 4 || order === -4) {
    return [
      `sortType ${order}: the size of the drop in per cent, only roughly in order, and no time; ` +
        'the newest rows are polled by sortType 1 whatever stands here',
    ];
  }
  return [];
}

function rangeNotes(fields: Fields): string[] {
  const notes: string[] = [];
  const priceType = priceTypeIn(fields);
  const interval = intervalOf(fields.dateRange);
  const percent = boundsIn(fields.deltaPercentRange);
  if (percent !== undefined) {
    notes.push(
      `deltaPercentRange from ${percent[0]}: per cent below the average of ${interval} ` +
        '(dateRange), not below a list price',
    );
  }
  for (const name of ['currentRange', 'deltaRange', 'deltaLastRange']) {
    const bounds = boundsIn(fields[name]);
    if (bounds !== undefined) notes.push(...unitNotes(name, bounds, priceType));
  }
  if (boundsIn(fields.salesRankRange) !== undefined) {
    notes.push('salesRankRange: leaves out every product without a sales rank');
  }
  return notes;
}

/** Below ten units of money as an upper end: somebody may have meant units and not cents. */
const smallCents = 1_000;

function unitNotes(
  name: string,
  [low, high]: readonly [number, number],
  priceType: number | undefined,
): string[] {
  const shown = `${name} [${low}, ${high}]`;
  if (priceType === priceIndex.rank) {
    return [`${shown}: sales ranks and no prices, because priceTypes asks for the rank (3)`];
  }
  if (high <= 0 || high >= smallCents) return [];
  return [`${shown}: cents of the price that priceTypes names, so at most ${money(high)}`];
}

function filterNotes(fields: Fields): string[] {
  const notes: string[] = [];
  const rating = numberIn(fields.minRating);
  if (rating !== undefined && rating > 0 && rating <= 5) {
    notes.push(`minRating ${rating}: tenths of a star, so ${rating / 10}; 45 is 4.5 stars`);
  }
  const conditions = fields.warehouseConditions;
  const isForWarehouse = priceTypeIn(fields) === warehousePrice;
  if (Array.isArray(conditions) && conditions.length > 0 && !isForWarehouse) {
    notes.push(
      'warehouseConditions: conditions of Amazon warehouse deals (priceTypes 9), ' +
        'not of used offers in general',
    );
  }
  if (fields.singleVariation === true) {
    notes.push('singleVariation: keeps a random one of each family, another one each time');
  }
  return notes;
}

const warehousePrice = 9;

function priceTypeIn({ priceTypes }: Fields): number | undefined {
  return Array.isArray(priceTypes) ? numberIn(priceTypes[0]) : undefined;
}

function intervalOf(dateRange: unknown): string {
  const names = ['the last day', 'the last week', 'the last month', 'the last 90 days'];
  return names[numberIn(dateRange) ?? 0] ?? 'the interval';
}

function boundsIn(value: unknown): readonly [number, number] | undefined {
  if (!Array.isArray(value)) return undefined;
  const [low, high] = value.map(numberIn);
  return low === undefined || high === undefined ? undefined : [low, high];
}

function numberIn(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : undefined;
}

function money(cents: number): string {
  return (cents / 100).toFixed(2);
}
