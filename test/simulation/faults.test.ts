/**
 * The fault simulator on fixed seeds: no promise is broken, and a replay is a replay.
 *
 * Two hours of faults each, after which those of every fourth seed heal, so that all of them fit a
 * minute; whole days are run by `npm run sim`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from './checkers/checker.ts';
import { failureText } from './failure-text.ts';
import type { Trouble } from './fault-plan.ts';
import { runSeed } from './fault-run.ts';

const seedsMax = 30;

function textsOf(failures: readonly Failure[], seed: number): string {
  return failures.map((failure) => failureText(failure, { seed, hours: 2 })).join('');
}

test('the same seed does the same twice, and another one something else', async () => {
  const [once, again, other] = [
    await runSeed({ seed: 5, hours: 1, withoutHealing: true }),
    await runSeed({ seed: 5, hours: 1, withoutHealing: true }),
    await runSeed({ seed: 6, hours: 1, withoutHealing: true }),
  ];
  assert.ok(once.requests > 3);
  assert.deepEqual(again, once);
  assert.notEqual(other.traceHash, once.traceHash);
});

test('what a run says of its own files is the same in every run', async () => {
  const broken = { kind: 'person', does: 'reload', to: 'broken', atMs: 60_000, untilMs: 120_000 };
  const options = { seed: 5, hours: 0.1, plan: [broken as Trouble], withoutHealing: true };
  const said: string[] = [];
  const once = await runSeed({ ...options, onLine: (text) => said.push(text) });
  assert.ok(said.some((text) => text.includes('reload-refused')));
  assert.equal((await runSeed(options)).traceHash, once.traceHash);
});

for (let seed = 1; seed <= seedsMax; seed += 1) {
  const isHealed = seed % 4 === 0;
  const then = isHealed ? ', and what heals converges' : '';
  test(`seed ${seed}: two hours of faults break no promise${then}`, async () => {
    const { failures } = await runSeed({ seed, hours: 2, withoutHealing: !isHealed });
    assert.equal(textsOf(failures, seed), '');
  });
}

test('when the faults heal the daemon converges and stops in order', async () => {
  const { failures, virtualHours } = await runSeed({ seed: 30, hours: 2 });
  assert.equal(textsOf(failures, 30), '');
  assert.ok(virtualHours > 4, `${virtualHours} hours`);
});
