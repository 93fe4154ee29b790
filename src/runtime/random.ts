/**
 * Chance, as an argument: one seed replays everything that was drawn from it.
 */
import { randomBytes } from 'node:crypto';

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer, both ends included. */
  integer(min: number, max: number): number;
  /** 32 lower-case hex digits, for instance ids. */
  id(): string;
  /** An independent stream: drawing from it does not disturb this one. */
  fork(name: string): Random;
}

function fromNext(next: () => number, fork: (name: string) => Random): Random {
  const hex = (): string =>
    Math.floor(next() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  return {
    next,
    integer: (min, max) => min + Math.floor(next() * (max - min + 1)),
    id: () => hex() + hex() + hex() + hex(),
    fork,
  };
}

export function systemRandom(): Random {
  const next = (): number => randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
  return fromNext(next, () => systemRandom());
}

/** Deterministic (mulberry32 steps): the same seed gives the same draws on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return fromNext(next, (name) => seededRandom(hashText(`${seed}/${name}`)));
}

/** FNV-1a over UTF-16 units: small, stable, and good enough to tell streams apart. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
