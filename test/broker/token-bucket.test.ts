import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  adoptTruth,
  advanceBucket,
  type Bucket,
  capacityOf,
  chargeBucket,
  lumpOf,
  openBucket,
} from '../../src/broker/token-bucket.ts';
import type { Envelope } from '../../src/keepa/call.ts';
import { Bucket as TrueBucket } from '../../src/simulator/bucket.ts';

const tickMs = 60_200;
/** Keepa's clock in these tests: far from ours, to show that the distance does not matter. */
const keepaMs = 1_800_000_000_000;

function envelope(over: Partial<Envelope> & { refillInMs?: number } = {}): Envelope {
  const { refillInMs = 30_000, asOfMs = keepaMs, ...rest } = over;
  return {
    asOfMs,
    processingMs: 0,
    balance: 20,
    refillRate: 5,
    flowReduction: 0,
    nextRefillAtMs: asOfMs + refillInMs,
    costTokens: 0,
    ...rest,
  };
}

/** Answer number one: 20 tokens at monotonic 1,000 ms, the next lump due 30 s later. */
function opened(over: Parameters<typeof envelope>[0] = {}): Bucket {
  return openBucket(envelope(over), { sentAtMs: 1_000, receivedAtMs: 1_000 });
}

/** The next answer, `afterMs` later on both clocks, after the projection has been advanced. */
function next(before: Bucket, afterMs: number, over: Parameters<typeof envelope>[0] = {}) {
  const atMs = 1_000 + afterMs;
  const { bucket } = advanceBucket(before, atMs);
  const ticks = afterMs < 30_000 ? 0 : Math.floor((afterMs - 30_000) / tickMs) + 1;
  const refillInMs = 30_000 + ticks * tickMs - afterMs;
  const answer = envelope({ asOfMs: keepaMs + afterMs, refillInMs, ...over });
  const flight = { sentAtMs: atMs, receivedAtMs: atMs };
  return adoptTruth(bucket, answer, { ...flight, costTokens: answer.costTokens });
}

describe('token bucket: the projection', () => {
  it('adds nothing before the next refill and one whole lump at it', () => {
    const bucket = opened();
    assert.deepEqual(advanceBucket(bucket, 30_999).lumps, []);
    const { bucket: after, lumps } = advanceBucket(bucket, 31_000);
    assert.deepEqual(lumps, [5]);
    assert.equal(after.balance, 25);
  });

  it('expects later lumps a little late, never early', () => {
    const { lumps } = advanceBucket(opened(), 31_000 + 10 * tickMs);
    assert.equal(lumps.length, 10);
    assert.equal(advanceBucket(opened(), 31_000 + 10 * tickMs + 1_000).lumps.length, 11);
  });

  it('lets what exceeds sixty minutes of refill expire', () => {
    const { bucket, lumps } = advanceBucket(opened({ balance: 297 }), 31_000 + tickMs * 2);
    assert.deepEqual(lumps, [3, 0]);
    assert.equal(bucket.balance, capacityOf(bucket));
  });

  it('lets go with the next lump of what a smaller plan cannot hold', () => {
    const { bucket, lumps } = advanceBucket(opened({ balance: 500 }), 31_000);
    assert.deepEqual([bucket.balance, lumps], [300, [-200]]);
  });
});

