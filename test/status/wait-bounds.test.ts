/**
 * The bound that is printed says for what it holds, and holds for it: also beside a stranger.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classesNow, waitBoundsNow } from '../../src/status/report-fields.ts';
import { BrokerWorld, dealCall, hourMs, productCall, shares } from '../broker/broker-world.ts';
import { broker } from './situations.ts';

const tickMs = 60_200;

describe('wait bounds', () => {
  it('name the tokens that they count on and what they exclude', () => {
    assert.deepEqual(waitBoundsNow(broker()), {
      tokensPerTick: 5,
      basis:
        'hold while 5 tokens a tick are left to us, ' +
        'nobody else spends with this key, no call exceeds its hold',
    });
    const shared = waitBoundsNow(broker({ netRate: 3.333, unexplainedTokens: 100 }));
    assert.equal(shared.tokensPerTick, 3.33);
    assert.match(shared.basis, /others take no more than now of the 5 that arrive/);
  });

  it('are none while nothing is spent, and while others take everything', () => {
    const stopped = { why: 'no lease', sinceMs: 0 };
    assert.match(waitBoundsNow(broker({ stopped })).basis, /^none while no token is spent/);
    assert.match(waitBoundsNow(undefined).basis, /^none/);
    assert.match(waitBoundsNow(broker({ netRate: 0 })).basis, /^none while no token that arrives/);
  });

  it('are computed from what a stranger leaves, and are kept', async () => {
    const world = new BrokerWorld({ rate: 5, balance: 50 });
    world.broker.start();
    world.saturate('upsert', productCall(1, 20));
    world.saturate('backfill', dealCall);
    world.every(300_000, 'head', dealCall);
    const stranger = async (): Promise<void> => {
      for (;;) {
        await world.clock.sleep(3 * tickMs);
        world.keepa.drain(5);
      }
    };
    void stranger();
    await world.run(2 * hourMs);
    const { tokensPerTick, basis } = waitBoundsNow(world.broker.snapshot());
    assert.ok(
      tokensPerTick !== null && tokensPerTick < 4 && tokensPerTick > 2.5,
      `${tokensPerTick}`,
    );
    assert.match(basis, /others take no more than now/);
    const known = world.waits.length;
    await world.run(6 * hourMs);
    for (const { spendClass, waitedMs, promisedMs } of world.waits.slice(known)) {
      assert.ok(waitedMs <= promisedMs, `${spendClass} waited ${waitedMs} of ${promisedMs} ms`);
    }
    assert.ok(world.waits.length > known + 50);
    await world.end();
  });

  it('stand beside the longest wait there was, and when it ended', async () => {
    const world = new BrokerWorld({ rate: 1, balance: 0 });
    world.broker.start();
    void world.ask('upsert', productCall(1, 20));
    await world.run(hourMs / 6);
    const during = classesNow(world.broker.snapshot(), shares).upsert;
    assert.equal(during.longestWaitAt, new Date(world.clock.now()).toISOString(), 'goes on');
    assert.equal(during.longestWaitMs, during.oldestWaitMs);
    await world.run(hourMs);
    const [line] = world.ledger.filter(({ purpose }) => purpose === 'test');
    const after = classesNow(world.broker.snapshot(), shares).upsert;
    assert.equal(after.longestWaitMs, Math.round(line?.waitedMs ?? 0));
    assert.ok(
      Date.parse(after.longestWaitAt ?? '') < world.clock.now() - hourMs / 4,
      'and is past',
    );
    assert.equal(classesNow(world.broker.snapshot(), shares).backfill.longestWaitAt, null);
    await world.end();
  });
});
