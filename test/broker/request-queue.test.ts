import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SpendClass } from '../../src/broker/request.ts';
import { RequestQueue } from '../../src/broker/request-queue.ts';
import { dealCall } from './broker-world.ts';

type Queue = RequestQueue<string>;

function add(queue: Queue, payload: string, spendClass: SpendClass = 'upsert', nowMs = 0): number {
  return queue.add({ spendClass, call: dealCall, payload, nowMs }).id;
}

function send(queue: Queue, id: number): void {
  queue.move(id, 'admitted');
  queue.move(id, 'in-flight');
}

const states = [
  'queued',
  'admitted',
  'in-flight',
  'settled',
  'dead',
  'cancelled',
  'too-large',
] as const;

/** Ways into each state that has a way out. */
const ways = {
  queued: (_queue: Queue, _id: number) => undefined,
  admitted: (queue: Queue, id: number) => queue.move(id, 'admitted'),
  'in-flight': send,
  retrying: (queue: Queue, id: number) => {
    send(queue, id);
    queue.retry(id, 100);
  },
};

const legal = {
  queued: ['admitted', 'cancelled', 'too-large'],
  admitted: ['in-flight'],
  'in-flight': ['queued', 'settled', 'dead'],
  retrying: ['queued', 'cancelled'],
};

describe('request queue', () => {
  for (const [from, arrive] of Object.entries(ways)) {
    it(`goes from ${from} where the diagram says and nowhere else`, () => {
      for (const to of states) {
        const queue: Queue = new RequestQueue();
        const id = add(queue, 'a');
        arrive(queue, id);
        const isLegal = legal[from as keyof typeof legal].includes(to);
        if (isLegal) queue.move(id, to);
        else assert.throws(() => queue.move(id, to), /cannot go from/, `${from} to ${to}`);
      }
    });
  }

  it('enters backoff from in-flight only', () => {
    for (const [from, arrive] of Object.entries(ways)) {
      const queue: Queue = new RequestQueue();
      const id = add(queue, 'a');
      arrive(queue, id);
      if (from === 'in-flight') queue.retry(id, 100);
      else assert.throws(() => queue.retry(id, 100), /cannot go from/, from);
    }
  });

  it('lets nothing move once it has ended', () => {
    const queue: Queue = new RequestQueue();
    const id = add(queue, 'a');
    queue.move(id, 'cancelled');
    assert.throws(() => queue.move(id, 'admitted'), /has ended/);
    assert.equal(queue.find(id), undefined);
  });

  it('takes the older first within a class', () => {
    const queue: Queue = new RequestQueue();
    const first = add(queue, 'first');
    add(queue, 'second');
    assert.equal(queue.head('upsert')?.payload, 'first');
    send(queue, first);
    assert.equal(queue.head('upsert')?.payload, 'second');
    assert.equal(queue.head('backfill'), undefined);
  });

  it('keeps the place of a request that was refused', () => {
    const queue: Queue = new RequestQueue();
    const first = add(queue, 'first');
    add(queue, 'second');
    send(queue, first);
    queue.move(first, 'queued');
    assert.equal(queue.head('upsert')?.payload, 'first');
    assert.equal(queue.find(first)?.attempts, 0);
  });

  it('has no head in backoff, and puts it back into its place afterwards', () => {
    const queue: Queue = new RequestQueue();
    const first = add(queue, 'first');
    send(queue, first);
    queue.retry(first, 500);
    assert.equal(queue.head('upsert'), undefined);
    add(queue, 'second');
    assert.equal(queue.head('upsert')?.payload, 'second');
    assert.equal(queue.nextReadyAtMs(), 500);
    queue.wake(499);
    assert.equal(queue.head('upsert')?.payload, 'second');
    queue.wake(500);
    assert.equal(queue.head('upsert')?.payload, 'first');
    assert.equal(queue.find(first)?.attempts, 1);
  });

  it('counts what is under way or in backoff as work of the class', () => {
    const queue: Queue = new RequestQueue();
    const id = add(queue, 'a');
    send(queue, id);
    assert.equal(queue.workOf('upsert')?.payload, 'a');
    queue.retry(id, 500);
    assert.equal(queue.workOf('upsert')?.payload, 'a');
    queue.wake(500);
    queue.move(id, 'cancelled');
    assert.equal(queue.workOf('upsert'), undefined);
  });

  it('keeps the promise made to a head, and makes a new one to the next', () => {
    const queue: Queue = new RequestQueue();
    const first = add(queue, 'first');
    add(queue, 'second');
    const due = (): number => {
      const head = queue.head('upsert');
      assert.ok(head);
      return queue.overdueAtMs(head);
    };
    assert.equal(due(), Number.POSITIVE_INFINITY, 'no promise was made yet');
    queue.markHead('upsert', () => 1_000);
    queue.markHead('upsert', () => 9_000);
    assert.equal(due(), 1_000);
    send(queue, first);
    assert.equal(due(), Number.POSITIVE_INFINITY);
    queue.markHead('upsert', () => 9_000);
    assert.equal(due(), 9_000);
  });
});
