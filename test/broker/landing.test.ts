import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dealCall, hourMs, mishapAt, outcomes, productCall, started } from './broker-world.ts';

describe('what becomes of a refused request', () => {
  it('puts a refused request back and sends it when the tokens are there', async () => {
    const world = await started();
    world.keepa.drain(112);
    const settled = world.ask('upsert', dealCall);
    const later = world.ask('upsert', productCall(1));
    await world.run(1_000);
    assert.equal(world.keepa.refusals, 1);
    await world.run(30 * 60_000);
    assert.equal((await settled).kind, 'answered');
    assert.equal((await later).kind, 'answered');
    assert.equal(world.keepa.refusals, 1, 'one 429 in the episode');
    assert.ok(world.keepa.bucket.lowestBalance >= -12, 'nothing of ours went below');
    const paid = world.ledger.filter(({ spendClass }) => spendClass === 'upsert');
    assert.deepEqual(
      paid.map(({ outcome, attempt, shape }) => `${outcome} ${attempt} ${shape}`),
      ['refused 1 deal', 'answered 1 deal', 'answered 1 product'],
    );
    await world.end();
  });

  it('survives refusals that the balance does not explain without a hot loop', async () => {
    const world = await started({
      mishap: (call) => (call.endpoint === 'deal' ? 'refused-without-envelope' : undefined),
    });
    void world.ask('upsert', dealCall);
    await world.run(2 * hourMs);
    const refused = world.ledger.filter(({ outcome }) => outcome === 'refused');
    assert.ok(refused.length >= 10 && refused.length <= 20, `${refused.length} refusals`);
    await world.end();
  });
});

describe('what becomes of a request that brought no answer', () => {
  it('settles a lost call at its hold, tries again, and learns from the next answer', async () => {
    const world = await started(mishapAt([2], 'billed-and-lost'));
    const settled = world.ask('upsert', productCall(2, 20));
    await world.run(60_000);
    assert.equal((await settled).kind, 'answered');
    const [, lost, answered] = world.ledger;
    assert.deepEqual([lost?.outcome, lost?.costTokens, lost?.attempt], ['maybe-billed', 24, 1]);
    assert.deepEqual([answered?.outcome, answered?.attempt], ['answered', 2]);
    const snapshot = world.broker.snapshot();
    assert.equal(snapshot.balance, world.keepa.balance);
    assert.equal(snapshot.unexplainedTokens, 0);
    await world.end();
  });

  it('gives up after six attempts, spaced ever wider, and says why', async () => {
    const world = await started({
      mishap: (call) => (call.endpoint === 'deal' ? 'unavailable' : undefined),
    });
    const settled = world.ask('upsert', dealCall);
    await world.run(hourMs);
    assert.deepEqual(await settled, {
      kind: 'dead',
      why: 'scripted',
      attempts: 6,
      answersBefore: 1,
    });
    const times = world.ledger.slice(1).map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((atMs, n) => atMs - (times[n] ?? 0));
    for (const [n, gap] of gaps.entries()) {
      assert.ok(gap >= 1_000 * 2 ** n && gap <= 2_000 * 2 ** n + 1_500, `${gap} after ${n}`);
    }
    assert.equal(world.broker.snapshot().balance, world.keepa.balance, 'nothing was billed');
    await world.end();
  });

  it('lets nobody wait behind a request in backoff', async () => {
    const world = await started(mishapAt([2], 'unavailable'));
    const failing = world.ask('upsert', dealCall);
    await world.run(700);
    const passing = world.ask('upsert', productCall(1));
    await world.run(700);
    assert.equal((await passing).kind, 'answered');
    assert.deepEqual(outcomes(world), ['status answered', 'upsert unavailable', 'upsert answered']);
    await world.run(10_000);
    assert.equal((await failing).kind, 'answered');
    await world.end();
  });
});

describe('what becomes of a request that Keepa will not serve', () => {
  it('ends what Keepa refuses for good, without another try', async () => {
    for (const reason of ['bad-request', 'not-found', 'out-of-range'] as const) {
      const world = await started(mishapAt([2], reason));
      const settled = world.ask('upsert', dealCall);
      await world.run(hourMs);
      assert.deepEqual(await settled, { kind: 'permanent', reason, why: 'scripted' });
      assert.equal(world.keepa.calls.length, 2);
      assert.equal(world.broker.snapshot().stopped, undefined);
      await world.end();
    }
  });

  it('stops spending for good when the key is refused, and keeps the queue', async () => {
    const world = await started(mishapAt([2], 'invalid-key'));
    const settled = world.ask('upsert', dealCall);
    const next = world.ask('upsert', dealCall);
    await world.run(5 * hourMs);
    assert.equal((await settled).kind, 'permanent');
    assert.equal(world.keepa.calls.length, 2);
    const { stopped, classes, nextAdmissionAtMs } = world.broker.snapshot();
    assert.deepEqual([stopped?.cause, stopped?.why], ['invalid-key', 'scripted']);
    assert.deepEqual([classes.upsert.queued, nextAdmissionAtMs], [1, undefined]);
    assert.deepEqual(
      world.halts.map(({ cause }) => cause),
      ['invalid-key'],
    );
    await world.end();
    assert.equal((await next).kind, 'cancelled');
  });

  it('says at the start that the key is refused', async () => {
    const world = await started({ mishap: () => 'invalid-key' });
    await world.run(hourMs);
    assert.equal(world.keepa.calls.length, 1);
    assert.equal(world.halts.length, 1);
    await world.end();
  });

  it('settles a malformed answer by its envelope, else at its hold, and tries again', async () => {
    for (const mishap of ['malformed', 'malformed-with-envelope'] as const) {
      const world = await started(mishapAt([2], mishap));
      const settled = world.ask('upsert', productCall(1, 20));
      await world.run(60_000);
      assert.equal((await settled).kind, 'answered');
      const charged = mishap === 'malformed' ? 12 : 7;
      assert.deepEqual(
        [world.ledger[1]?.outcome, world.ledger[1]?.costTokens],
        ['malformed', charged],
      );
      assert.equal(world.broker.snapshot().balance, world.keepa.balance);
      assert.equal(world.broker.snapshot().unexplainedTokens, 0);
      await world.end();
    }
  });
});
