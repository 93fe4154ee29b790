/**
 * Runs every recorded Keepa response of a folder through the decoder and counts what came of it.
 *
 * The recordings are reference data and no part of the project, so nothing here knows what is in
 * them beyond which kind of body each folder and file name announces; a file of no known kind is a
 * failure, so that a new recording cannot be passed over without a word.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeepaCall, Outcome } from '../../src/keepa/call.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import type { DealRow } from '../../src/keepa/deal-row.ts';
import type { Product } from '../../src/keepa/product.ts';
import type { Seller } from '../../src/keepa/seller.ts';
import { decodeResponse } from '../../src/keepa/wire-answer.ts';
import { decodeProductDocument } from '../../src/keepa/wire-document.ts';
import { decodeErrorText } from '../../src/keepa/wire-envelope.ts';
import { decodeSellerBatch } from '../../src/keepa/wire-seller.ts';

/** What one file held. `failures` is empty when all of it was read. */
export interface FileSurvey {
  readonly file: string;
  /** What the items of this file are: rows, products, envelopes, ... */
  readonly unit: string;
  readonly bodies: number;
  readonly items: number;
  readonly failures: readonly string[];
  /** In how many items each optional field was absent; those that never were are left out. */
  readonly absent: ReadonlyMap<string, number>;
  /** Anything else worth a line. */
  readonly notes: readonly string[];
  readonly rows: readonly DealRow[];
  readonly products: readonly Product[];
  readonly outcomes: readonly Outcome<unknown>[];
}

type Reading = Partial<Omit<FileSurvey, 'file'>> & Pick<FileSurvey, 'unit'>;

/** Every file below `folder`, in order of name. */
export function surveySamples(folder: string): FileSurvey[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'README.md')
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replace(/^\//, ''))
    .sort()
    .map((file) => {
      const reading = read(file, readFileSync(join(folder, file), 'utf8'));
      const nothing = { bodies: 1, items: 0, failures: [], absent: new Map(), notes: [] };
      return { ...nothing, rows: [], products: [], outcomes: [], ...reading, file };
    });
}

function read(file: string, text: string): Reading {
  if (/^deals\/.*\.json$/.test(file)) return readDealPage(file, text);
  if (/^products\/.*\.json$/.test(file)) return readProducts(text);
  if (/^errors\/.*\.json$/.test(file)) return readError(file, text);
  if (/^(token\/.*\.jsonl?|envelopes\.jsonl)$/.test(file)) return readEnvelopes(text);
  if (/^seller\/.*abbreviated\.json$/.test(file)) return readSellers([JSON.parse(text)]);
  if (/^seller\/.*\.jsonl$/.test(file)) return readSellers(linesOf(text).map(asSellerBody));
  if (file === 'deal_queries.json') return readQueries(text);
  if (file === 'headers.json') return { unit: 'no body', bodies: 0 };
  return { unit: 'unknown', failures: ['no kind of recording that is known here'] };
}

/** The price type is not in a page; the name tells it: `used`, or a whole marketplace by Amazon. */
function readDealPage(file: string, text: string): Reading {
  const [domainId, priceType] = file.includes('_amazon_de_') ? [3, 0] : [1, 2];
  const query = parseDealQuery({ domainId, priceTypes: [priceType] });
  const outcome = decodeResponse({ endpoint: 'deal', query, page: 0 }, ok(text));
  if (outcome.kind !== 'answered') return { unit: 'rows', failures: [failureOf(outcome)] };
  const { rows, faults, wireRows } = outcome.answer;
  return {
    unit: 'rows',
    items: wireRows,
    rows,
    failures: faults.map((fault) => `row ${fault.index} (${fault.asin}): ${fault.why}`),
    absent: countAbsent(rows, rowFields),
    outcomes: [outcome],
  };
}

function readProducts(text: string): Reading {
  const { products, faults } = decodeProductDocument(text);
  const notes = products.map((product) => {
    const { other, ...named } = product.history ?? { other: new Map() };
    const series = [...Object.values(named), ...other.values()];
    const points = series.reduce((sum, one) => sum + one.minutes.length, 0);
    const live = product.offers?.filter((offer) => offer.isLive).length ?? 0;
    const offers = product.offers ? `${product.offers.length} offers, ${live} live` : 'no offers';
    return `${product.asin}: ${series.length} series, ${points} points, ${offers}`;
  });
  return {
    unit: 'products',
    items: products.length + faults.length,
    products,
    failures: faults.map((fault) => `${fault.asin}: ${fault.why}`),
    absent: countAbsent(products, productFields),
    notes: [...notes, ...('tokensLeft' in JSON.parse(text) ? [] : ['recorded without envelope'])],
  };
}

/** File names of errors begin with the status; the call is told by the rest. */
function readError(file: string, text: string): Reading {
  const status = Number(/(\d{3})_/.exec(file)?.[1]);
  const query = parseDealQuery({ domainId: 1, priceTypes: [2] });
  const call: KeepaCall = file.includes('_product_')
    ? { endpoint: 'product', domainId: 1, asins: ['B000000001'], history: true }
    : { endpoint: 'deal', query, page: 0 };
  const outcome = decodeResponse(call, { ...ok(text), status });
  const isFailure = outcome.kind === 'answered' || outcome.kind === 'maybe-billed';
  const reason = outcome.kind === 'permanent' ? ` (${outcome.reason})` : '';
  const why = 'why' in outcome ? `: ${outcome.why}` : '';
  return {
    unit: 'errors',
    items: 1,
    failures: isFailure ? [failureOf(outcome)] : [],
    notes: [`${outcome.kind}${reason}${why}`],
    outcomes: [outcome],
  };
}

