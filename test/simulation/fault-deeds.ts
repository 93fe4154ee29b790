/**
 * What people do to a daemon that works, drawn for a fault plan: they pause and resume it, have it
 * read its configuration again, and ask for a product.
 *
 * A pause ends by itself, by their word, or not before everything heals.
 *
 * Invariant: everything here follows from the seed and the hours, and is drawn apart from the
 * troubles of the plan.
 */
import { type Random, seededRandom } from '../../src/runtime/random.ts';
import { pick, type World } from './fault-world.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export type Deed =
  | { readonly does: 'pause'; readonly ends: 'by-itself' | 'by-resume' | 'by-healing' }
  | { readonly does: 'reload'; readonly to: 'own' | 'changed' | 'broken' }
  | {
      readonly does: 'refresh';
      /** Of the rows in the table, by a part of all of them; absent: a product nobody knows. */
      readonly part?: number;
      readonly isVerifying: boolean;
    };

/** From `atMs` on; what lasts does until `untilMs`. Ms since the start of the simulation. */
export type PlannedDeed = { readonly atMs: number; readonly untilMs: number } & Deed;

/** The deeds of a plan of so many hours, in no order. */
export function drawDeeds({ seed }: World, endMs: number): readonly PlannedDeed[] {
  const random = seededRandom(seed).fork('people');
  const perDay = (most: number): number =>
    Math.round((random.integer(0, most) * endMs) / (24 * hourMs));
  const many = (count: number, draw: () => PlannedDeed) => Array.from({ length: count }, draw);
  const at = (): number => random.integer(0, endMs - 10 * minuteMs);
  return [
    ...many(perDay(4), () => drawPause(random, at(), endMs)),
    ...many(perDay(5), () => drawReload(random, at(), endMs)),
    ...many(perDay(8), () => drawRefresh(random, at())),
    ...drawLastPause(random, endMs),
  ];
}

function drawPause(random: Random, atMs: number, endMs: number): PlannedDeed {
  const untilMs = Math.min(endMs, atMs + random.integer(10, 120) * minuteMs);
  return { does: 'pause', atMs, untilMs, ends: pick(random, ['by-itself', 'by-resume']) };
}

/** In one plan of five somebody pauses it without an end and goes home. */
function drawLastPause(random: Random, endMs: number): readonly PlannedDeed[] {
  if (random.next() >= 0.2) return [];
  const atMs = endMs - random.integer(10, 60) * minuteMs;
  return [{ does: 'pause', atMs: Math.max(0, atMs), untilMs: endMs, ends: 'by-healing' }];
}

function drawReload(random: Random, atMs: number, endMs: number): PlannedDeed {
  const untilMs = Math.min(endMs, atMs + random.integer(10, 300) * minuteMs);
  return { does: 'reload', atMs, untilMs, to: pick(random, ['own', 'changed', 'broken']) };
}

function drawRefresh(random: Random, atMs: number): PlannedDeed {
  const part = random.next();
  const isVerifying = random.next() < 0.5;
  const what = random.next() < 0.2 ? {} : { part };
  return { does: 'refresh', atMs, untilMs: atMs, isVerifying, ...what };
}
