/**
 * P14 and FM-25: a dearer plan never yields less, from one token a minute to more than can be used.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureText } from './failure-text.ts';
import { comparePlans } from './fault-plans-compared.ts';
import { runSeed } from './fault-run.ts';
import { drawWorld } from './fault-world.ts';

const hours = 2;

for (const rates of [
  [1, 2],
  [2, 5],
  [5, 25],
  [25, 250],
] as const) {
  test(`${rates[1]} tokens a minute judge no fewer rows than ${rates[0]}`, async () => {
    const world = { ...drawWorld(3), rows: 150 };
    const failures = await comparePlans(runSeed, { world, hours, rates });
    assert.equal(failures.map((one) => failureText(one, { seed: 3, hours })).join(''), '');
  });
}
