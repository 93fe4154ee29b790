import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RefusalGuard } from '../../src/broker/refusal-guard.ts';

const tickMs = 60_215;

describe('refusal guard', () => {
  it('asks for nothing before the first refusal', () => {
    const guard = new RefusalGuard();
    assert.deepEqual([guard.mustReadFirst, guard.refusals], [false, 0]);
    assert.ok(guard.notBeforeMs < 0);
  });

  it('waits for the next tick and a read that finds the tokens', () => {
    const guard = new RefusalGuard();
    guard.refused({ nextLumpAtMs: 500 });
    assert.deepEqual([guard.notBeforeMs, guard.mustReadFirst], [500, true]);
    guard.balanceRead();
    assert.equal(guard.mustReadFirst, false);
    guard.mustWait();
    assert.equal(guard.mustReadFirst, true, 'a read that found too little is worth nothing later');
    guard.balanceRead();
    guard.served();
    guard.mustWait();
    assert.equal(guard.mustReadFirst, false, 'the episode is over');
  });

  it('takes nothing left at the start for an episode, but waits for no tick', () => {
    const guard = new RefusalGuard();
    guard.balanceRead();
    guard.foundNothingLeft();
    assert.deepEqual([guard.mustReadFirst, guard.notBeforeMs < 0], [true, true]);
    guard.balanceRead();
    guard.served();
    assert.equal(guard.mustReadFirst, false);
  });

  it('spaces refusals in a row out by ticks, up to ten of them', () => {
    const guard = new RefusalGuard();
    const waits = Array.from({ length: 13 }, () => {
      guard.refused({ nextLumpAtMs: 0 });
      return guard.notBeforeMs / tickMs;
    });
    assert.deepEqual(waits, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]);
    assert.equal(guard.refusals, 13);
  });
});
