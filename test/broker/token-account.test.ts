import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { perClass } from '../../src/broker/credits.ts';
import { type SpendClass, spendClasses } from '../../src/broker/request.ts';
import { type Hold, TokenAccount } from '../../src/broker/token-account.ts';
import type { Envelope } from '../../src/keepa/call.ts';
import { shares } from './broker-world.ts';

const caps = () => perClass(() => 1_000_000);
const tickMs = 60_200;

function answer(atMs: number, over: Partial<Envelope> = {}): Envelope {
  const ticks = atMs < 30_000 ? 0 : Math.floor((atMs - 30_000) / tickMs) + 1;
  return {
    asOfMs: atMs,
    processingMs: 0,
    balance: 100,
    refillRate: 5,
    flowReduction: 0,
    nextRefillAtMs: 30_000 + ticks * tickMs,
    costTokens: 0,
    ...over,
  };
}

function at(atMs: number) {
  return { sentAtMs: atMs, receivedAtMs: atMs, caps };
}

/** Opened at 0 with 100 tokens at 5 a minute, the first lump at 30 s. */
function opened(deficitFloor = 0): TokenAccount {
  const account = new TokenAccount({ shares, deficitFloor });
  account.open(answer(0), at(0));
  return account;
}

function creditOf(account: TokenAccount, name: SpendClass): number {
  return (account.books?.credits.credit[name] ?? Number.NaN) / 100;
}

function commonsOf(account: TokenAccount): number {
  return (account.books?.credits.commons ?? Number.NaN) / 100;
}

describe('token account', () => {
  it('knows nothing and holds nothing before the first truth', () => {
    const account = new TokenAccount({ shares, deficitFloor: 0 });
    account.advance(1_000_000, caps);
    assert.equal(account.books, undefined);
    assert.equal(account.netRate(0), undefined);
    assert.throws(() => account.hold('upsert', 1), /not known/);
  });

  it('settles a hold at what the answer says', () => {
    const account = opened();
    const hold = account.hold('upsert', 12);
    assert.deepEqual([account.heldTokens, creditOf(account, 'upsert')], [12, 33]);
    account.settle(hold, answer(10_000, { balance: 93, costTokens: 7 }), at(10_000));
    assert.deepEqual([account.heldTokens, creditOf(account, 'upsert')], [0, 38]);
    assert.equal(account.spentLastHour(10_000), 7);
    assert.equal(account.unexplained(10_000), 0);
  });

  it('settles or releases a hold once only', () => {
    for (const first of ['settle', 'release', 'settleInDoubt'] as const) {
      const account = opened();
      const hold = account.hold('upsert', 12);
      const close = (): unknown => {
        if (first === 'settle') return account.settle(hold, answer(1, { balance: 100 }), at(1));
        return first === 'release' ? account.release(hold) : account.settleInDoubt(hold, 1);
      };
      close();
      assert.throws(close, /settled twice/, first);
    }
  });

  it('gives a released hold back whole', () => {
    const account = opened();
    account.release(account.hold('upsert', 12));
    assert.deepEqual([creditOf(account, 'upsert'), account.heldTokens], [45, 0]);
  });
});

describe('token account: holds in doubt', () => {
  it('charges a hold in doubt, and gives back what later turns out not to have been billed', () => {
    const account = opened();
    account.settleInDoubt(account.hold('upsert', 12), 5_000);
    assert.deepEqual([creditOf(account, 'upsert'), account.books?.bucket.balance], [33, 88]);
    account.observe(answer(6_000, { balance: 95 }), at(6_000));
    assert.deepEqual([creditOf(account, 'upsert'), commonsOf(account)], [40, 0], 'it cost 5');
    assert.equal(account.unexplained(6_000), 0);
  });

  it('charges the class that left a doubt when it cost more than its hold', () => {
    const account = opened();
    account.settleInDoubt(account.hold('upsert', 12), 5_000);
    const { drain } = account.observe(answer(6_000, { balance: 80 }), at(6_000));
    assert.deepEqual(
      [drain, creditOf(account, 'upsert'), creditOf(account, 'backfill')],
      [0, 25, 30],
    );
  });

  it('charges it again when a lost call is billed after all, minutes later', () => {
    const account = opened();
    account.settleInDoubt(account.hold('upsert', 12), 1_000);
    account.observe(answer(6_000, { balance: 100 }), at(6_000));
    assert.equal(creditOf(account, 'upsert'), 45);
    const { drain } = account.observe(answer(20_000, { balance: 88 }), at(20_000));
    assert.deepEqual([drain, creditOf(account, 'upsert')], [0, 33]);
  });

  it('takes a difference for a drain minutes later, and beyond twice the hold', () => {
    const late = opened();
    late.settleInDoubt(late.hold('upsert', 12), 1_000);
    late.advance(400_000, caps);
    const before = late.books?.bucket.balance ?? 0;
    assert.equal(late.observe(answer(400_000, { balance: before - 9 }), at(400_000)).drain, 9);
    const large = opened();
    large.settleInDoubt(large.hold('upsert', 12), 1_000);
    assert.equal(large.observe(answer(2_000, { balance: 60 }), at(2_000)).drain, 16);
  });
});

