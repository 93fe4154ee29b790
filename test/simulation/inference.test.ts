/** What the rules find of the true sales, so that no change of a rule makes it worse unseen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInference } from './inference-report.ts';

test('nearly all true sales are inferred, and most inferred ones are true', () => {
  const figures = runInference({ seed: 3, rows: 200 });
  const all = figures.at(-1);
  assert.ok((all?.recall ?? 0) >= 0.97, `recall ${all?.recall}`);
  assert.ok((all?.precision ?? 0) >= 0.75, `precision ${all?.precision}`);
  assert.ok((all?.errorP50 ?? 1) <= 0.06, `error of the 1-year average ${all?.errorP50}`);
  assert.ok(Math.abs(all?.bias ?? 1) <= 0.1, `bias ${all?.bias}`);
  assert.equal(
    figures.slice(0, -1).reduce((sum, { products }) => sum + products, 0),
    all?.products,
    'every product is in one class of sparsity',
  );
});

test('the more was sold, the more of what is inferred is true', () => {
  const precisions = runInference({ seed: 4, rows: 200 })
    .slice(0, -1)
    .map(({ precision }) => precision ?? 0);
  assert.deepEqual(
    precisions,
    precisions.toSorted((a, b) => a - b),
  );
});
