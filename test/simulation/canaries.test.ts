/**
 * Every canary is caught, by the check it was made for, within its stated number of seeds; and
 * every scenario is clean without one.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canaries } from './canaries.ts';
import { cleanScenarios, tryCanary, tryScenario } from './canary-trials.ts';

const names = Object.keys(canaries);
const promises = Array.from({ length: 14 }, (_, index) => `P${index + 1}`);

describe('canaries', { concurrency: 2 }, () => {
  test('each promise has one', () => {
    const covered = new Set(Object.values(canaries).map(({ promise }) => promise));
    assert.deepEqual(
      [...promises, 'reconcile'].filter((promise) => !covered.has(promise)),
      [],
    );
  });

  for (const [name, { codes, seeds }] of Object.entries(canaries)) {
    test(`${name} is caught within ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`, async () => {
      const { caughtBy, failures } = await tryCanary(name);
      assert.ok(caughtBy, `survived: not ${codes.join(' or ')}, but ${JSON.stringify(failures)}`);
    });
  }

  for (const [scenario, seeds] of cleanScenarios(names)) {
    test(`without a canary "${scenario}" is clean`, async () => {
      const { failures } = await tryScenario(scenario, seeds);
      assert.deepEqual(failures, []);
    });
  }
});
