import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BalanceReads } from '../../src/broker/balance-reads.ts';
import { seededRandom } from '../../src/runtime/random.ts';

const hourMs = 3_600_000;

describe('balance reads', () => {
  it('may be made at once, and again after one that succeeded', () => {
    const reads = new BalanceReads(seededRandom(1));
    assert.ok(reads.nextAtMs(5) <= 5);
    reads.succeeded(5);
    assert.ok(reads.nextAtMs(6) <= 6);
  });

  it('are spaced ever wider while they fail, and at once again after a success', () => {
    const reads = new BalanceReads(seededRandom(1));
    let nowMs = 0;
    let lastWaitMs = 0;
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      assert.equal(reads.attempt, attempt);
      reads.failed(nowMs);
      const waitMs = reads.nextAtMs(nowMs) - nowMs;
      assert.ok(waitMs >= lastWaitMs && waitMs >= 1_000 * 2 ** (attempt - 1));
      lastWaitMs = waitMs;
      nowMs += waitMs;
    }
    reads.succeeded(nowMs);
    assert.deepEqual([reads.attempt, reads.nextAtMs(nowMs) <= nowMs], [1, true]);
  });

  it('are answered at most twelve times within an hour', () => {
    const reads = new BalanceReads(seededRandom(1));
    const answered: number[] = [];
    for (let nowMs = 0; nowMs < 24 * hourMs; nowMs = Math.max(nowMs + 1, reads.nextAtMs(nowMs))) {
      reads.succeeded(nowMs);
      answered.push(nowMs);
      const within = answered.filter((atMs) => atMs > nowMs - hourMs).length;
      assert.ok(within <= 12, `${within} in the hour before ${nowMs}`);
    }
    assert.ok(answered.length > 6 * 24, 'and no hour is left without');
  });

  it('that were all answered make the next one wait for ten minutes at most', () => {
    const reads = new BalanceReads(seededRandom(1));
    for (let n = 0; n < 6; n += 1) {
      assert.ok(reads.nextAtMs(n * 1_000) <= n * 1_000, `read ${n}`);
      reads.succeeded(n * 1_000);
    }
    assert.equal(reads.nextAtMs(6_000), 5_000 + 600_000);
    reads.succeeded(605_000);
    assert.equal(reads.nextAtMs(606_000), 605_000 + 600_000);
    assert.ok(reads.nextAtMs(hourMs) <= hourMs + 1, 'the first of them is an hour old');
  });

  it('that fail never make the next one wait for more than ten minutes', () => {
    const reads = new BalanceReads(seededRandom(1));
    let nowMs = 0;
    let made = 0;
    for (; nowMs < 24 * hourMs; made += 1) {
      reads.failed(nowMs);
      const waitMs = reads.nextAtMs(nowMs) - nowMs;
      assert.ok(waitMs <= 600_000, `${waitMs} ms after read ${made + 1}`);
      nowMs += waitMs;
    }
    assert.ok(made <= 12 * 24 + 10, `${made} reads in a day`);
  });
});