describe('token account: strangers', () => {
  it('reports what somebody else spent, and forgets it after an hour', () => {
    const account = opened();
    account.observe(answer(10_000, { balance: 70 }), at(10_000));
    assert.equal(account.unexplained(10_000), 30);
    assert.equal(account.unexplained(10_000 + 3_600_000), 0);
  });

  it('does not report up to one lump: that is a rounding of ticks', () => {
    const account = opened();
    account.observe(answer(10_000, { balance: 95 }), at(10_000));
    assert.equal(account.unexplained(10_000), 0);
    account.observe(answer(11_000, { balance: 94 }), at(11_000));
    assert.equal(account.unexplained(11_000), 6);
  });

  it('lowers the net rate by a drain above a tenth of the refill, and not by a smaller one', () => {
    const account = opened();
    account.advance(3_000_000, caps);
    const { balance = 0 } = account.books?.bucket ?? {};
    account.observe(answer(3_000_000, { balance: balance - 30 }), at(3_000_000));
    assert.equal(account.netRate(3_000_000), 5);
    assert.equal(account.drainAtOnce(3_000_000), 0, 'too little to be counted with');
    account.observe(answer(3_000_001, { balance: balance - 30 - 68 }), at(3_000_001));
    assert.equal(account.netRate(3_000_001), 5 - 103 / 49);
    assert.equal(account.drainAtOnce(3_000_001), 68);
    // Twenty minutes without an answer: what was taken in them is not known, so they do not count.
    assert.equal(account.netRate(3_000_001 + 20 * 60_215), 5 - 103 / 40);
  });

  it('refuses a policy whose shares or floor make no sense', () => {
    assert.throws(() => new TokenAccount({ shares: { ...shares, head: 9 }, deficitFloor: 0 }));
    assert.throws(() => new TokenAccount({ shares, deficitFloor: 1 }));
  });
});

const event = fc.oneof(
  fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 300_000 }) }),
  fc.record({
    kind: fc.constant('hold' as const),
    spendClass: fc.constantFrom(...spendClasses),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({
    kind: fc.constantFrom('settle' as const, 'release' as const, 'doubt' as const),
    cost: fc.integer({ min: 0, max: 60 }),
    stranger: fc.integer({ min: -40, max: 40 }),
  }),
);

describe('token account, after any sequence of events', () => {
  it('keeps credits + commons = balance - holds - floor, and every hold settled once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -100, max: 0 }),
        fc.integer({ min: -300, max: 300 }),
        fc.array(event, { maxLength: 60 }),
        (deficitFloor, start, events) => {
          const account = new TokenAccount({ shares, deficitFloor });
          account.open(answer(0, { balance: start }), at(0));
          let nowMs = 0;
          let hold: Hold | undefined;
          for (const step of events) {
            if (step.kind === 'time') nowMs += step.ms;
            account.advance(nowMs, () => perClass((name) => shares[name] * 30));
            if (step.kind === 'hold') hold ??= tryHold(account, step);
            else if (step.kind !== 'time' && hold !== undefined) {
              close(account, hold, { ...step, nowMs });
              hold = undefined;
            }
            assertBooks(account, deficitFloor);
          }
        },
      ),
    );
  });
});

function tryHold(account: TokenAccount, step: { spendClass: SpendClass; part: number }) {
  const { credits } = account.books ?? {};
  const own =
    Math.max(0, credits?.credit[step.spendClass] ?? 0) + Math.max(0, credits?.commons ?? 0);
  const tokens = Math.floor((own / 100) * step.part);
  return tokens < 1 ? undefined : account.hold(step.spendClass, tokens);
}

function close(
  account: TokenAccount,
  hold: Hold,
  step: { kind: 'settle' | 'release' | 'doubt'; cost: number; stranger: number; nowMs: number },
): void {
  const { cost, stranger, nowMs } = step;
  const balance = (account.books?.bucket.balance ?? 0) - cost - stranger;
  const envelope = answer(nowMs, { balance, costTokens: cost });
  if (step.kind === 'release') account.release(hold);
  else if (step.kind === 'doubt') account.settleInDoubt(hold, nowMs);
  else account.settle(hold, envelope, at(nowMs));
}

/** Recomputed here, so that the account's own assertion is not what proves it. */
function assertBooks(account: TokenAccount, deficitFloor: number): void {
  const { bucket, credits } = account.books ?? assert.fail('no books');
  const sum = spendClasses.reduce((total, name) => total + credits.credit[name], credits.commons);
  assert.equal(sum, 100 * (bucket.balance - account.heldTokens - deficitFloor));
}
