import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addToCommons,
  assertShares,
  type Credits,
  chargeClass,
  dealLump,
  debtOf,
  drainCredits,
  openCredits,
  payHold,
  perClass,
  settleHold,
  totalOf,
} from '../../src/broker/credits.ts';
import { type SpendClass, spendClasses } from '../../src/broker/request.ts';
import { shares } from './broker-world.ts';

const noCaps = perClass(() => Number.MAX_SAFE_INTEGER);

/** Credits in hundredths; what is not named is 0. */
function credits(credit: Partial<Record<SpendClass, number>>, commons = 0): Credits {
  return { credit: { ...perClass(() => 0), ...credit }, commons, owed: perClass(() => 0) };
}

function deal(before: Credits, amount: number, caps = noCaps): Credits {
  return dealLump(before, { shares, caps, amount });
}

describe('credits', () => {
  it('deal the first balance by share', () => {
    const { credit, commons } = openCredits(shares, 10_000);
    assert.deepEqual(credit, {
      interactive: 500,
      head: 1_000,
      upsert: 4_500,
      refresh: 1_000,
      backfill: 3_000,
    });
    assert.equal(commons, 0);
  });

  it('leave a debt from before the start to the commons', () => {
    const opened = openCredits(shares, -24_900);
    assert.equal(opened.commons, -24_900);
    assert.deepEqual(
      opened.credit,
      perClass(() => 0),
    );
  });

  it('repay a debt from whole lumps before anything is dealt: debt / lump ticks', () => {
    let now = openCredits(shares, -1_200);
    now = deal(now, 500);
    assert.deepEqual([now.commons, totalOf(now)], [-700, -700]);
    now = deal(deal(now, 500), 500);
    assert.equal(now.commons, 0);
    assert.equal(now.credit.upsert, 135, 'the rest of the third lump, 300, is dealt by share');
  });

  it('lose and invent no hundredth, however small or odd the lump', () => {
    let now = openCredits(shares, 0);
    for (let lump = 1; lump <= 300; lump += 1) now = deal(now, lump % 7);
    const dealt = Array.from({ length: 300 }, (_, n) => (n + 1) % 7).reduce((a, b) => a + b);
    assert.equal(totalOf(now), dealt);
    for (const name of spendClasses) {
      const exact = (dealt * shares[name]) / 100;
      assert.ok(
        Math.abs(now.credit[name] - exact) <= 1,
        `${name}: ${now.credit[name]} of ${exact}`,
      );
    }
  });
});

describe('credits: caps and holds', () => {
  it('move what exceeds a cap to the commons, and only when a lump arrives', () => {
    const caps = { ...noCaps, upsert: 0, backfill: 100 };
    const before = credits({ upsert: 500, backfill: 100 });
    const settled = settleHold(before, paymentOf('upsert', 300, 0), 100);
    assert.equal(settled.credit.upsert, 700, 'a settlement moves nothing');
    const after = deal(settled, 100, caps);
    assert.deepEqual([after.credit.upsert, after.credit.backfill], [0, 100]);
    assert.equal(after.commons, 700 + 45 + 30);
    const lost = deal(settled, 0, caps);
    assert.equal(lost.credit.upsert, 0, 'a lump that expired at the cap is a lump');
  });

  it('pay a hold from the credit first and from the commons next', () => {
    const { credits: after, payment } = payHold(credits({ head: 300 }, 400), {
      spendClass: 'head',
      hold: 500,
    });
    assert.deepEqual(payment, { spendClass: 'head', fromCredit: 300, fromCommons: 200 });
    assert.deepEqual([after.credit.head, after.commons], [0, 200]);
  });

  it('never pay from a negative credit, nor more than the commons hold', () => {
    const { payment } = payHold(credits({ head: -100 }, 700), { spendClass: 'head', hold: 500 });
    assert.deepEqual([payment.fromCredit, payment.fromCommons], [0, 500]);
    assert.throws(() => payHold(credits({}, 499), { spendClass: 'head', hold: 500 }), /commons/);
  });

  it('return what a hold did not cost to where it came from', () => {
    const before = credits({ upsert: 0 }, 0);
    const cases = [
      { cost: 500, credit: 0, commons: 0 },
      { cost: 350, credit: 0, commons: 150 },
      { cost: 300, credit: 0, commons: 200 },
      { cost: 100, credit: 200, commons: 200 },
      { cost: 0, credit: 300, commons: 200 },
    ];
    for (const { cost, credit, commons } of cases) {
      const after = settleHold(before, paymentOf('upsert', 300, 200), cost);
      assert.deepEqual([after.credit.upsert, after.commons], [credit, commons], `cost ${cost}`);
    }
  });
});