describe('token bucket: answers', () => {
  it('is replaced by each answer, and blames nobody for what the request itself cost', () => {
    const truth = next(opened(), 10_000, { balance: 13, costTokens: 7 });
    assert.equal(truth.bucket.balance, 13);
    assert.deepEqual(
      { lump: truth.lump, gain: truth.gain, drain: truth.drain },
      { lump: undefined, gain: 0, drain: 0 },
    );
  });

  it('calls what is missing beyond the cost a drain, and what is found a gain', () => {
    assert.equal(next(opened(), 10_000, { balance: 9, costTokens: 7 }).drain, 4);
    assert.equal(next(opened(), 10_000, { balance: 15, costTokens: 7 }).gain, 2);
  });

  it('deals a lump that an answer shows first as a lump, not as a correction', () => {
    // Projected for 31,000; the answer that arrives at 30,900 has it already.
    const bucket = opened();
    const answer = envelope({ asOfMs: keepaMs + 29_950, balance: 25, refillInMs: tickMs });
    const flight = { sentAtMs: 30_800, receivedAtMs: 30_900, costTokens: 0 };
    const truth = adoptTruth(bucket, answer, flight);
    assert.deepEqual([truth.lump, truth.gain, truth.drain, truth.bucket.balance], [5, 0, 0, 25]);
  });

  it('keeps a lump that arrived while an answer without it was on its way', () => {
    // As of 30,990 there was no lump yet; the answer took a second to arrive.
    const { bucket } = advanceBucket(opened(), 32_000);
    const answer = envelope({ asOfMs: keepaMs + 29_990, balance: 20, refillInMs: 700 });
    const flight = { sentAtMs: 30_500, receivedAtMs: 32_000, costTokens: 0 };
    const truth = adoptTruth(bucket, answer, flight);
    assert.deepEqual([truth.lump, truth.drain, truth.bucket.balance], [undefined, 0, 25]);
    assert.equal(advanceBucket(truth.bucket, 90_000).lumps.length, 0, 'and does not add it twice');
  });

  it('invents no lump when the clock of Keepa jumps back or ahead', () => {
    for (const jumpMs of [-3_600_000, -tickMs, tickMs, 3_600_000]) {
      const { bucket } = advanceBucket(opened(), 40_000);
      const answer = envelope({ asOfMs: keepaMs + jumpMs, balance: 25, refillInMs: 50_000 });
      const flight = { sentAtMs: 39_900, receivedAtMs: 40_000, costTokens: 0 };
      assert.equal(adoptTruth(bucket, answer, flight).bucket.balance, 25, `${jumpMs}`);
    }
  });

  it('trusts no tick phase at the floor of refillIn', () => {
    // The tick has just passed and its lump is in the balance, yet Keepa says 522 ms.
    const truth = next(opened(), 30_100, { balance: 25, refillInMs: 522 });
    assert.deepEqual([truth.lump, truth.gain, truth.drain], [undefined, 0, 0]);
    assert.equal(advanceBucket(truth.bucket, 1_000 + 30_100 + 2_000).bucket.balance, 25);
    const unknownPhase = opened({ refillInMs: 522 });
    assert.equal(advanceBucket(unknownPhase, 5_000).bucket.balance, 20);
  });
});

describe('token bucket: a smaller plan', () => {
  it('blames nobody for what it cannot hold, and tells what is missing below that', () => {
    const large = opened({ refillRate: 20, balance: 900 });
    const explained = ({ lump, drain }: ReturnType<typeof next>) => [lump, drain];
    const atOnce = next(large, tickMs, { refillRate: 5, balance: 293, costTokens: 7 });
    assert.deepEqual(explained(atOnce), [-620, 0]);
    const told = next(large, 1_000, { refillRate: 5, balance: 900 });
    const later = next(told.bucket, tickMs, { refillRate: 5, balance: 250, costTokens: 10 });
    assert.deepEqual(explained(later), [-600, 40]);
    // One answer about a lower rate may be wrong, and 880 are more than its plan could hold.
    const rumour = next(large, 1_000, { refillRate: 5, balance: 200 });
    assert.deepEqual(explained(rumour), [undefined, 700]);
    const uncut = next(told.bucket, 2_000, { refillRate: 5, balance: 880 });
    assert.deepEqual(explained(uncut), [undefined, 20]);
    // A bucket is cut when a lump comes, and none has come.
    const early = next(told.bucket, 2_000, { refillRate: 5, balance: 250 });
    assert.deepEqual(explained(early), [undefined, 650]);
  });

  it('looks at the lumps that the answer holds, not at those of its flight', () => {
    const large = opened({ refillRate: 20, balance: 900 });
    const told = next(large, 1_000, { refillRate: 5, balance: 900 }).bucket;
    // As the answer has it the tick is a second away, and it arrives after that.
    const before = envelope({
      asOfMs: keepaMs + 29_000,
      refillRate: 5,
      balance: 250,
      refillInMs: 1_000,
    });
    const early = { sentAtMs: 30_000, receivedAtMs: 31_100, costTokens: 0 };
    assert.equal(adoptTruth(advanceBucket(told, 31_100).bucket, before, early).drain, 645);
    // It was cut by the first tick, and the second one comes while it is on its way.
    const asOfMs = keepaMs + 30_000 + tickMs - 1_000;
    const cut = envelope({ asOfMs, refillRate: 5, balance: 300, refillInMs: 1_000 });
    const late = { sentAtMs: 90_000, receivedAtMs: 91_300, costTokens: 0 };
    assert.equal(adoptTruth(advanceBucket(large, 91_300).bucket, cut, late).drain, 0);
  });
});

