/**
 * The contract of every implementation of `Checkpoints`.
 */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Checkpoints } from '../../src/coordination/ports.ts';
import type { CoordinationFactory, CoordinationFixture } from './coordination-fixture.ts';

export function checkpointsContract(implementation: string, make: CoordinationFactory): void {
  describe(`checkpoints, ${implementation}`, () => {
    const fixtures: CoordinationFixture[] = [];
    let one: Checkpoints;
    let two: Checkpoints;

    beforeEach(async () => {
      const fixture = await make();
      fixtures.push(fixture);
      one = (await fixture.open()).checkpoints;
      two = (await fixture.open()).checkpoints;
    });
    after(() => Promise.all(fixtures.map((fixture) => fixture.close())));

    test('reads what another process wrote, and undefined where nothing was', async () => {
      const cursor = { queryHash: 'abc', sweep: 3, page: 7 };
      assert.equal(await two.read('sweep/books'), undefined);
      assert.equal(await one.write('sweep/books', cursor, 1), true);
      assert.deepEqual(await two.read('sweep/books'), cursor);
    });

    test('refuses a write under an older fence and keeps what was there', async () => {
      await one.write('sweep/books', 'new', 5);
      assert.equal(await two.write('sweep/books', 'old', 4), false);
      assert.equal(await two.read('sweep/books'), 'new');
      assert.equal(await two.write('sweep/books', 'newer', 5), true);
    });

    test('an older fence may not write another name, nor bring back a removed one', async () => {
      await one.write('sweep/books', 1, 5);
      assert.equal(await two.write('sweep/toys', 1, 4), false);
      assert.equal(await two.read('sweep/toys'), undefined);
      assert.equal(await one.remove('sweep/books'), true);
      assert.equal(await one.remove('sweep/books'), false);
      assert.equal(await two.write('sweep/books', 1, 4), false);
      assert.equal(await two.read('sweep/books'), undefined);
    });

    test('lists every name with its value', async () => {
      await one.write('b', { page: 2 }, 1);
      await one.write('a', null, 1);
      const listed = (await two.list()).map(({ name, value }) => [name, value]);
      assert.deepEqual(listed, [
        ['a', null],
        ['b', { page: 2 }],
      ]);
    });

    test('refuses names that are none, and values that JSON cannot hold', async () => {
      for (const name of ['', 'a b', '*']) {
        await assert.rejects(one.write(name, 1, 1), RangeError);
        await assert.rejects(one.read(name), RangeError);
      }
      await assert.rejects(one.write('a', undefined, 1), TypeError);
    });

    test('gives back any JSON value as it was', async () => {
      await fc.assert(
        fc.asyncProperty(fc.jsonValue(), async (value) => {
          const plain: unknown = JSON.parse(JSON.stringify(value));
          await one.write('any', plain, 1);
          assert.deepEqual(await two.read('any'), plain);
        }),
        { numRuns: 50 },
      );
    });
  });
}
