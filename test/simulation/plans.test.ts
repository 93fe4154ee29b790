/**
 * P14 and FM-25: a dearer plan never yields less, from one token a minute to more than can be used.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from './fault-run.ts';
import { drawWorld } from './fault-world.ts';

const hours = 2;

/** Two looks at one market at different moments: so far they may differ. */
const tolerance = 0.02;

test('the same market is judged the faster the dearer the plan, until all of it is', async () => {
  const judged: number[] = [];
  for (const ratePerMinute of [1, 2, 5, 25, 250]) {
    const world = { ...drawWorld(3), rows: 150, ratePerMinute, initialTokens: 0 };
    const run = await runSeed({ seed: 3, hours, world, plan: [], withoutHealing: true });
    assert.deepEqual(run.failures, [], `at ${ratePerMinute} a minute`);
    judged.push(run.judgedRows);
  }
  const [one = 0, two = 0, five = 0, many = 0, most = 0] = judged;
  assert.ok(one > 0 && two > one && five > two && many > five, judged.join(', '));
  assert.ok(most >= (1 - tolerance) * many, judged.join(', '));
});
