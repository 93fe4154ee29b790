import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { overdueAtMs, waitBoundMs } from '../../src/broker/wait-bound.ts';
import { productCall } from './broker-world.ts';
import { type Sketch, situationOf } from './situation.ts';

const page = { queued: [['backfill', productCall(5)]] as const };
const verify = productCall(1, 20);
const tickMs = 60_215;
const turnMs = 20_000;

/** The ticks in the bound of a class's head, the next lump being 60 s away; turns taken off. */
function ticks(
  sketch: Sketch,
  name: 'backfill' | 'upsert' | 'refresh',
  netRate = 5,
  drainTokens = 0,
): number | undefined {
  const boundMs = waitBoundMs(situationOf(sketch), name, { netRate, drainTokens, turnMs });
  if (boundMs === undefined) return undefined;
  const ticksMs = boundMs - 6 * turnMs;
  return ticksMs === 0 ? 0 : (ticksMs - 60_000) / tickMs + 1;
}

describe('wait bound', () => {
  it('is ceil((hold - credit) / (share x rate)) ticks of one item', () => {
    const offers = { queued: [['upsert', verify]] as const };
    assert.equal(ticks(offers, 'upsert'), Math.ceil(12 / 2.25));
    assert.equal(ticks({ ...offers, credit: { upsert: 3 } }, 'upsert'), 4);
    assert.equal(ticks({ ...offers, credit: { upsert: 2.99 } }, 'upsert'), 5);
    assert.equal(ticks({ ...offers, credit: { upsert: 12 } }, 'upsert'), 0);
    assert.equal(ticks(page, 'backfill'), 1, 'a batch may be cut to one');
  });

  it('does not count on the commons, which a higher class may take', () => {
    assert.equal(ticks({ queued: [['upsert', verify]], commons: 500 }, 'upsert'), 6);
  });

  it('adds ceil(debt / rate) ticks while positive credits are not covered', () => {
    const covered = { ...page, credit: { backfill: 5 } };
    assert.equal(ticks(covered, 'backfill'), 0);
    assert.equal(ticks({ ...covered, credit: { backfill: 5, upsert: -12 } }, 'backfill'), 3);
    assert.equal(ticks({ ...page, commons: -249 }, 'backfill'), 50 + 1);
  });

  it('lets each turn repay a debt first, when the floor lies below zero', () => {
    const situation = situationOf({ ...page, credit: { backfill: 50 }, deficitFloor: -9 });
    const boundMs = waitBoundMs(situation, 'backfill', { netRate: 5, drainTokens: 0, turnMs });
    assert.equal(boundMs, 6 * (turnMs + 2 * tickMs));
  });

  it('is computed from what strangers leave of the refill', () => {
    const offers = { queued: [['upsert', verify]] as const };
    assert.equal(ticks(offers, 'upsert', 2.5), Math.ceil(12 / 1.125));
    assert.equal(ticks(offers, 'upsert', 0), undefined, 'nothing can be promised');
  });

  it('is undefined without a head', () => {
    assert.equal(ticks(page, 'upsert'), undefined);
  });

  it('adds what the classes save for beyond what the bucket holds, for so much may be lent', () => {
    const dear = productCall(1, 40);
    const two = {
      rate: 1,
      queued: [
        ['upsert', dear],
        ['refresh', dear],
      ] as const,
    };
    // 24 + 24, and reserves of 3 and 5: all fits into 59.
    assert.equal(ticks(two, 'refresh', 1), 24 / 0.1);
    const three = { ...two, queued: [...two.queued, ['backfill', dear]] as const };
    assert.equal(ticks(three, 'refresh', 1), 24 / 0.1 + (24 * 3 + 8 - 59));
  });

  it('adds the most that a stranger took at once', () => {
    const offers = { queued: [['upsert', verify]] as const };
    assert.equal(ticks(offers, 'upsert', 2.5, 6), Math.ceil(12 / 1.125) + 3);
  });

  it('makes a head overdue one turn after its ticks, five turns before the bound ends', () => {
    const situation = situationOf({ ...page, credit: { backfill: 5 }, nowMs: 7_000 });
    assert.equal(
      overdueAtMs(situation, 'backfill', { netRate: 5, drainTokens: 0, turnMs }),
      7_000 + turnMs,
    );
    assert.equal(
      waitBoundMs(situation, 'backfill', { netRate: 5, drainTokens: 0, turnMs }),
      6 * turnMs,
    );
  });
});
