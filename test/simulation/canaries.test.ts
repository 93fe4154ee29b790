/**
 * Every canary is caught, by the check it was made for, within its stated number of seeds; every
 * scenario is clean without one; and there is no check that no canary has set off.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { canaries } from './canaries.ts';
import { cleanScenarios, tryCanary, tryScenario } from './canary-trials.ts';

const names = Object.keys(canaries);
const promises = Array.from({ length: 14 }, (_, index) => `P${index + 1}`);

/** The codes that checkers and runs report: the first argument of every `fail`, and in failures. */
function codesIn(text: string): readonly string[] {
  const calls = text.matchAll(/\bfail\(\s*([^,]+),|\bcode: ('[^']+')/g);
  return [...calls].flatMap(([call, failed, listed]) => {
    const code = /^'([\w-]+)'$/.exec(failed ?? listed ?? '')?.[1];
    // The declarations of `fail` itself.
    if (code === undefined) assert.match(failed ?? '', /^code: string$/, `no literal: ${call}`);
    return code ?? [];
  });
}

function reportedCodes(): ReadonlySet<string> {
  const here = import.meta.dirname;
  const checkers = readdirSync(join(here, 'checkers')).map((name) => join(here, 'checkers', name));
  const runs = [
    'fault-run.ts',
    'fault-people.ts',
    'fault-plans-compared.ts',
    'canary-saturation.ts',
  ].map((name) => join(here, name));
  return new Set([...checkers, ...runs].flatMap((path) => codesIn(readFileSync(path, 'utf8'))));
}

describe('canaries', { concurrency: 2 }, () => {
  test('each promise has one', () => {
    const covered = new Set(Object.values(canaries).map(({ promise }) => promise));
    assert.deepEqual(
      [...promises, 'reconcile'].filter((promise) => !covered.has(promise)),
      [],
    );
  });

  test('each failure code is reported because of one', () => {
    const reported = reportedCodes();
    const caused = new Set(Object.values(canaries).map(({ code }) => code));
    assert.ok(reported.size > 30, `${reported.size} codes`);
    assert.deepEqual([...reported].toSorted(), [...caused].toSorted());
  });

  for (const [name, { code, seeds }] of Object.entries(canaries)) {
    test(`${name} is caught within ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`, async () => {
      const { caughtBy, failures } = await tryCanary(name);
      assert.ok(caughtBy, `survived: not ${code}, but ${JSON.stringify(failures)}`);
    });
  }

  for (const [scenario, seeds] of cleanScenarios(names)) {
    test(`without a canary "${scenario}" is clean`, async () => {
      const { failures } = await tryScenario(scenario, seeds);
      assert.deepEqual(failures, []);
    });
  }
});
