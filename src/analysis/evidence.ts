/**
 * Evidence: a bought history, kept small, so that a row can be judged again without a token.
 *
 * A price changes twice a day and a history hardly in a week: most judging is judging again. What
 * is kept is what the rules read, and of that only what they can still reach from the day of
 * purchase on; the same rules over it must give the very same verdict, or the table would change
 * its mind without a reason.
 *
 * What the rules reach back to, and so is kept of each series:
 * - everything from the cutoff on (the window of three years, and two months of slack), and what
 *   lies in the future, which will be the past when it is judged again;
 * - before the cutoff, from the last point above 0 on: the point before the first drop, the price
 *   in force, the rank before (which must be above 0) are all among these;
 * - the very first point above 0: whether prices are from before the day on which their meaning
 *   changed is asked of the whole series.
 *
 * Offers are not kept: they are of the hour, and no rule reads them.
 *
 * Format: one byte for the version, then a zlib stream (it carries a checksum) of a JSON head with
 * everything but the series, and the series by Keepa's index.
 */
import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import { priceIndex } from '../keepa/price-type.ts';
import type { History, Product, Series } from '../keepa/product.ts';
import { describeError } from '../runtime/describe-error.ts';
import { ByteReader, ByteWriter, EvidenceError, readSeries, writeSeries } from './packed-series.ts';
import { firstFrom, timeline } from './series.ts';

const version = 1;
const minuteMs = 60_000;
const dayMinutes = 1440;
/** The window of the rules, and slack for a purchase that is dated late. */
const reachMinutes = (3 * 365 + 60) * dayMinutes;
/** A history of a million points is below this; more is not ours. */
const bytesMax = 32 * 1024 * 1024;

const cents = z.number().exactOptional();
const headSchema = z.strictObject({
  asin: z.string(),
  domainId: z.number(),
  title: z.string().exactOptional(),
  productType: z.number(),
  updatedAtMs: z.number().exactOptional(),
  amazon: z
    .strictObject({
      currentCents: cents,
      average180Cents: cents,
      average365Cents: cents,
      isPartial: z.literal(true).exactOptional(),
    })
    .exactOptional(),
  fees: z.strictObject({
    fbaPickAndPackCents: cents,
    referralPercent: z.number().exactOptional(),
    variableClosingCents: cents,
  }),
  hasHistory: z.boolean(),
});

/** The product as it is to be kept, bought at `boughtAtMs`. */
export function packEvidence(product: Product, boughtAtMs: number): Uint8Array {
  const { asin, domainId, title, productType, updatedAtMs, amazon, fees, history } = product;
  const writer = new ByteWriter();
  // JSON leaves out what is undefined, which is how the head says absent.
  const head = {
    asin,
    domainId,
    title,
    productType,
    updatedAtMs,
    amazon,
    fees,
    hasHistory: history !== undefined,
  };
  writer.block(new TextEncoder().encode(JSON.stringify(head)));
  const cutoff = Math.floor(boughtAtMs / minuteMs) - reachMinutes;
  for (const [index, series] of seriesOf(history)) {
    writer.unsigned(index);
    writeSeries(writer, withinReach(series, cutoff));
  }
  const stream = deflateSync(writer.finish());
  const packed = new Uint8Array(1 + stream.length);
  packed[0] = version;
  packed.set(stream, 1);
  return packed;
}

/**
 * The product again, without its offers, and with its history as far back as the rules reach.
 *
 * @throws EvidenceError for bytes that are no evidence, or of a version that is not known.
 */
export function unpackEvidence(packed: Uint8Array): Product {
  if (packed[0] !== version) {
    throw new EvidenceError(
      `evidence of version ${packed[0] ?? 'none'}, this one reads ${version}`,
    );
  }
  const reader = new ByteReader(inflated(packed.subarray(1)));
  const { hasHistory, ...product } = headOf(reader.block());
  const series = new Map<number, Series>();
  while (reader.left > 0) series.set(reader.unsigned(), readSeries(reader));
  if (!hasHistory) return product;
  return { ...product, history: historyOf(series) };
}

function inflated(stream: Uint8Array): Uint8Array {
  try {
    const { buffer, byteOffset, length } = inflateSync(stream, { maxOutputLength: bytesMax });
    // A Buffer's `slice` shares its bytes where an array's copies them.
    return new Uint8Array(buffer, byteOffset, length);
  } catch (error) {
    throw new EvidenceError(`evidence cannot be unpacked: ${describeError(error)}`);
  }
}

function headOf(bytes: Uint8Array): z.infer<typeof headSchema> {
  try {
    return headSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new EvidenceError(`evidence has no head: ${describeError(error)}`);
  }
}

/** The named series and their places in Keepa's own order. */
const named = [
  ['amazon', priceIndex.amazon],
  ['priceNew', priceIndex.new],
  ['priceUsed', priceIndex.used],
  ['rank', priceIndex.rank],
  ['countNew', priceIndex.countNew],
  ['countUsed', priceIndex.countUsed],
] as const satisfies readonly (readonly [Exclude<keyof History, 'other'>, number])[];

function seriesOf(history: History | undefined): readonly (readonly [number, Series])[] {
  if (history === undefined) return [];
  const present = named.flatMap(([name, index]) => {
    const series = history[name];
    return series === undefined ? [] : [[index, series] as const];
  });
  return [...present, ...history.other];
}

function historyOf(series: ReadonlyMap<number, Series>): History {
  const other = new Map(series);
  const present: { -readonly [K in keyof History]?: History[K] } = {};
  for (const [name, index] of named) {
    const found = other.get(index);
    if (found !== undefined) present[name] = found;
    other.delete(index);
  }
  return { ...present, other };
}

/** The part of a series that is kept, in order of time. See the head of the file. */
function withinReach(series: Series, cutoff: number): Series {
  const { minutes, values } = timeline(series, Number.POSITIVE_INFINITY);
  let start = firstFrom(minutes, cutoff);
  while (start > 0) {
    start -= 1;
    if ((values[start] ?? 0) > 0) break;
  }
  const first = values.findIndex((value) => value > 0);
  const isApart = first >= 0 && first < start;
  const kept = {
    minutes: new Int32Array(minutes.length - start + (isApart ? 1 : 0)),
    values: new Float64Array(values.length - start + (isApart ? 1 : 0)),
  };
  kept.minutes.set(minutes.subarray(start), isApart ? 1 : 0);
  kept.values.set(values.subarray(start), isApart ? 1 : 0);
  if (isApart) {
    kept.minutes[0] = minutes[first] ?? 0;
    kept.values[0] = values[first] ?? Number.NaN;
  }
  return kept;
}
