/** What a new run of the rules changed, from what to what, and that all else has its turn too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RejudgeOutcome, rejudgeAndCompare } from '../../src/actors/rejudge-changes.ts';
import { asinOf, JudgingWorld, listed, sellingProduct } from './judging-world.ts';

const strict = { costs: {}, acceptance: { minProfitCents: 100_000 } };

/** Rows that were accepted, and one that was rejected. */
async function judgedWorld(accepted: number): Promise<JudgingWorld> {
  const world = await JudgingWorld.open();
  for (let number = 0; number <= accepted; number += 1) {
    const asin = asinOf(number);
    world.keepa.shelf.products.set(asin, sellingProduct(asin, number === 0 ? 1_300 : 5_000));
    await world.list({ row: listed(asin) });
  }
  while ((await world.store.reader.countByState()).candidate > 0) await world.pass();
  return world;
}

/** Runs it with as many turns of the clock as it asks for. */
async function run(
  world: JudgingWorld,
  more: Partial<Parameters<typeof rejudgeAndCompare>[0]> = {},
): Promise<RejudgeOutcome> {
  const signal = new AbortController().signal;
  let outcome: RejudgeOutcome | undefined;
  const running = rejudgeAndCompare({ ...world.rejudging, signal, ...more }).then((ended) => {
    outcome = ended;
  });
  while (outcome === undefined) await world.clock.advanceBy(1);
  await running;
  return outcome;
}

test('only rows whose state changed are told, with from and to', async () => {
  await using world = await judgedWorld(60);
  assert.deepEqual(await run(world, { rules: strict }), {
    judged: 61,
    unreadable: 0,
    changes: [{ from: 'accepted', to: 'rejected', rows: 60 }],
    isComplete: true,
  });
  const back = await run(world);
  assert.deepEqual(back.changes, [{ from: 'rejected', to: 'accepted', rows: 60 }]);
  assert.deepEqual((await run(world)).changes, []);
});

test('between two steps everything else has its turn', async () => {
  await using world = await judgedWorld(60);
  const events: string[] = [];
  await run(world, {
    onStep: () => {
      events.push('step');
      world.clock.after(0, () => events.push('timer'));
    },
  });
  assert.deepEqual(events.slice(0, 3), ['step', 'timer', 'step']);
});

test('one that is stopped says so, and what it had judged is stored', async () => {
  await using world = await judgedWorld(60);
  const stop = new AbortController();
  const outcome = await run(world, {
    rules: strict,
    signal: stop.signal,
    onStep: () => stop.abort(),
  });
  assert.equal(outcome.isComplete, false);
  assert.ok(outcome.judged > 0 && outcome.judged < 61);
  const { rejected } = await world.store.reader.countByState();
  assert.equal(rejected, outcome.judged, 'the one that was rejected before is the first of them');
});

test('rows whose evidence cannot be read are counted apart', async () => {
  await using world = await judgedWorld(2);
  world.store.outside(`update evidence set packed = x'00' where asin = '${asinOf(1)}'`);
  const { judged, unreadable, changes } = await run(world, { rules: strict });
  assert.deepEqual([judged, unreadable], [2, 1]);
  assert.deepEqual(changes, [{ from: 'accepted', to: 'rejected', rows: 1 }]);
});
