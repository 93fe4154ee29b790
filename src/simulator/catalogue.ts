/**
 * What a product is called and where it is filed: everything about it that never changes.
 *
 * Titles, sellers and categories are made up, except that the root categories carry Amazon's real
 * numbers: queries filter on them. Some titles hold umlauts and a few an HTML entity, some rows
 * have no image, no category or an unknown root, because real ones do and readers must cope.
 */
import { bookAsin, codeAsin } from './asin.ts';
import { chanceOf, elementAt, mix } from './draw.ts';
import { unknownCategoryMark } from './envelope.ts';

export interface Identity {
  readonly asin: string;
  readonly title: string;
  readonly isBook: boolean;
  /** A number, or the mark of the category that has none. */
  readonly rootCategory: number | typeof unknownCategoryMark;
  readonly categories: readonly number[];
  readonly imageName: string | undefined;
  readonly parentAsin: string | undefined;
  readonly author: string;
  readonly brand: string;
  readonly pages: number;
  /** 0 to 50; -1 without any review. */
  readonly rating: number;
  readonly reviews: number;
  readonly pickAndPackCents: number;
  readonly hasFees: boolean;
}

/** The listing is one of books with some strays. */
const nonBookShare = 0.03;
const booksRoot = 283155;
const otherRoots = [
  [1055398, 'Home & Kitchen'],
  [172282, 'Electronics'],
  [165793011, 'Toys & Games'],
  [5174, 'CDs & Vinyl'],
  [1064954, 'Office Products'],
] as const;

/** The name Keepa gives a root category; `?` where it has none. */
export function rootName(root: number | string): string {
  if (root === booksRoot) return 'Books';
  return otherRoots.find(([id]) => id === root)?.[1] ?? '?';
}

const bookCategories = [
  13707, 465600, 4367, 173507, 227544, 2738, 4142, 3057, 11232, 290060,
] as const;

const topics = [
  'Coastal Navigation',
  'Organic Synthesis',
  'Medieval Trade',
  'Linear Control',
  'Watercolour Birds',
  'Child Development',
  'Cast Iron Bridges',
  'Soil Mechanics',
  'Baroque Lute',
  'Desert Botany',
  'Veterinary Anatomy',
  'Sail Making',
  'Number Theory',
  'Radio Receivers',
  'Glacier Travel',
  'Textile Dyeing',
  'Microbial Ecology',
  'Urban Drainage',
] as const;
const patterns = [
  'Principles of @',
  '@: A Practical Handbook',
  'An Introduction to @ (3rd Edition)',
  'The Complete Guide to @',
  '@ in Theory and Practice, Vol. 2',
  'Advanced @: Problems and Solutions',
  '@ for Beginners',
  'Field Notes on @',
] as const;
const umlautPatterns = [
  'Über @: Grundlagen für Einsteiger',
  '@ – Ein Handbuch für Schüler',
  'Études sur @ (Édition française)',
] as const;
const names = [
  'Marlow',
  'Okafor',
  'Lindqvist',
  'Brandt',
  'Teixeira',
  'Hale',
  'Novák',
  'Ito',
] as const;
const things = ['Kettle', 'Desk Lamp', 'Puzzle', 'Headset', 'Notebook Set', 'Bookend'] as const;
const imageLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The identity of a product; equal arguments give equal identities. */
export function identityOf(seed: number, number: number): Identity {
  const unit = (salt: number): number => chanceOf(seed, number, salt);
  const isBook = unit(1) >= nonBookShare;
  const other = elementAt(otherRoots, unit(2));
  return {
    asin: asinOf(seed, number),
    title: titleOf(isBook, unit),
    isBook,
    rootCategory: unit(3) < 0.004 ? unknownCategoryMark : isBook ? booksRoot : other[0],
    categories: unit(4) < 0.02 ? [] : categoriesOf(isBook, unit),
    imageName: unit(5) < 0.013 ? undefined : imageName(mix(seed, number, 6)),
    parentAsin: !isBook && unit(7) < 0.4 ? codeAsin(mix(seed, 7), number) : undefined,
    author: `${elementAt(names, unit(8))}, ${'ABCDEGHJKLMR'[Math.floor(unit(9) * 12)]}.`,
    brand: `${elementAt(names, unit(10))} & Co`,
    pages: 80 + Math.floor(unit(11) * 700),
    rating: unit(12) < 0.01 ? -1 : 32 + Math.floor(unit(13) * 18),
    reviews: Math.floor(Math.exp(unit(14) * 6)),
    pickAndPackCents: 330 + Math.floor(unit(15) * 420),
    hasFees: unit(16) >= 0.05,
  };
}

/** The ASIN alone, for the index of a market. */
export function asinOf(seed: number, number: number): string {
  return chanceOf(seed, number, 1) >= nonBookShare
    ? bookAsin(seed, number)
    : codeAsin(seed, number);
}

function titleOf(isBook: boolean, unit: (salt: number) => number): string {
  const topic = elementAt(topics, unit(20));
  if (!isBook)
    return `${elementAt(names, unit(21))} ${elementAt(things, unit(22))}, ${topic} Edition`;
  const hasUmlaut = unit(23) < 0.05;
  const pattern = hasUmlaut ? elementAt(umlautPatterns, unit(24)) : elementAt(patterns, unit(24));
  const plain = pattern.replace('@', topic);
  const second = elementAt(topics, unit(25));
  const both = unit(26) < 0.5 && second !== topic ? `${plain} and ${second}` : plain;
  return unit(27) < 0.005 ? both.replace(' and ', ' &amp; ') : both;
}

function categoriesOf(isBook: boolean, unit: (salt: number) => number): number[] {
  if (!isBook) return [10_000_000 + Math.floor(unit(30) * 1_000)];
  const first = Math.floor(unit(31) * bookCategories.length);
  const count = 1 + Math.floor(unit(32) * 3);
  return [...bookCategories, ...bookCategories].slice(first, first + count);
}

function imageName(hash: number): string {
  let name = '51';
  for (let i = 0; i < 8; i += 1) name += imageLetters[mix(hash, i) % imageLetters.length];
  return `${name}L.jpg`;
}
