/** When nothing may end in a feed, and why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CompleteSweep, Rounds } from '../../src/actors/healthy-time.ts';
import {
  type SizedSweep,
  type Suspension,
  supplyOfParts,
  suspensionOf,
  type WatchedFeed,
} from '../../src/actors/suspension.ts';

const minuteMs = 60_000;
const nowMs = 1_000 * minuteMs;

function sweep(endedMinutesAgo: number): CompleteSweep {
  const endedAtMs = nowMs - endedMinutesAgo * minuteMs;
  return { startedAtMs: endedAtMs - 8 * minuteMs, endedAtMs, plannedMs: 10 * minuteMs };
}

const sound: WatchedFeed = {
  name: 'used',
  parts: [[sweep(1), sweep(11)]],
  supply: { lastRows: 100, medianRows: 200 },
  gap: undefined,
};

function kindFor(
  changes: Partial<WatchedFeed>,
  haltedWhy?: string,
): Suspension['kind'] | undefined {
  const feed = { ...sound, ...changes };
  const rounds: Rounds = { parts: feed.parts, sweepIntervalMs: 5 * minuteMs };
  return suspensionOf(feed, { rounds, nowMs, haltedWhy })?.kind;
}

const table: readonly [string, Partial<WatchedFeed>, Suspension['kind'] | undefined][] = [
  ['half of the median is enough', {}, undefined],
  ['less than half of the median', { supply: { lastRows: 99, medianRows: 200 } }, 'supply'],
  ['an empty feed', { supply: { lastRows: 0, medianRows: 200 } }, 'supply'],
  ['no median yet', { supply: { lastRows: 0 } }, undefined],
  ['no sweep at all', { parts: [[]], supply: undefined }, 'not-swept'],
  ['one part of two never swept', { parts: [[sweep(1), sweep(9)], []] }, 'not-swept'],
  ['one sweep of this query', { parts: [[sweep(1)]] }, 'revised'],
  ['the last sweep ended a late round ago', { parts: [[sweep(25), sweep(40)]] }, undefined],
  ['the last sweep ended longer ago', { parts: [[sweep(26), sweep(40)]] }, 'unwatched'],
  ['a gap is open', { gap: { feed: 'used', fromMs: 5 } }, 'gap'],
  [
    'less than half of the median in a feed of two parts',
    {
      parts: [sound.parts[0] ?? [], [sweep(2), sweep(12)]],
      supply: { lastRows: 99, medianRows: 200 },
    },
    'supply',
  ],
];

for (const [claim, changes, kind] of table) {
  test(`${claim}: ${kind ?? 'rows may end'}`, () => assert.equal(kindFor(changes), kind));
}

test('while no token is spent nothing ends anywhere', () => {
  assert.equal(kindFor({}, 'the plan is not paid'), 'halted');
});

test('the reason says what a person can check', () => {
  const rounds: Rounds = { parts: [[sweep(100)]], sweepIntervalMs: 5 * minuteMs };
  const feed = { ...sound, parts: rounds.parts };
  const found = suspensionOf(feed, { rounds, nowMs, haltedWhy: undefined });
  assert.equal(found?.why, 'no complete sweep since 1970-01-01T15:00:00.000Z');
});

/** Sweeps of these sizes, ten minutes apart, the last one first. */
function sized(...rows: readonly number[]): readonly SizedSweep[] {
  return rows.map((rows, index) => ({ ...sweep(1 + 10 * index), rows }));
}

test('the size of a divided feed is the sum over its parts, each against its own median', () => {
  assert.equal(supplyOfParts([[], []]), undefined);
  assert.equal(supplyOfParts([sized(5), sized(7)]), undefined, 'swept once, there is no median');
  const parts = [sized(400, 900, 1_000, 1_100), sized(3_000, 2_000), sized(70), []];
  assert.deepEqual(supplyOfParts(parts), { lastRows: 3_400, medianRows: 3_000 });
});

test('rows that move from one part to another are no fall in supply', () => {
  const supply = supplyOfParts([sized(100, 1_000, 1_000), sized(1_900, 1_000, 1_000)]);
  assert.equal(kindFor({ ...(supply && { supply }) }), undefined);
});
