import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dealCall, productCall, started } from './broker-world.ts';

describe('storing what was bought', () => {
  it('buys nothing before the last answer is stored, and says why', async () => {
    let isBroken = true;
    let writes = 0;
    const world = await started({
      commit: () => {
        writes += 1;
        return isBroken ? Promise.reject(new Error('disk full')) : Promise.resolve();
      },
    });
    const first = world.ask('upsert', dealCall);
    const second = world.ask('upsert', dealCall);
    await world.run(10 * 60_000);
    assert.equal(world.keepa.calls.length, 2);
    assert.ok(writes > 10);
    const { stopped } = world.broker.snapshot();
    assert.equal(stopped?.cause, 'store');
    assert.match(stopped?.why ?? '', /disk full/);
    isBroken = false;
    await world.run(60_000);
    assert.equal((await first).kind, 'answered');
    assert.equal((await second).kind, 'answered');
    assert.equal(world.broker.snapshot().stopped, undefined);
    await world.end();
  });

  it('writes the ledger after the answer and repeats that too', async () => {
    const order: string[] = [];
    let failures = 2;
    const world = await started({
      commit: async () => void order.push('commit'),
      record: async ({ spendClass }) => {
        if (spendClass !== 'upsert') return;
        order.push('record');
        failures -= 1;
        if (failures >= 0) throw new Error('busy');
      },
    });
    const settled = world.ask('upsert', dealCall);
    await world.run(10_000);
    assert.equal((await settled).kind, 'answered');
    assert.deepEqual(order, ['commit', 'record', 'record', 'record']);
    await world.end();
  });

  it('ends a request whose write can never succeed, and does not repeat the write', async () => {
    let writes = 0;
    const world = await started({
      commit: () => {
        writes += 1;
        return Promise.reject(new Error('stale fence'));
      },
      isFinal: (error) => error instanceof Error && error.message === 'stale fence',
    });
    const settled = world.ask('upsert', dealCall);
    await world.run(10_000);
    assert.deepEqual(await settled, {
      kind: 'dead',
      why: 'stale fence',
      attempts: 1,
      answersBefore: 1,
    });
    assert.equal(writes, 1);
    await world.end();
  });
});

describe('a store that could not write for hours', () => {
  it('promises waits by how long calls take, not by how long storing did', async () => {
    const isFull = { isOn: true };
    const world = await started({
      commit: () => (isFull.isOn ? Promise.reject(new Error('disk full')) : Promise.resolve()),
    });
    const first = world.ask('upsert', dealCall);
    await world.run(3 * 3_600_000);
    isFull.isOn = false;
    await world.run(60_000);
    assert.equal((await first).kind, 'answered');
    for (let asked = 0; asked < 9; asked += 1) void world.ask('backfill', productCall(60));
    await world.run(60_000);
    const { waitBoundMs } = world.broker.snapshot().classes.backfill;
    assert.ok(waitBoundMs !== undefined && waitBoundMs < 3 * 3_600_000, `${waitBoundMs} ms`);
    await world.end();
  });
});

describe('what can never be stored', () => {
  it('lets an answer go whose data cannot be stored, says so once, and buys on', async () => {
    let writes = 0;
    const world = await started({
      commit: () => {
        writes += 1;
        return Promise.reject(new Error('cannot store REAL value in INTEGER column'));
      },
      canPass: () => false,
    });
    const settled = world.ask('upsert', dealCall);
    const next = world.ask('upsert', dealCall, { commit: () => Promise.resolve() });
    await world.run(60_000);
    const settlement = await settled;
    assert.equal(settlement.kind, 'unstorable');
    assert.match(settlement.kind === 'unstorable' ? settlement.why : '', /REAL value/);
    assert.equal(writes, 5);
    assert.equal((await next).kind, 'answered');
    assert.equal(world.broker.snapshot().stopped, undefined);
    const bought = world.ledger.filter(({ spendClass }) => spendClass === 'upsert');
    assert.deepEqual(
      bought.map(({ outcome, costTokens }) => [outcome, costTokens > 0]),
      [
        ['answered', true],
        ['answered', true],
      ],
    );
    const errors = world.log.said.filter(({ level }) => level === 'error');
    assert.deepEqual(
      errors.map(({ event, fields }) => [event, fields.what, fields.shape]),
      [['unstorable', 'answer', 'deal']],
    );
    await world.end();
  });

  it('gives up a line of the ledger that cannot be stored, and delivers the answer', async () => {
    const world = await started({
      record: async ({ spendClass }) => {
        if (spendClass === 'upsert') throw new TypeError('no such line');
      },
      canPass: () => false,
    });
    const settled = world.ask('upsert', dealCall);
    await world.run(60_000);
    assert.equal((await settled).kind, 'answered');
    assert.ok(
      world.log.said.some(({ event, fields }) => {
        return event === 'unstorable' && fields.what === 'ledger line';
      }),
    );
    await world.end();
  });

  it('counts no failure that can pass against an answer', async () => {
    let writes = 0;
    const world = await started({
      commit: async () => {
        writes += 1;
        if (writes <= 20) throw new Error(writes % 5 === 0 ? 'odd' : 'locked');
      },
      canPass: (error) => error instanceof Error && error.message === 'locked',
    });
    const settled = world.ask('upsert', dealCall);
    await world.run(20 * 60_000);
    assert.equal((await settled).kind, 'answered');
    assert.equal(writes, 21);
    await world.end();
  });
});
