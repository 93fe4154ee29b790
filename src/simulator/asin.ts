/**
 * ASINs that look real and never collide.
 *
 * A product's number is spread over the space of nine-digit book numbers (or of `B0...` codes) by a
 * multiplication with a constant coprime to the size of the space: one to one, so no registry of
 * used codes is needed, and without any visible order. Books carry the ISBN-10 check digit.
 */
import { mix } from './draw.ts';

/** Book numbers of the English-language groups 0 and 1. */
const bookSpace = 200_000_000;
const bookStep = 32_452_843;
/** Seven digits of base 36 after `B0` and one letter. */
const codeSpace = 36 ** 7;
const codeStep = 198_491_317;

/** The ASIN of a book, ISBN-10 with its check digit. */
export function bookAsin(seed: number, number: number): string {
  const spread = (mix(seed, 0xb00c) + number * bookStep) % bookSpace;
  const digits = String(spread).padStart(9, '0');
  let sum = 0;
  for (const [index, digit] of [...digits].entries()) sum += (10 - index) * Number(digit);
  const check = (11 - (sum % 11)) % 11;
  return digits + (check === 10 ? 'X' : String(check));
}

/** The ASIN of anything else. */
export function codeAsin(seed: number, number: number): string {
  const spread = (mix(seed, 0xc0de) + number * codeStep) % codeSpace;
  const letter = 'BCDFGHJKLMN'[mix(seed) % 11];
  return `B0${letter}${spread.toString(36).toUpperCase().padStart(7, '0')}`;
}
