/**
 * Distributions, and chance without a stream.
 *
 * A stream (Random) serves what is generated in order, such as the events of one product. Whatever
 * may be asked in any order (is this row re-checked now? how long does this request take?) is drawn
 * from a hash of its own coordinates instead: the answer cannot depend on what was asked before.
 */
import type { Random } from '../runtime/random.ts';

/** Mixes whole numbers into 32 bits; each argument matters, and so does their order. */
export function mix(...parts: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const part of parts) {
    hash = stir(hash ^ (part | 0));
    // Numbers beyond 32 bits (instants in milliseconds) bring their high half as well.
    hash = stir(hash ^ Math.floor(part / 0x1_0000_0000));
  }
  return hash >>> 0;
}

function stir(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** Uniform in [0, 1), a pure function of its coordinates. */
export function chanceOf(...parts: readonly number[]): number {
  return mix(...parts) / 0x1_0000_0000;
}

/** Exponential with the given mean. */
export function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random.next()) * mean;
}

/** Log-normal with the given median; `spread` is the standard deviation of its logarithm. */
export function logNormal(random: Random, median: number, spread: number): number {
  return median * Math.exp(spread * normalOf(random.next(), random.next()));
}

/** A standard normal value from two uniform ones (Box and Muller). */
export function normalOf(first: number, second: number): number {
  return Math.sqrt(-2 * Math.log(1 - first)) * Math.cos(2 * Math.PI * second);
}

export function between(random: Random, low: number, high: number): number {
  return low + random.next() * (high - low);
}

/** The element that a uniform value in [0, 1) points at. */
export function elementAt<T>(list: readonly T[], unit: number): T {
  const element = list[Math.floor(unit * list.length)];
  if (element === undefined) throw new RangeError('no element to draw from an empty list');
  return element;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
