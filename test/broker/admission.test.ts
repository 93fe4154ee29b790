import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { creditCaps, decide } from '../../src/broker/admission.ts';
import { CostModel } from '../../src/broker/cost-model.ts';
import { type SpendClass, spendClasses } from '../../src/broker/request.ts';
import type { KeepaCall } from '../../src/keepa/call.ts';
import { dealCall, productCall, shares } from './broker-world.ts';
import { type Sketch, situationOf } from './situation.ts';

/** What is decided, as short text: `admit head x1`, `refuse backfill fits 90`, `wait`. */
function decision(sketch: Sketch, marks: Partial<Record<SpendClass, number>> = {}): string {
  const situation = situationOf(sketch);
  for (const name of spendClasses) {
    const overdueAtMs = marks[name];
    if (overdueAtMs !== undefined) situation.queue.markHead(name, overdueAtMs);
  }
  const decided = decide(situation);
  switch (decided.kind) {
    case 'wait':
      return 'wait';
    case 'admit':
      return `admit ${decided.request.spendClass} x${decided.items}`;
    case 'refuse':
      return `refuse ${decided.request.spendClass} fits ${decided.fitsItems}`;
  }
}

const verify = productCall(1, 20);
const upsertPage = ['upsert', dealCall] as const;
const backfillPage = ['backfill', dealCall] as const;
const batch = ['backfill', productCall(80)] as const;

describe('admission: what is affordable (rule 3)', () => {
  it('admits a head whose hold its credit and the commons cover together', () => {
    assert.equal(
      decision({ credit: { upsert: 3 }, commons: 2, queued: [upsertPage] }),
      'admit upsert x1',
    );
    assert.equal(
      decision({ credit: { upsert: 3 }, commons: 1.99, queued: [upsertPage], balance: 9 }),
      'wait',
    );
  });

  it('spends nothing that is saved for another class', () => {
    const saved = { credit: { backfill: 90, head: 5 }, queued: [upsertPage] };
    assert.equal(decision(saved), 'wait');
  });

  it('admits nothing below the floor, although the class could pay', () => {
    const indebted = { credit: { upsert: 5, backfill: -3 }, queued: [upsertPage] };
    assert.equal(decision(indebted), 'wait');
    assert.equal(decision({ ...indebted, deficitFloor: -3, balance: 2 }), 'admit upsert x1');
  });

  it('counts what is in flight as spent', () => {
    const held = { credit: { upsert: 5 }, balance: 12, queued: [upsertPage] };
    assert.equal(decision({ ...held, heldTokens: 7 }), 'admit upsert x1');
    assert.equal(decision({ ...held, heldTokens: 8 }), 'wait');
  });

  it('sends nothing at a balance that Keepa does not answer, whatever the floor', () => {
    const below = { credit: { upsert: 50 }, deficitFloor: -50, queued: [upsertPage] };
    assert.equal(decision({ ...below, balance: 0 }), 'wait');
    assert.equal(decision({ ...below, balance: 1 }), 'admit upsert x1');
  });

  it('asks the balance to bear the dearest call of its kind, the credit only the usual one', () => {
    const costs = new CostModel();
    const call = productCall(10, 20);
    for (let n = 0; n < 50; n += 1) {
      costs.learn(call, { items: 10, costTokens: n < 1 ? 90 : 70, holdTokens: 120 });
    }
    const sketch = { rate: 20, costs, queued: [['upsert', call]] as const };
    assert.equal(decision({ ...sketch, credit: { upsert: 70 }, commons: 20 }), 'admit upsert x10');
    // 70 would cover the hold of ten, but not a ten like the dearest: it becomes a smaller batch.
    assert.equal(decision({ ...sketch, credit: { upsert: 70 } }), 'admit upsert x5');
  });
});

describe('admission: who goes first (rule 3)', () => {
  const rich = { commons: 100, queued: [backfillPage, upsertPage] };

  it('prefers the higher class among heads that are affordable', () => {
    assert.equal(decision(rich), 'admit upsert x1');
    assert.equal(
      decision({ ...rich, queued: [...rich.queued, ['interactive', verify]] }),
      'admit interactive x1',
    );
  });

  it('lets an affordable lower class pass a higher one that must wait', () => {
    assert.equal(decision({ credit: { backfill: 5 }, queued: rich.queued }), 'admit backfill x1');
  });

  it('prefers an overdue head to a higher class', () => {
    assert.equal(decision({ ...rich, nowMs: 50 }, { backfill: 50 }), 'admit backfill x1');
    assert.equal(decision({ ...rich, nowMs: 49 }, { backfill: 50 }), 'admit upsert x1');
  });

  it('prefers among overdue heads the one that has been so longest', () => {
    const marks = { backfill: 10, upsert: 20 };
    assert.equal(decision({ ...rich, nowMs: 50 }, marks), 'admit backfill x1');
    assert.equal(decision({ ...rich, nowMs: 50 }, { backfill: 20, upsert: 10 }), 'admit upsert x1');
    assert.equal(decision({ ...rich, nowMs: 50 }, { backfill: 10, upsert: 10 }), 'admit upsert x1');
  });

  it('does not let an overdue head that is not affordable block the others', () => {
    const sketch = { credit: { upsert: 5 }, queued: rich.queued, nowMs: 50 };
    assert.equal(decision(sketch, { backfill: 10 }), 'admit upsert x1');
  });
});

