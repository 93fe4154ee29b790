/**
 * A series as bytes, and bytes as a series again.
 *
 * Histories move in small steps: minutes apart, a few cents up or down. So a series is written as
 * differences, small numbers in few bytes, first all of its times and then all of its values:
 * columns of alike numbers are what the compression after it does best with.
 *
 * Invariants: what is read is what was written, point for point; bytes that no writer wrote are an
 * `EvidenceError`, and never a shorter series.
 */
import type { Series } from '../keepa/product.ts';

/** Kept evidence that cannot be read. Whoever meets it has no evidence, and may buy new. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError';
}

/** Values are whole numbers (all that were ever seen are); anything else is kept as doubles. */
const forms = { whole: 0, doubles: 1 } as const;
/** Twice this plus one is still a safe integer, also as the distance between two of them. */
const wholeMax = 2 ** 50;

/** Grows as it is written to. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  /** A whole number from 0 to the largest safe one, seven bits a byte, the lowest first. */
  unsigned(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#put((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#put(rest);
  }

  /** A whole number of either sign: 0, -1, 1, -2, 2 ... are 0, 1, 2, 3, 4 ... */
  signed(value: number): void {
    this.unsigned(value >= 0 ? 2 * value : -2 * value - 1);
  }

  block(bytes: Uint8Array): void {
    this.unsigned(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #put(byte: number): void {
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Reads what a ByteWriter wrote. @throws EvidenceError at its end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  unsigned(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new EvidenceError('ends in the middle of a number');
      this.#at += 1;
      value += (byte & 0x7f) * unit;
      if (!Number.isSafeInteger(value)) throw new EvidenceError('holds a number out of range');
      if (byte < 0x80) return value;
      unit *= 0x80;
    }
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  block(): Uint8Array {
    const length = this.unsigned();
    if (length > this.left) throw new EvidenceError('ends in the middle of a block');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** Writes a series whose minutes never fall. */
export function writeSeries(writer: ByteWriter, { minutes, values }: Series): void {
  writer.unsigned(minutes.length);
  let before = 0;
  for (const minute of minutes) {
    writer.signed(minute - before);
    before = minute;
  }
  const form = values.every(isPlain) ? forms.whole : forms.doubles;
  writer.unsigned(form);
  if (form === forms.whole) writeWhole(writer, values);
  else writer.block(new Uint8Array(Float64Array.from(values).buffer));
}

/** @throws EvidenceError when it is none. */
export function readSeries(reader: ByteReader): Series {
  const length = reader.unsigned();
  // Every point takes two bytes at least: a length beyond that would only reserve memory.
  if (2 * length > reader.left) throw new EvidenceError('ends in the middle of a series');
  const minutes = new Int32Array(length);
  let before = 0;
  for (let i = 0; i < length; i += 1) {
    before += reader.signed();
    minutes[i] = before;
  }
  const form = reader.unsigned();
  if (form === forms.whole) return { minutes, values: readWhole(reader, length) };
  if (form !== forms.doubles) throw new EvidenceError(`holds values of an unknown form ${form}`);
  const bytes = reader.block();
  if (bytes.length !== 8 * length) throw new EvidenceError('holds more or fewer values than times');
  return { minutes, values: new Float64Array(bytes.slice().buffer) };
}

function isPlain(value: number): boolean {
  return Number.isNaN(value) || (Number.isInteger(value) && Math.abs(value) <= wholeMax);
}

/** Each value as its distance from the last known one, plus one; 0 says absent. */
function writeWhole(writer: ByteWriter, values: Float64Array): void {
  let before = 0;
  for (const value of values) {
    if (Number.isNaN(value)) {
      writer.unsigned(0);
      continue;
    }
    const distance = value - before;
    writer.unsigned(1 + (distance >= 0 ? 2 * distance : -2 * distance - 1));
    before = value;
  }
}

function readWhole(reader: ByteReader, length: number): Float64Array {
  const values = new Float64Array(length);
  let before = 0;
  for (let i = 0; i < length; i += 1) {
    const code = reader.unsigned();
    if (code === 0) {
      values[i] = Number.NaN;
      continue;
    }
    before += code % 2 === 1 ? (code - 1) / 2 : -code / 2;
    values[i] = before;
  }
  return values;
}