describe('token bucket: the rate', () => {
  it('ignores one answer with a higher rate', () => {
    const first = next(opened(), 1_000, { refillRate: 12 });
    assert.equal(first.newRate, undefined);
    assert.deepEqual([lumpOf(first.bucket), capacityOf(first.bucket)], [5, 300]);
    const second = next(first.bucket, 2_000, { refillRate: 5 });
    assert.deepEqual([lumpOf(second.bucket), capacityOf(second.bucket)], [5, 300]);
  });

  it('counts the lower rate for one answer, keeps the capacity, and makes good as refill', () => {
    const first = next(opened({ refillRate: 20, balance: 900 }), 1_000, {
      refillRate: 3,
      balance: 100,
      costTokens: 800,
    });
    assert.deepEqual([lumpOf(first.bucket), capacityOf(first.bucket)], [3, 1_200]);
    const second = next(first.bucket, 31_000, { refillRate: 20, balance: 120 });
    assert.deepEqual([second.lump, second.gain, second.drain], [17, 0, 0]);
    assert.equal(lumpOf(second.bucket), 20);
  });

  it('believes a changed rate when two answers in a row agree, and not two that differ', () => {
    const first = next(opened(), 1_000, { refillRate: 20 });
    const differs = next(first.bucket, 2_000, { refillRate: 25 });
    assert.deepEqual([differs.newRate, differs.bucket.rate], [undefined, 5]);
    const agrees = next(differs.bucket, 3_000, { refillRate: 25 });
    assert.deepEqual([agrees.newRate, agrees.bucket.rate], [25, 25]);
  });

  it('lowers the refill by what trackings take, rounded up', () => {
    const bucket = opened({ flowReduction: 1.2 });
    assert.equal(lumpOf(bucket), 3);
    assert.deepEqual(advanceBucket(bucket, 31_000).lumps, [3]);
    assert.equal(lumpOf(opened({ flowReduction: 9 })), 0);
    const truth = next(bucket, 31_000, { balance: 24, flowReduction: 1.2 });
    assert.deepEqual([truth.lump, truth.gain, truth.drain], [1, 0, 0], 'rounded down after all');
  });

  it('is total over debts, zero and fractions', () => {
    for (const balance of [-249, -13, 0, 54.5, -0.5]) {
      const { bucket } = advanceBucket(opened({ balance }), 31_000);
      assert.equal(bucket.balance, Math.floor(balance) + 5);
    }
  });

  it('refuses an envelope with a refill rate of zero: that is a wrong key, not a state', () => {
    assert.throws(() => opened({ refillRate: 0 }), /no state/);
  });
});