describe('admission: batches (rule 5)', () => {
  it('cuts a batch to what its class can afford now', () => {
    assert.equal(
      decision({ credit: { backfill: 7.9 }, commons: 3, queued: [batch] }),
      'admit backfill x10',
    );
    assert.equal(decision({ credit: { backfill: 200 }, queued: [batch] }), 'admit backfill x80');
  });

  it('waits for one item, and never cuts to none', () => {
    assert.equal(decision({ credit: { backfill: 0.99 }, queued: [batch], balance: 5 }), 'wait');
    assert.equal(decision({ credit: { backfill: 1 }, queued: [batch] }), 'admit backfill x1');
  });

  it('sends no more than ten products with offers at once', () => {
    const offers = ['upsert', productCall(50, 20)] as const;
    assert.equal(
      decision({ rate: 60, credit: { upsert: 900 }, queued: [offers] }),
      'admit upsert x10',
    );
  });
});

describe('admission: what is too large (rule 5)', () => {
  it('refuses at once what share x capacity can never hold, with the size that fits', () => {
    const tooLarge = ['backfill', productCall(91)] as const;
    assert.equal(decision({ queued: [tooLarge] }), 'refuse backfill fits 90');
    assert.equal(decision({ rate: 6, queued: [tooLarge] }), 'wait');
  });

  it('refuses it also behind a head that is in order', () => {
    const tooLarge = ['backfill', productCall(91)] as const;
    assert.equal(decision({ queued: [batch, tooLarge] }), 'refuse backfill fits 90');
  });

  it('lets a single item through that its share can never hold', () => {
    // 12 tokens at 1 a minute: interactive may hold 3.
    const single = ['interactive', verify] as const;
    assert.equal(decision({ rate: 1, queued: [single] }), 'wait');
    assert.equal(
      decision({ rate: 1, credit: { interactive: 12 }, queued: [single] }),
      'admit interactive x1',
    );
    const batched = ['interactive', productCall(3, 20)] as const;
    assert.equal(decision({ rate: 1, queued: [batched] }), 'refuse interactive fits 1');
  });

  it('refuses a single item that not even a full bucket could pay', () => {
    const monster = ['upsert', productCall(1, 100)] as const;
    assert.equal(decision({ rate: 1, queued: [monster] }), 'refuse upsert fits 0');
    assert.equal(decision({ rate: 5, queued: [monster] }), 'wait');
  });

  it('cuts never to nothing and never above what is affordable, for any credit and price', () => {
    const sketch = fc.record({
      rate: fc.constantFrom(1, 5, 25, 250),
      credit: fc.integer({ min: -50, max: 200 }),
      commons: fc.integer({ min: 0, max: 200 }),
      debtElsewhere: fc.integer({ min: 0, max: 200 }),
      items: fc.integer({ min: 1, max: 100 }),
      offers: fc.constantFrom(undefined, 20),
      unitCosts: fc.array(fc.double({ min: 0.5, max: 15, noNaN: true }), { maxLength: 20 }),
    });
    fc.assert(
      fc.property(sketch, ({ rate, credit, commons, debtElsewhere, items, offers, unitCosts }) => {
        const call = productCall(items, offers);
        const costs = new CostModel();
        for (const [n, unit] of unitCosts.entries()) {
          const size = 1 + (n % 60);
          costs.learn(call, { items: size, costTokens: Math.ceil(unit * size), holdTokens: 9_999 });
        }
        const situation = situationOf({
          rate,
          credit: { upsert: credit, refresh: -debtElsewhere },
          commons,
          costs,
          queued: [['upsert', call]],
        });
        const decided = decide(situation);
        if (decided.kind !== 'admit') return;
        const { holdTokens, worstTokens } = decided.quote;
        assert.ok(decided.items >= 1 && decided.items <= items);
        assert.ok(holdTokens <= credit + commons);
        assert.ok(situation.bucket.balance - worstTokens >= 0, 'below the floor');
      }),
    );
  });
});

/** Caps in tokens. */
function caps(sketch: Sketch): Record<string, number> {
  const inTokens = Object.entries(creditCaps(situationOf(sketch))).map(([name, cap]) => [
    name,
    cap / 100,
  ]);
  return Object.fromEntries(inTokens);
}