describe('credits: overruns and drains', () => {
  it('charge an overrun to the class that caused it and leave the commons alone', () => {
    const after = settleHold(credits({}, 900), paymentOf('upsert', 300, 200), 1_300);
    assert.deepEqual([after.credit.upsert, after.commons], [-800, 900]);
    assert.equal(debtOf(after), 800);
  });

  it('let a class that overran pay the others back out of its next shares', () => {
    let now = credits({ upsert: -800 });
    now = deal(now, 500);
    assert.deepEqual([now.credit.upsert, now.credit.backfill], [-300, 0], 'a debt comes first');
    for (let lump = 2; lump <= 20; lump += 1) now = deal(now, 500);
    // 10,000 came in, 800 of it for the overrun: by then everybody has had its share.
    assert.deepEqual(now.credit, {
      interactive: 500,
      head: 1_000,
      upsert: 4_500 - 800,
      refresh: 1_000,
      backfill: 3_000,
    });
  });

  it('take a foreign drain from the commons first, then from every class by its share', () => {
    const before = credits({ interactive: 100, upsert: 1_000 }, 300);
    const after = drainCredits(before, shares, 800);
    assert.equal(after.commons, 0);
    assert.deepEqual(after.credit, {
      interactive: 75,
      head: -50,
      upsert: 775,
      refresh: -50,
      backfill: -150,
    });
  });

  it('refuse shares that are not whole per cents from 1 that add up to 100', () => {
    assertShares(shares);
    assert.throws(() => assertShares({ ...shares, head: 11 }));
    assert.throws(() => assertShares({ ...shares, head: 9.5, refresh: 10.5 }));
    assert.throws(() => assertShares({ ...shares, head: 0, refresh: 20 }));
  });
});

function paymentOf(spendClass: SpendClass, fromCredit: number, fromCommons: number) {
  return { spendClass, fromCredit, fromCommons };
}

const spendClass = fc.constantFrom(...spendClasses);
const amount = fc.integer({ min: 0, max: 30_000 });
const event = fc.oneof(
  fc.record({ kind: fc.constant('lump' as const), amount }),
  fc.record({ kind: fc.constant('drain' as const), amount }),
  fc.record({ kind: fc.constant('gain' as const), amount }),
  fc.record({ kind: fc.constant('charge' as const), spendClass, amount }),
  fc.record({ kind: fc.constant('spend' as const), spendClass, amount, cost: amount }),
);

/** Five positive weights made into whole per cents that add up to 100. */
const anyShares = fc
  .tuple(...spendClasses.map(() => fc.integer({ min: 1, max: 20 })))
  .map((weights) => {
    const used = weights.slice(0, 4).reduce((sum, weight) => sum + weight, 0);
    const list = [...weights.slice(0, 4), 100 - used];
    return perClass((name) => list[spendClasses.indexOf(name)] ?? 0);
  });

describe('credits, after any sequence of events', () => {
  it('add up with the commons to what came in less what went out', () => {
    fc.assert(
      fc.property(
        anyShares,
        fc.integer({ min: -50_000, max: 50_000 }),
        fc.array(event, { maxLength: 60 }),
        (anyShare, start, events) => {
          let now = openCredits(anyShare, start);
          let sum = start;
          for (const step of events) {
            [now, sum] = apply(now, sum, { step, anyShare });
            assert.equal(totalOf(now), sum);
            const owed = spendClasses.reduce((total, name) => total + now.owed[name], 0);
            assert.equal(owed, 0);
          }
        },
      ),
    );
  });

  it('keep every class within a hundredth of its share of the lumps when nobody is in debt', () => {
    fc.assert(
      fc.property(anyShares, fc.array(amount, { maxLength: 60 }), (anyShare, lumps) => {
        let now = openCredits(anyShare, 0);
        for (const lump of lumps) {
          now = dealLump(now, { shares: anyShare, caps: noCaps, amount: lump });
        }
        const sum = lumps.reduce((total, lump) => total + lump, 0);
        for (const name of spendClasses) {
          const exact = (sum * anyShare[name]) / 100;
          assert.ok(Math.abs(now.credit[name] - exact) <= 2, name);
        }
      }),
    );
  });

  it('cover every positive credit by tokens once ceil(debt / lump) lumps have come', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 30 }),
        fc.integer({ min: 1, max: 5_000 }),
        (events, lump) => {
          let now = openCredits(shares, 1_000);
          for (const step of events) [now] = apply(now, 0, { step, anyShare: shares });
          const ticks = Math.ceil(debtOf(now) / lump);
          for (let tick = 0; tick < ticks; tick += 1) now = deal(now, lump);
          assert.equal(debtOf(now), 0);
        },
      ),
    );
  });
});

function apply(
  before: Credits,
  sum: number,
  {
    step,
    anyShare,
  }: { step: typeof event extends fc.Arbitrary<infer E> ? E : never; anyShare: typeof shares },
): [Credits, number] {
  switch (step.kind) {
    case 'lump': {
      const caps = perClass((name) => anyShare[name] * 60);
      const after = dealLump(before, { shares: anyShare, caps, amount: step.amount });
      return [after, sum + step.amount];
    }
    case 'drain':
      return [drainCredits(before, anyShare, step.amount), sum - step.amount];
    case 'gain':
      return [addToCommons(before, step.amount), sum + step.amount];
    case 'charge':
      return [chargeClass(before, step.spendClass, step.amount), sum - step.amount];
    case 'spend': {
      const own = Math.max(0, before.credit[step.spendClass]) + Math.max(0, before.commons);
      const hold = Math.min(step.amount, own);
      const paid = payHold(before, { spendClass: step.spendClass, hold });
      assert.equal(totalOf(paid.credits), totalOf(before) - hold);
      return [settleHold(paid.credits, paid.payment, step.cost), sum - step.cost];
    }
  }
}