describe('token bucket against a true one', () => {
  const step = fc.record({
    idleMs: fc.oneof(
      fc.integer({ min: 0, max: 5_000 }),
      fc.integer({ min: 0, max: 200_000 }),
      fc.integer({ min: 0, max: 7_200_000 }),
    ),
    outMs: fc.integer({ min: 0, max: 3_000 }),
    processingMs: fc.integer({ min: 0, max: 25_000 }),
    backMs: fc.integer({ min: 0, max: 8_000 }),
    cost: fc.integer({ min: 0, max: 40 }),
  });
  const setting = fc.record({
    rate: fc.constantFrom(1, 5, 20, 60, 250),
    offsetMs: fc.integer({ min: -86_400_000, max: 86_400_000 }),
    firstTickMs: fc.integer({ min: 1, max: tickMs }),
    balance: fc.integer({ min: -300, max: 300 }),
    /** Our monotonic clock runs fast or slow by so many parts in a million. */
    driftPpm: fc.integer({ min: -100, max: 100 }),
  });

  it('never believes itself richer than Keepa, whatever the latencies, offset and drift', () => {
    fc.assert(
      fc.property(setting, fc.array(step, { maxLength: 30 }), (world, steps) => {
        const bucket = replay(world, steps, (believed, truth) => assert.ok(believed <= truth));
        assert.ok(bucket === undefined || Number.isInteger(bucket.balance));
      }),
      { numRuns: 300 },
    );
  });

  it('takes no refill for a gain and no latency for a drain', () => {
    fc.assert(
      fc.property(setting, fc.array(step, { maxLength: 30 }), (world, steps) => {
        replay(world, steps, () => undefined, { isExact: true });
      }),
      { numRuns: 300 },
    );
  });
});

interface World {
  readonly rate: number;
  readonly offsetMs: number;
  readonly firstTickMs: number;
  readonly balance: number;
  readonly driftPpm: number;
}

interface Step {
  readonly idleMs: number;
  readonly outMs: number;
  readonly processingMs: number;
  readonly backMs: number;
  readonly cost: number;
}

/** Plays the steps in true time; `compare` sees both balances whenever nothing is in flight. */
function replay(
  { rate, offsetMs, firstTickMs, balance, driftPpm }: World,
  steps: readonly Step[],
  compare: (believed: number, truth: number) => void,
  { isExact = false } = {},
): Bucket | undefined {
  const start = { balance: Math.min(balance, 60 * rate), nextTickMs: firstTickMs };
  const truth = new TrueBucket({ ratePerMinute: rate, ...start });
  const ours = (trueMs: number): number => trueMs * (1 + driftPpm / 1e6);
  let believed: Bucket | undefined;
  let atMs = 0;
  for (const { idleMs, outMs, processingMs, backMs, cost } of steps) {
    for (const share of [0.3, 0.6, 1]) {
      const at = atMs + idleMs * share;
      if (believed === undefined) continue;
      believed = advanceBucket(believed, ours(at)).bucket;
      compare(believed.balance, truth.balanceAt(at));
    }
    const sentMs = atMs + idleMs;
    const endMs = sentMs + outMs + processingMs;
    atMs = endMs + backMs;
    const reading = truth.settle(cost, endMs);
    const asOfMs = endMs + offsetMs;
    const answer: Envelope = {
      asOfMs,
      processingMs,
      balance: reading.tokensLeft,
      refillRate: reading.refillRate,
      flowReduction: 0,
      nextRefillAtMs: asOfMs + reading.refillIn,
      costTokens: cost,
    };
    const flight = { sentAtMs: ours(sentMs), receivedAtMs: ours(atMs) };
    if (believed === undefined) believed = openBucket(answer, flight);
    else {
      const advanced = advanceBucket(believed, flight.receivedAtMs).bucket;
      const change = adoptTruth(advanced, answer, { ...flight, costTokens: cost });
      const { bucket, lump = 0, gain, drain } = change;
      assert.equal(
        bucket.balance,
        advanced.balance + lump + gain - drain - cost,
        'the books close',
      );
      if (isExact) assert.ok(drain <= rate && gain <= rate, `gain ${gain}, drain ${drain}`);
      believed = bucket;
    }
    compare(believed.balance, truth.balanceAt(atMs));
  }
  return believed;
}

it('a charge in doubt lowers the projection until the next answer', () => {
  assert.equal(chargeBucket(opened(), 12).balance, 8);
});