describe('admission: how far a credit may grow (rule 2)', () => {
  it('lets a class with work save its smallest hold and two lumps of its share on top', () => {
    const queued: [SpendClass, KeepaCall][] = [['backfill', dealCall]];
    assert.equal(caps({ rate: 5, queued }).backfill, 5 + 3);
    // With the bare hold as cap, 70 of these 75 tokens would leave the class at every lump; and
    // with one lump all of the next, when slow calls have kept the class from its turns.
    assert.equal(caps({ rate: 250, queued }).backfill, 5 + 2 * 75);
  });

  it('takes one item of a batch for the smallest hold', () => {
    assert.equal(caps({ queued: [['backfill', productCall(80)]] }).backfill, 1 + 3);
  });

  it('never lets it exceed share x capacity', () => {
    assert.equal(caps({ rate: 1, queued: [['head', dealCall]] }).head, 5.2);
    const costs = new CostModel();
    costs.learn(dealCall, { items: 1, costTokens: 6, holdTokens: 6 });
    assert.equal(caps({ rate: 1, costs, queued: [['head', dealCall]] }).head, 6);
  });

  it('keeps a reserve for a poll and for a verification, and nothing else, without work', () => {
    assert.deepEqual(caps({ rate: 5 }), {
      interactive: 12,
      head: 5,
      upsert: 0,
      refresh: 0,
      backfill: 0,
    });
    assert.deepEqual(caps({ rate: 1 }), {
      interactive: 3,
      head: 5,
      upsert: 0,
      refresh: 0,
      backfill: 0,
    });
  });

  it('does not lower the reserve because the class asks for something small', () => {
    assert.equal(caps({ queued: [['interactive', productCall(1)]] }).interactive, 12);
  });

  it('counts a request under way as work', () => {
    const situation = situationOf({ queued: [['upsert', dealCall]] });
    const head = situation.queue.head('upsert');
    assert.ok(head);
    situation.queue.move(head.id, 'admitted');
    situation.queue.move(head.id, 'in-flight');
    assert.equal(creditCaps(situation).upsert, 500 + 2 * 225);
  });
});

describe('admission: saving beyond a share (rule 5)', () => {
  it('lets every class save beyond its share for a single item', () => {
    const dear: [SpendClass, KeepaCall][] = [
      ['refresh', verify],
      ['interactive', verify],
    ];
    const both = caps({ rate: 1, queued: dear });
    assert.equal(both.refresh, 12 + 2 * 0.1);
    assert.equal(both.interactive, 12 + 2 * 0.05);
  });

  it('is a function of the measured rate: twice the rate doubles every limit', () => {
    for (const name of spendClasses) {
      const call = productCall(100);
      const limit = (rate: number): number => {
        const decided = decide(situationOf({ rate, queued: [[name, call]] }));
        return decided.kind === 'refuse' ? decided.fitsItems : 100;
      };
      assert.equal(limit(1), shares[name] * 0.6);
      assert.equal(limit(2), Math.min(100, shares[name] * 1.2));
    }
  });
});

/** Five classes that save for 24, 24, 10, 10 and 24 tokens in a bucket of 60. */
const crowded: Sketch = {
  rate: 1,
  credit: { interactive: 22, head: 4, upsert: 20, refresh: 6, backfill: 8 },
  queued: [
    ['interactive', productCall(1, 40)],
    ['head', dealCall],
    ['upsert', productCall(1, 40)],
    ['refresh', verify],
    ['backfill', productCall(1, 40)],
  ],
};

describe('admission: a bucket full of savings', () => {
  it('lets the class borrow that would be first by its share', () => {
    // 2 of 24 are missing at 5 %, 1 of 5 at 10 %, 4 of 24 at 45 %: upsert would be there first.
    assert.equal(decision(crowded), 'admit upsert x1');
    const decided = decide(situationOf(crowded));
    assert.ok(decided.kind === 'admit' && decided.isLoan);
  });

  it('counts what a class is owed as saved, and what it owes as not saved', () => {
    const situation = situationOf(crowded);
    const inHundredths = (tokens: number): number => tokens * 100 * 100;
    const owed = { ...situation.credits.owed, upsert: inHundredths(-4), head: inHundredths(4) };
    const decided = decide({ ...situation, credits: { ...situation.credits, owed } });
    assert.ok(decided.kind === 'admit' && decided.request.spendClass === 'head');
  });

  it('lends nothing while the next lump still fits into the bucket', () => {
    const roomy = { ...crowded, credit: { ...crowded.credit, backfill: 7 } };
    assert.equal(decision(roomy), 'wait');
  });

  it('lends nothing when the next lump lets somebody go without a loan', () => {
    const idle = { rate: 1, credit: { interactive: 8, refresh: 52 } };
    const skimmed = { ...idle, queued: [['interactive', verify]] as const };
    assert.equal(decision(skimmed), 'wait', 'what refresh does not need will be common');
  });

  it('lends nothing that the balance could not bear', () => {
    const situation = situationOf({ ...crowded, heldTokens: 58, balance: 60 });
    assert.equal(decide(situation).kind, 'wait');
  });
});