function readEnvelopes(text: string): Reading {
  const lines = linesOf(text);
  const outcomes = lines.map((line) => decodeResponse({ endpoint: 'token' }, ok(line)));
  const failures = outcomes.flatMap((outcome, index) =>
    // A recorded envelope may be that of an error: it is told apart, and its figures still count.
    outcome.kind === 'answered' || (outcome.kind === 'malformed' && outcome.envelope !== undefined)
      ? []
      : [`line ${index + 1}: ${failureOf(outcome)}`],
  );
  const withError = lines.filter((line) => decodeErrorText(JSON.parse(line)) !== undefined).length;
  const notes = withError === 0 ? [] : [`${withError} of them beside an error`];
  return {
    unit: 'envelopes',
    bodies: lines.length,
    items: lines.length,
    failures,
    notes,
    outcomes,
  };
}

/** Recorded pairs of rating and count, as the seller they were taken from. */
function asSellerBody(line: string) {
  const seller: { sellerId: string } = JSON.parse(line);
  return { sellers: { [seller.sellerId]: seller } };
}

function readSellers(bodies: readonly { sellers: Record<string, unknown> }[]): Reading {
  const batches = bodies.map((body) =>
    decodeSellerBatch(body, {
      endpoint: 'seller',
      domainId: 1,
      sellerIds: Object.keys(body.sellers),
    }),
  );
  const sellers = batches.flatMap((batch) => batch.sellers);
  return {
    unit: 'sellers',
    bodies: bodies.length,
    items: sellers.length + batches.flatMap((batch) => batch.faults).length,
    failures: batches.flatMap((batch) => [
      ...batch.faults.map((fault) => `${fault.sellerId}: ${fault.why}`),
      ...batch.missing.map((sellerId) => `${sellerId}: missing`),
    ]),
    absent: countAbsent(sellers, sellerFields),
  };
}

function readQueries(text: string): Reading {
  const { note, ...queries } = JSON.parse(text);
  const parsed = Object.values(queries).map((selection) => parseDealQuery(selection));
  return {
    unit: 'queries',
    items: parsed.length,
    notes: [String(note).slice(0, 60), ...parsed.flatMap((query) => query.warnings)],
  };
}

function ok(body: string) {
  return { status: 200, contentType: 'application/json;charset=utf-8', body };
}

function failureOf(outcome: Outcome<unknown>): string {
  return `${outcome.kind}: ${'why' in outcome ? outcome.why : 'an answer was not expected'}`;
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

type FieldsOf<T> = Readonly<Record<string, (item: T) => unknown>>;

function countAbsent<T>(items: readonly T[], fields: FieldsOf<T>): Map<string, number> {
  const counts = Object.entries(fields).map(
    ([name, read]) => [name, items.filter((item) => read(item) === undefined).length] as const,
  );
  return new Map(counts.filter(([, count]) => count > 0));
}

const rowFields: FieldsOf<DealRow> = {
  title: (row) => row.title || undefined,
  imageName: (row) => row.imageName,
  parentAsin: (row) => row.parentAsin,
  rootCategory: (row) => row.rootCategory,
  priceCents: (row) => row.priceCents,
  priceSinceMs: (row) => row.priceSinceMs,
  'averageCents.day': (row) => row.averageCents.day,
  'averageCents.week': (row) => row.averageCents.week,
  'averageCents.month': (row) => row.averageCents.month,
  'averageCents.quarter': (row) => row.averageCents.quarter,
  rank: (row) => row.rank,
  'averageRank.quarter': (row) => row.averageRank.quarter,
  'rankDrops.days30': (row) => row.rankDrops.days30,
  'rankDrops.days365': (row) => row.rankDrops.days365,
  amazonCents: (row) => row.amazonCents,
  newCents: (row) => row.newCents,
  usedCents: (row) => row.usedCents,
  newOffers: (row) => row.newOffers,
  usedOffers: (row) => row.usedOffers,
  createdAtMs: (row) => row.createdAtMs,
  updatedAtMs: (row) => row.updatedAtMs,
};

const productFields: FieldsOf<Product> = {
  title: (product) => product.title,
  updatedAtMs: (product) => product.updatedAtMs,
  history: (product) => product.history,
  'history.amazon': (product) => product.history?.amazon,
  'history.priceNew': (product) => product.history?.priceNew,
  'history.priceUsed': (product) => product.history?.priceUsed,
  'history.rank': (product) => product.history?.rank,
  'history.countNew': (product) => product.history?.countNew,
  'history.countUsed': (product) => product.history?.countUsed,
  'amazon.currentCents': (product) => product.amazon?.currentCents,
  'amazon.average180Cents': (product) => product.amazon?.average180Cents,
  'amazon.average365Cents': (product) => product.amazon?.average365Cents,
  'fees.fbaPickAndPackCents': (product) => product.fees.fbaPickAndPackCents,
  'fees.referralPercent': (product) => product.fees.referralPercent,
  'fees.variableClosingCents': (product) => product.fees.variableClosingCents,
  offers: (product) => product.offers,
  offersFresh: (product) => product.offersFresh,
};

const sellerFields: FieldsOf<Seller> = {
  name: (seller) => seller.name,
  ratingPercent: (seller) => seller.ratingPercent,
  ratingCount: (seller) => seller.ratingCount,
  isFba: (seller) => seller.isFba,
};
