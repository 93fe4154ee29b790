/** The lag of the real event loop: seen when it was blocked, and only since it was last asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type LoopLagFigures, loopLag } from '../../src/runtime/loop-lag.ts';

test('a blocked loop shows as a lag; before the first question nothing is watched', async () => {
  const lag = loopLag();
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  try {
    assert.equal(lag.take(), undefined);
    let figures: LoopLagFigures | undefined;
    while (figures === undefined) {
      // Nothing else of this process runs meanwhile.
      Atomics.wait(nobody, 0, 0, 400);
      await turn();
      figures = lag.take();
    }
    assert.ok(figures.maxSeconds >= 0.2, `${figures.maxSeconds} s`);
    assert.ok(figures.p50Seconds <= figures.p99Seconds);
    assert.ok(figures.p99Seconds <= figures.maxSeconds);
    assert.equal(lag.take(), undefined, 'what was told is not told again');
  } finally {
    lag.stop();
  }
});
